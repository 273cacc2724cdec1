"""The clue put together, as its document holds it: guilt, places, suspects, what was not tested."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from anyclue.hunt.clue.model import ChangingCommit, Clue, Conjunction, FaultClue, Suspect
from anyclue.hunt.localise.symptoms import guilt_entry, surge_entries
from anyclue.hunt.minimise.model import FollowUps
from anyclue.hunt.model import Fault, Gap
from anyclue.hunt.probes.core.model import ProbeReading
from anyclue.hunt.render.clue_words import not_tested
from anyclue.hunt.render.fault_words import companions_sentence
from anyclue.hunt.render.probe_text import probe_summary
from anyclue.hunt.render.sentence import clue_sentence
from anyclue.hunt.render.suspect_words import suspect
from anyclue.hunt.suspects.judge import judge_by_faults
from anyclue.hunt.suspects.model import TheoryContext
from anyclue.model.scenario import Theory


@dataclass(frozen=True, kw_only=True)
class FaultFindings:
    """What was found out about a fault, or about none where nothing is guilty.

    Attributes:
        context: what the guests and the sources say.
        gaps: what was not looked at, or could not be had.
        conjunction: what was isolated, if it was.
        commit: the first bad commit, if a bisection proved one.
        follow_ups: what the follow-ups showed.
    """

    context: TheoryContext
    gaps: tuple[Gap | str, ...] = ()
    conjunction: Conjunction | None = None
    commit: ChangingCommit | None = None
    follow_ups: FollowUps = field(default_factory=FollowUps)


def assemble_clue(
    found: Sequence[FaultFindings],
    readings: Iterable[ProbeReading] = (),
    left_out: tuple[str, ...] = (),
) -> Clue:
    """Return the clue of what was found out about each fault.

    ``readings`` are of all probes, ``left_out`` what guests or time did not suffice for.
    """
    contexts = [one.context for one in found]
    findings, scenario = contexts[0].findings, contexts[0].scenario
    clues = tuple(
        _fault_clue(one, one.context.fault) for one in found if one.context.fault is not None
    )
    first = clues[0] if clues else None
    return Clue(
        sentence=clue_sentence(findings, clues),
        commit=first.commit if first is not None else None,
        guilt=(*(one.guilt for one in clues), *surge_entries(findings)),
        places=first.places if first is not None else (),
        elsewhere=first.elsewhere if first is not None else 1.0,
        suspects=tuple(_suspect(theory, contexts) for theory in scenario.suspects),
        not_tested=not_tested([(one.context, one.gaps, one.conjunction) for one in found]),
        conjunction=first.conjunction if first is not None else None,
        dose=first.dose if first is not None else None,
        reproducer=first.reproducer if first is not None else None,
        probes=tuple(map(probe_summary, readings)),
        companions=first.companions if first is not None else "",
        faults=clues[1:],
        left_out=left_out,
    )


def _fault_clue(one: FaultFindings, fault: Fault) -> FaultClue:
    ranked = one.context.ranked
    return FaultClue(
        guilt=guilt_entry(fault, one.conjunction),
        commit=one.commit,
        places=ranked.places,
        elsewhere=ranked.elsewhere,
        conjunction=one.conjunction,
        dose=one.follow_ups.dose,
        reproducer=one.follow_ups.reproducer,
        companions=companions_sentence(fault, one.context.findings.faults),
    )


def _suspect(theory: Theory, contexts: Sequence[TheoryContext]) -> Suspect:
    standing, decisive = judge_by_faults(theory.about, contexts)
    return suspect(theory, standing, decisive, len(contexts))
