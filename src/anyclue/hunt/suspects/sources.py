"""Theories about the source: a function, a file or directory, a commit."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Iterable, Sequence

from anyclue.hunt.clue.model import Place, ReasonSource
from anyclue.hunt.localise.core.evidence import FunctionSource
from anyclue.hunt.suspects.ruling import Ruling, TheoryContext, acquitted, below, guilty, unproven
from anyclue.model.scenario import OfCommit, OfFunction, OfSubsystem
from anyclue.report.words import probability_words

SURE = 0.9
"""A place at least so likely is called guilty, where pairing, a probe or a commit speaks for it."""

NEAR = 0.85
"""A name that is not there and so like one that is (0 to 1) is taken for a slip of the pen."""

_SPEAKING = frozenset({ReasonSource.PAIRS_CHANGE, ReasonSource.PROBE, ReasonSource.COMMIT})


def of_function(about: OfFunction, hearing: TheoryContext) -> Ruling:
    """Judge a function by its place among all, and by whether it was changed."""
    own = [one for one in hearing.functions if one.name == about.function]
    if not hearing.functions:
        return _no_sources()
    if not own:
        names = [one.name for one in hearing.functions]
        return _misspelt(about.function, names) or _outside(f"{about.function}()", hearing)
    places = [one for one in hearing.ranked.places if one.function == about.function]
    return _judged(f"{about.function}()", own, places, hearing)


def of_subsystem(about: OfSubsystem, hearing: TheoryContext) -> Ruling:
    """Judge a file or a directory by the places in it, and by whether it was changed."""
    if not hearing.functions:
        return _no_sources()
    own = [one for one in hearing.functions if below(one.path, about.subsystem)]
    if not own:
        paths = [one.path for one in hearing.functions]
        return _misspelt(about.subsystem, paths) or _outside(about.subsystem, hearing)
    places = [one for one in hearing.ranked.places if below(one.path, about.subsystem)]
    return _judged(about.subsystem, own, places, hearing)


def of_commit(about: OfCommit, hearing: TheoryContext) -> Ruling:
    """Judge a commit by which of the kernels has it."""
    known = hearing.commits.get(about.commit)
    if known is None:
        scenario = shlex.quote(hearing.scenario_file)
        return unproven(
            "no kernel of this scenario is known by its commits, so none could be tested for it",
            f"in a clone of the kernel: anyclue merge {about.commit} --test {scenario} for a merge,"
            " anyclue bisect for another commit",
        )
    what = "merge" if known.merge else "commit"
    named = f'{what} {known.commit[:12]} ("{known.subject}")'
    if known.first_bad is not None:
        whose = "it" if known.first_bad else "another commit"
        ruling = guilty if known.first_bad else acquitted
        return ruling(f"bisection proved {whose} to be the first bad commit", named)
    if not known.in_bad:
        return acquitted("the guilty kernel does not have it", named)
    if known.in_good:
        return acquitted("the innocent kernel has it too, all else equal", named)
    if known.in_good is False and known.alone:
        return guilty("it is all that the guilty kernel has and the innocent one has not", named)
    places = [p for p in hearing.ranked.places if any(c.commit == known.commit for c in p.commits)]
    touched = [
        f"it changed {one.function}(), p = {probability_words(one.probability)}" for one in places
    ]
    settle = "anyclue bisect between the two kernels"
    if known.merge:
        settle = f"anyclue merge {known.commit[:12]} --test {shlex.quote(hearing.scenario_file)}"
    return unproven("it is one of several that lie between the kernels", settle, named, *touched)


def _judged(
    name: str, own: Sequence[FunctionSource], places: Sequence[Place], hearing: TheoryContext
) -> Ruling:
    probability = sum(one.probability for one in places)
    said = [f"{one.function}(): p = {probability_words(one.probability)}" for one in places[:3]]
    speaks = places and any(
        reason.ratio > 1 and reason.source in _SPEAKING for reason in places[0].reasons
    )
    if probability >= SURE and speaks:
        return guilty(
            f"it is the place, with a probability of {probability_words(probability)}", *said
        )
    if hearing.compared and not any(one.changed for one in own):
        return acquitted(f"{name} is the same in both kernels, and the kernel is what matters")
    settle = "anyclue probe RUN, and then anyclue clue RUN: stacks name functions"
    return unproven(
        f"it is the place with a probability of {probability_words(probability)}", settle, *said
    )


def _misspelt(name: str, known: Iterable[str]) -> Ruling | None:
    """Return that nothing was judged where a name is but nearly one that is known."""
    near = difflib.get_close_matches(name, set(known), n=1, cutoff=NEAR)
    if not near:
        return None
    return unproven(f"there is no {name}; {near[0]} is there", "correct the scenario's suspect")


def _outside(name: str, hearing: TheoryContext) -> Ruling:
    if hearing.compared and hearing.alone:
        return acquitted(
            f"{name} is not in {hearing.directory}, and nothing else differs between the kernels"
        )
    settle = f"name something below {hearing.directory}"
    if hearing.accused is not None and hearing.accused.good is not None:
        settle = "kernels that differ in nothing else, or anyclue bisect between these"
    return unproven(f"{name} is not in {hearing.directory}, whose sources were looked at", settle)


def _no_sources() -> Ruling:
    return unproven("there were no sources to look at", "anyclue clue RUN, where they can be had")
