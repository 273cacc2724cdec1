"""What a test did to memory: alone, and behind the tests before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from anyclue.fstests.core.charges import ChargedRun
from anyclue.fstests.core.evidence import TestEvidence, last_in_a_row
from anyclue.fstests.core.model import TestId
from anyclue.fstests.core.reasons import CleanAlone, RoseBehindOthers
from anyclue.fstests.core.test_verdict import judge_once, judge_test
from anyclue.model.machine_recording import TestVerdict
from anyclue.model.verdict import Verdict
from anyclue.verdicts.floors import MIN_FLOORS

_WORSE: Final = (
    *(Verdict.BROKEN, Verdict.LEAK, Verdict.SURGE),
    *(Verdict.UNPROVEN, Verdict.CACHE, Verdict.CLEAN),
)


@dataclass(frozen=True, kw_only=True)
class MemoryVerdict:
    """What is said of a test's memory.

    Attributes:
        verdict: the verdict on it; None where it did not run.
        alone: whether it leaks by itself.
        after: the tests before it where it leaks, without which it is clean.
        wants_group: whether only a repetition together with them can tell.
    """

    verdict: TestVerdict | None = None
    alone: bool = False
    after: tuple[TestId, ...] = ()
    wants_group: bool = False


def judge_memory(evidence: TestEvidence, least_kib: float) -> MemoryVerdict:
    """Return the worse of the verdicts alone and among others.

    A test that is clean alone may leak by what a test before it left behind. It is suspected of
    that when it grew more behind others than in any run alone: a one-time cost is paid there, too.
    """
    alone = _alone(evidence, least_kib) if evidence.guests else None
    if not evidence.among:
        if alone is not None and alone.verdict is Verdict.CLEAN and _is_more(evidence, least_kib):
            because = RoseBehindOthers(
                behind_others_kib=evidence.rise_listed or 0.0, alone_kib=evidence.rise_alone or 0.0
            )
            unproven = replace(alone, verdict=Verdict.UNPROVEN, because=because)
            return MemoryVerdict(verdict=unproven, wants_group=True)
        return MemoryVerdict(verdict=alone, alone=_leaks(alone))
    among = _repeated(evidence, evidence.among)
    if alone is None:
        return MemoryVerdict(verdict=among)
    if alone.verdict is Verdict.CLEAN and among.verdict is Verdict.LEAK:
        needs_others = replace(among, because=CleanAlone(among=among.because))
        return MemoryVerdict(verdict=needs_others, after=evidence.before)
    undecided = alone.verdict is Verdict.CLEAN and among.verdict is Verdict.UNPROVEN
    if undecided and not _is_more(evidence, least_kib):
        return MemoryVerdict(verdict=alone)  # it was in the group for another test's sake
    worse = min(alone, among, key=_worse)
    return MemoryVerdict(verdict=worse, alone=_leaks(alone), wants_group=undecided)


def _leaks(alone: TestVerdict | None) -> bool:
    return alone is not None and alone.verdict is Verdict.LEAK


def _worse(verdict: TestVerdict) -> int:
    return _WORSE.index(verdict.verdict)


def _is_more(evidence: TestEvidence, least_kib: float) -> bool:
    listed, alone = evidence.rise_listed, evidence.rise_alone
    return listed is not None and alone is not None and listed - alone >= least_kib


def _alone(evidence: TestEvidence, least_kib: float) -> TestVerdict:
    # What it did behind other tests is not what it does alone, where it ran alone often enough.
    for guests in (evidence.alone, evidence.guests):
        if any(sum(run.floors is not None for run in guest) >= MIN_FLOORS for guest in guests):
            return _repeated(evidence, guests)
    runs = [of for guest in evidence.guests for of in last_in_a_row(guest)]
    verdicts = [judge_once(run, before=before, least_kib=least_kib) for run, before in runs]
    return min(verdicts, key=_worse)


def _repeated(evidence: TestEvidence, guests: Sequence[Sequence[ChargedRun]]) -> TestVerdict:
    assert evidence.recorded is not None  # noqa: S101 - a run has a recording
    return judge_test(guests, evidence.recorded)
