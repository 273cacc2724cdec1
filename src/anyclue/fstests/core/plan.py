"""What the next trial of a cell runs: the list, what a dead guest left of it, a test in doubt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from anyclue.fstests.core.evidence import CellTests, Trial
from anyclue.fstests.core.model import Part, TestFinding, TestId, TestPlan
from anyclue.model.recording import EndReason, Outcome
from anyclue.model.verdict import Verdict

MOST_EMPTY: Final = 2
"""So many trials in a row in which no test began say that none will."""


def next_plan(
    base: TestPlan,
    cell_tests: CellTests,
    tests: Sequence[TestFinding],
    *,
    repeats: int,
    extra_trials: int,
) -> TestPlan | None:
    """Return what the next trial runs; None when nothing is left to do.

    A test in doubt is repeated alone ``repeats`` times in a fresh guest, and again in up to
    ``extra_trials`` more while its verdict stays unproven. One that is clean alone, and grew more
    behind other tests, is repeated together with them in the same way.
    """
    lists = [trial for trial in cell_tests.trials if trial.record.part is Part.LIST]
    if not lists:
        return base
    rest = _rest(lists)
    if rest is None:
        if lists[-1].recording.outcome in (Outcome.NOT_RUN, Outcome.PASSED):  # an empty list passes
            return None
        return base if _empty(lists) < MOST_EMPTY else None
    if rest:
        return replace(base, tests=rest) if _empty(lists) < MOST_EMPTY else None
    doubted = [of for of in zip(cell_tests.tests, tests, strict=True) if in_doubt(of[1])]
    for evidence, finding in doubted:
        if not finding.wants_group and evidence.repeat_trials <= extra_trials:
            return replace(base, tests=(evidence.id,) * repeats, part=Part.REPEAT)
    wanting = [e.id for e, f in doubted if f.wants_group and e.group_trials <= extra_trials]
    group = _group(lists, wanting)
    return replace(base, tests=group * repeats, part=Part.GROUP) if group else None


def _group(lists: Sequence[Trial], wanting: Sequence[TestId]) -> tuple[TestId, ...]:
    """Return the tests of the first guest that ran one of the wanting, up to the last of them."""
    for trial in lists:
        begun = list(dict.fromkeys(call.id for call in trial.record.calls))
        ends = [begun.index(id_) for id_ in wanting if id_ in begun]
        if ends:
            return tuple(begun[: max(ends) + 1])
    return ()


def in_doubt(test: TestFinding) -> bool:
    """Say whether a test ran, what its memory did is not certain, and more runs may tell."""
    if not test.status.ran:
        return False
    if test.killed and test.killed.outcome in {Outcome.CRASHED, Outcome.HUNG, Outcome.OOM}:
        return False
    if test.killed and test.killed.reason is EndReason.STILL_AT_WORK:
        return False
    return test.memory is None or test.memory.verdict is Verdict.UNPROVEN


def _rest(lists: Sequence[Trial]) -> tuple[TestId, ...] | None:
    """Return what of the list no trial has begun yet; None where the list is not known."""
    planned = next((trial.record.tests for trial in lists if trial.record.tests), None)
    if planned is None:
        return None
    if lists[-1].record.stopped:
        return ()
    begun = Counter(call.id for trial in lists for call in trial.record.calls if not call.again)
    left = []
    for test in planned:
        if begun[test] > 0:
            begun[test] -= 1
        else:
            left.append(test)
    return tuple(left)


def _empty(lists: Sequence[Trial]) -> int:
    """Return how many of the last trials began no test."""
    count = 0
    for trial in reversed(lists):
        if trial.record.calls:
            break
        count += 1
    return count
