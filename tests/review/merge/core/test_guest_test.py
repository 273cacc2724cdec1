"""Who brought what guests found in a merge, from verdicts of its versions."""

from __future__ import annotations

import pytest

from anyclue.model.reason import NotRun
from anyclue.model.recording import Outcome
from anyclue.model.scenario import Cell
from anyclue.model.verdict import CellVerdict, Signature, Verdict
from anyclue.review.merge.core.guest_test import Blame, GuestComparison, MergeTest, compare

CLEAN, UNPROVEN = (Verdict.CLEAN, None), (Verdict.UNPROVEN, None)
LEAK = (Verdict.LEAK, Signature.PAGE_CACHE_REFERENCE)
OTHER = (Verdict.LEAK, Signature.OBJECT)
BROKEN = (Verdict.BROKEN, None)
SURGE = (Verdict.SURGE, None)
PARENTS = ("ours", "theirs")


def judged(
    kernel: str,
    verdict: Verdict = Verdict.CLEAN,
    signature: Signature | None = None,
    *,
    mount: str = "lzo",
) -> CellVerdict:
    return CellVerdict(
        cell=Cell(kernel=kernel, machine="i386", mkfs="default", mount=mount, workload="mix"),
        outcome=Outcome.PASSED,
        verdict=verdict,
        because=NotRun(),
        rate_kib_per_round=None,
        rate_ci95_kib=None,
        signature=signature,
        signature_detail=None,
        classes={},
        rounds=6,
        warm_up=0,
        trials=1,
        reference=None,
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "result", "blame", "sides"),
    [
        (CLEAN, CLEAN, CLEAN, Blame.CLEAN, ()),
        (CLEAN, CLEAN, LEAK, Blame.GUILTY, ()),
        (CLEAN, CLEAN, BROKEN, Blame.GUILTY, ()),
        (CLEAN, CLEAN, SURGE, Blame.GUILTY, ()),
        (SURGE, CLEAN, SURGE, Blame.CAME, ("ours",)),
        (SURGE, CLEAN, LEAK, Blame.UNPROVEN, ()),
        (CLEAN, LEAK, LEAK, Blame.CAME, ("theirs",)),
        (LEAK, LEAK, LEAK, Blame.CAME, ("ours", "theirs")),
        (LEAK, CLEAN, CLEAN, Blame.CLEAN, ()),
        (CLEAN, OTHER, LEAK, Blame.UNPROVEN, ()),
        (CLEAN, UNPROVEN, LEAK, Blame.UNPROVEN, ()),
        (CLEAN, CLEAN, UNPROVEN, Blame.UNPROVEN, ()),
    ],
)
def test_blame(
    ours: tuple[Verdict, Signature | None],
    theirs: tuple[Verdict, Signature | None],
    result: tuple[Verdict, Signature | None],
    blame: Blame,
    sides: tuple[str, ...],
) -> None:
    versions = {"ours": ours, "theirs": theirs, "result": result}
    cells = [judged(name, *of) for name, of in versions.items()]
    (row,) = compare(cells, PARENTS)
    assert (row.result, row.sides, row.against) == (blame, sides, None)
    assert row.conditions == ("i386", "default", "lzo", "mix")


def test_a_parent_that_was_not_run_leaves_it_unproven() -> None:
    cells = [judged("ours"), judged("result", *LEAK)]
    (row,) = compare(cells, PARENTS)
    assert row.result is Blame.UNPROVEN


def test_each_condition_and_the_other_resolution_by_itself() -> None:
    cells = [
        judged(kernel, *(LEAK if kernel == leaks else CLEAN), mount=mount)
        for mount, leaks in (("lzo", "against"), ("zlib", ""))
        for kernel in ("base", "ours", "theirs", "result", "against")
    ]
    rows = compare(cells, PARENTS)
    assert [(row.result, row.against) for row in rows] == [
        (Blame.CLEAN, Blame.GUILTY),
        (Blame.CLEAN, Blame.CLEAN),
    ]


def test_guilty_anywhere_is_guilty_and_all_must_be_proven() -> None:
    def blame(*each: Blame) -> Blame:
        rows = tuple(GuestComparison(conditions=(), verdicts=(), result=one) for one in each)
        return MergeTest(run="", series="", directory="", rows=rows).blame

    assert blame(Blame.CLEAN, Blame.UNPROVEN, Blame.GUILTY) is Blame.GUILTY
    assert blame(Blame.CLEAN, Blame.UNPROVEN, Blame.CAME) is Blame.UNPROVEN
    assert blame(Blame.CLEAN, Blame.CAME) is Blame.CAME
    assert blame() is Blame.UNPROVEN
