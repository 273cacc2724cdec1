"""What became of the user's theories, in words."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from anyclue.hunt.clue.model import Place, Suspect, SuspectKind, SuspectStatus
from anyclue.hunt.localise.core.model import CommitMembership
from anyclue.hunt.probes.core.model import ProbeFinding, ProbeReading
from anyclue.hunt.render import fault_words, verdict_words
from anyclue.hunt.render.clue_text import DIGITS
from anyclue.hunt.render.evidence_words import FIRST_BAD_COMMIT
from anyclue.hunt.select.factors import kind
from anyclue.hunt.suspects.model import (
    AcquittedReason,
    CellInDoubt,
    CellPair,
    ClassGrowth,
    Evidence,
    FaultRuling,
    GuestEnd,
    GuiltyReason,
    LeakWithoutSlots,
    Ruling,
    RulingReason,
    TheoryContext,
    UnprovenReason,
)
from anyclue.model.scenario import (
    About,
    OfArch,
    OfCommit,
    OfFactor,
    OfFunction,
    OfResource,
    OfSubsystem,
    Theory,
)
from anyclue.model.verdict import CellVerdict, ClassRate, MemoryClass
from anyclue.report.words import (
    first_few,
    kind_label,
    listed,
    objects,
    probability_words,
    series_name,
)
from anyclue.verdicts.breakdown import class_of

_COUNTS: Final = 3
"""So many counts of objects are told of a class."""
_PROBE: Final = "anyclue probe RUN, and then anyclue clue RUN"
_KMAP_PROBE: Final = "anyclue probe RUN --probe kmap-balance, and then anyclue clue RUN"
_BECAUSE: Final[Mapping[RulingReason, str]] = MappingProxyType(
    {
        UnprovenReason.NOTHING_GUILTY: "no cell is guilty of anything",
        UnprovenReason.SURGES_ALONE: "no cell leaks or broke, and a surge leaves nothing behind",
        GuiltyReason.VALUE_LEAKS: "{test} leaks, and others do not",
        AcquittedReason.VALUE_IS_INNOCENT: "with {test} this does not leak, all else equal",
        AcquittedReason.OTHER_VALUE_LEAKS: "it leaks in the same way with another {name}",
        UnprovenReason.FACTOR_IS_OPEN: "{factor}",
        UnprovenReason.VALUE_IN_DOUBT: "with {test} one cell is innocent, and another is not proven"
        " to be",
        GuiltyReason.ARCH_LEAKS: "it leaks on {name}, and elsewhere it does not",
        AcquittedReason.ARCH_IS_INNOCENT: "on {name} this does not leak, all else equal",
        AcquittedReason.OTHER_ARCH_LEAKS: "it leaks in the same way on another architecture",
        UnprovenReason.NOT_RUN_ON_ARCH: "no guilty cell ran on {name}",
        UnprovenReason.NO_OTHER_ARCH: "it was run on no other architecture",
        GuiltyReason.GREW: "{resource} {grew}",
        AcquittedReason.DID_NOT_GROW: "{resource} did not grow",
        UnprovenReason.NO_FLOORS: "no guilty cell has a floor by which {resource} could be told",
        UnprovenReason.NOT_READ: "{resource} could not be read in every guilty cell",
        UnprovenReason.GREW_TOO: "{resource} grew too, beside what carries the verdict",
        UnprovenReason.MAY_HAVE_GROWN: "{resource} may have grown: that is neither proven nor"
        " excluded",
        GuiltyReason.STUCK_AT_KMAP: "the kernel stopped at a mapping that was not undone",
        GuiltyReason.KMAP_UNBALANCED: "maps and unmaps do not balance",
        AcquittedReason.KMAP_BALANCED: "it is balanced, and no task got stuck",
        AcquittedReason.NO_KMAP_SLOTS: "it leaks where kmap has nothing to lose",
        UnprovenReason.GUEST_ENDED_BADLY: "a guilty guest did not end well",
        UnprovenReason.KMAP_NOT_SEEN: "no task got stuck, but its balance was not seen",
        GuiltyReason.IS_THE_PLACE: "it is the place, with a probability of {probability}",
        AcquittedReason.IS_UNCHANGED: "{test} is the same in both kernels,"
        " and the kernel is what matters",
        AcquittedReason.OUTSIDE_OF_THE_CHANGE: "{test} is not in {directory},"
        " and nothing else differs between the kernels",
        UnprovenReason.MAY_BE_THE_PLACE: "it is the place with a probability of {probability}",
        UnprovenReason.OUTSIDE_OF_THE_MODULE: "{test} is not in {directory},"
        " whose sources were looked at",
        UnprovenReason.MISSPELT: "there is no {name}; {near} is there",
        UnprovenReason.NO_SOURCES: "there were no sources to look at",
        GuiltyReason.FIRST_BAD_COMMIT: FIRST_BAD_COMMIT,
        GuiltyReason.ONLY_COMMIT: "it is all that the guilty kernel has and the innocent one"
        " has not",
        AcquittedReason.OTHER_COMMIT_IS_BAD: "bisection proved another commit to be the first bad"
        " commit",
        AcquittedReason.NOT_IN_BAD_KERNEL: "the guilty kernel does not have it",
        AcquittedReason.IN_GOOD_KERNEL: "the innocent kernel has it too, all else equal",
        UnprovenReason.ONE_OF_SEVERAL_COMMITS: "it is one of several that lie between the kernels",
        UnprovenReason.UNKNOWN_COMMIT: "no kernel of this scenario is known by its commits,"
        " so none could be tested for it",
    }
)
_SETTLE: Final[Mapping[UnprovenReason, str]] = MappingProxyType(
    {
        UnprovenReason.NOTHING_GUILTY: "a cell that leaks",
        UnprovenReason.SURGES_ALONE: "a cell that leaks",
        UnprovenReason.VALUE_IN_DOUBT: "more rounds of the cell that is in doubt, and of cells"
        " beside it",
        UnprovenReason.NO_FLOORS: "a guilty cell that lives to its floors: more memory,"
        " or fewer files a round",
        UnprovenReason.NOT_READ: "a guilty cell whose counters are whole",
        UnprovenReason.GREW_TOO: f"{_PROBE}: where it was allocated",
        UnprovenReason.MAY_HAVE_GROWN: "more rounds",
        UnprovenReason.GUEST_ENDED_BADLY: _KMAP_PROBE,
        UnprovenReason.KMAP_NOT_SEEN: _KMAP_PROBE,
        UnprovenReason.MAY_BE_THE_PLACE: f"{_PROBE}: stacks name functions",
        UnprovenReason.MISSPELT: "correct the scenario's suspect",
        UnprovenReason.NO_SOURCES: "anyclue clue RUN, where they can be had",
    }
)


def suspect(
    theory: Theory, standing: SuspectStatus, decisive: Sequence[FaultRuling], faults: int = 1
) -> Suspect:
    """Return what became of a theory, as the clue holds it.

    ``decisive`` are the rulings that decide it. Where there are several ``faults``, and what is
    said does not hold of all of them, it is said of which.
    """
    kind_of, test = _test(theory.about)
    said: dict[str, list[str]] = {}
    evidence: dict[str, None] = {}
    settle: dict[str, None] = {}
    for one in decisive:
        rulings = (one.ruling, *one.ruling.also)
        because = [_because(each, theory.about, one.context) for each in rulings]
        of = fault_words.fault_label(one.context.fault) if one.context.fault is not None else ""
        said.setdefault("; ".join(dict.fromkeys(because)), []).append(of)
        for each in rulings:
            evidence |= dict.fromkeys(_evidence(it, one.ruling) for it in each.evidence)
        settle[_settle(one.ruling, theory.about, one.context)] = None
    return Suspect(
        name=theory.name,
        theory=theory.theory,
        test=test,
        kind=kind_of,
        standing=standing,
        because="; ".join(
            because if len(of) == faults else f"{because} ({listed(list(dict.fromkeys(of)))})"
            for because, of in said.items()
        ),
        evidence=tuple(evidence),
        settle="; ".join(settle),
    )


def _test(about: About) -> tuple[SuspectKind, str]:
    match about:
        case OfFactor(axis=axis, value=value):
            return SuspectKind.FACTOR, f"{axis.value} {value}"
        case OfArch(arch=arch):
            return SuspectKind.ARCH, f"architecture {arch.value}"
        case OfResource(resources=resources):
            return SuspectKind.RESOURCE, ", ".join(one.value for one in resources)
        case OfFunction(function=function):
            return SuspectKind.FUNCTION, f"{function}()"
        case OfSubsystem(subsystem=subsystem):
            return SuspectKind.SUBSYSTEM, subsystem
        case OfCommit(commit=commit):
            return SuspectKind.COMMIT, f"commit {commit}"


def _name(about: About) -> str:
    """Return the name of what a theory is about: of a factor, its axis."""
    match about:
        case OfFactor(axis=axis):
            return axis.value
        case OfArch(arch=arch):
            return arch.value
        case OfFunction(function=name) | OfSubsystem(subsystem=name) | OfCommit(commit=name):
            return name
    return ""


def _because(ruling: Ruling, about: About, context: TheoryContext) -> str:
    factor, resource = ruling.factor, ruling.resource
    of = resource.value.replace("-", " ") if resource is not None else ""
    return _BECAUSE[ruling.reason].format(
        test=_test(about)[1],
        name=_name(about),
        factor=verdict_words.factor_reason(factor) if factor is not None else "nothing was run",
        resource=of,
        grew="are what grew" if of.endswith("s") else "grew",
        probability=probability_words(ruling.probability),
        directory=context.directory,
        near=ruling.near,
    )


def _settle(ruling: Ruling, about: About, context: TheoryContext) -> str:  # noqa: PLR0911
    """Return what would settle a theory; "" where it is settled."""
    scenario = shlex.quote(context.scenario_file)
    match ruling.reason:
        case (
            UnprovenReason.FACTOR_IS_OPEN
            | UnprovenReason.NOT_RUN_ON_ARCH
            | UnprovenReason.NO_OTHER_ARCH
        ):
            if ruling.cell_to_run is not None:
                return f"run {ruling.cell_to_run.id}"
            beside = context.guilty[0]
            wanted = f"another {_name(about)}"
            if ruling.reason is UnprovenReason.NOT_RUN_ON_ARCH:
                wanted = f"a machine of {_name(about)}"
            elif ruling.reason is UnprovenReason.NO_OTHER_ARCH:
                own = context.arch(beside).value
                wanted = f"a machine of another architecture than {own}"
            return f"give the scenario {wanted}, and run it beside {beside.cell.id}"
        case UnprovenReason.OUTSIDE_OF_THE_MODULE if context.has_good:
            return "kernels that differ in nothing else, or anyclue bisect between these"
        case UnprovenReason.OUTSIDE_OF_THE_MODULE:
            return f"name something below {context.directory}"
        case UnprovenReason.UNKNOWN_COMMIT:
            return (
                f"in a clone of the kernel: anyclue merge {_name(about)} --test {scenario} for a"
                " merge, anyclue bisect for another commit"
            )
        case UnprovenReason.ONE_OF_SEVERAL_COMMITS:
            known = context.commits[_name(about)]
            if known.merge:
                return f"anyclue merge {known.commit[:DIGITS]} --test {scenario}"
            return "anyclue bisect between the two kernels"
    return _SETTLE[ruling.reason] if isinstance(ruling.reason, UnprovenReason) else ""


def _evidence(one: Evidence, ruling: Ruling) -> str:  # noqa: C901, PLR0911 - a line for each kind
    match one:
        case CellPair(guilty=a, other=b):
            return f"{a.cell.id} is {kind_label(*kind(a))}, {b.cell.id} is {fault_words.beside(b)}"
        case CellInDoubt(verdict=verdict):
            return f"{verdict.cell.id} is {kind_label(*kind(verdict))}"
        case ClassGrowth(verdict=verdict, memory_class=name):
            kib = f"{verdict.cell.id}: {name.value} {_rate(verdict.classes[name])} KiB a round"
            counts = _grown_counts(verdict, name)
            return f"{kib}; {first_few(counts, _COUNTS)} a round" if counts else kib
        case GuestEnd(verdict=verdict):
            incident = verdict.incident
            title = incident.title if incident is not None else "nothing in the kernel log"
            return f"{verdict.cell.id}: {verdict.outcome.value}, {title}"
        case LeakWithoutSlots(verdict=verdict):
            return f"{verdict.cell.id} leaks, and x86_64 has no kmap slots to lose"
        case ProbeFinding():
            return one.because
        case ProbeReading():
            return f"probe {one.probe}: {_reading(one)}"
        case Place():
            probability = f"p = {probability_words(one.probability)}"
            if ruling.reason is UnprovenReason.ONE_OF_SEVERAL_COMMITS:
                return f"it changed {one.function}(), {probability}"
            return f"{one.function}(): {probability}"
        case CommitMembership():
            what = "merge" if one.merge else "commit"
            return f'{what} {one.commit[:DIGITS]} ("{one.subject}")'


def _grown_counts(verdict: CellVerdict, name: MemoryClass) -> list[str]:
    """Return the counts of objects in a class that grew, most first."""
    grown = [
        (of.rate, series)
        for series, of in verdict.objects.items()
        if of.grew and class_of(series) is name
    ]
    return [f"{series_name(one)} {objects(rate)}" for rate, one in sorted(grown, reverse=True)]


def _reading(one: ProbeReading) -> str:
    if one.is_whole:
        return f"balanced over {one.rounds} rounds"
    if one.could_not:
        return one.could_not
    if one.lost:
        return "it missed " + ", ".join(f"{count} {name}" for name, count in one.lost.items())
    return "no rounds were compared"


def _rate(rate: ClassRate) -> str:
    if rate.rate_kib is None:
        return "unknown"
    if rate.ci95_kib is None:
        return f"{rate.rate_kib:.1f}"
    low, high = rate.ci95_kib
    return f"{rate.rate_kib:.1f} [{low:.1f}, {high:.1f}]"
