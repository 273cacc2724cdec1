"""Who brought what guests found in a merge, from verdicts of its versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anyclue.model.verdict import Signature, Verdict
from anyclue.review.merge.core.guest_blame import observed
from anyclue.review.merge.core.guest_model import Blame, MergeTest, Observed

if TYPE_CHECKING:
    from tests.hunt.conftest import Tools

CLEAN, UNPROVEN = (Verdict.CLEAN, None), (Verdict.UNPROVEN, None)
LEAK = (Verdict.LEAK, Signature.PAGE_CACHE_REFERENCE)
OTHER = (Verdict.LEAK, Signature.OBJECT)
BROKEN = (Verdict.BROKEN, None)


@pytest.mark.parametrize(
    ("ours", "theirs", "result", "blame", "sides"),
    [
        (CLEAN, CLEAN, CLEAN, Blame.CLEAN, ()),
        (CLEAN, CLEAN, LEAK, Blame.GUILTY, ()),
        (CLEAN, CLEAN, BROKEN, Blame.GUILTY, ()),
        (CLEAN, LEAK, LEAK, Blame.CAME, ("theirs",)),
        (LEAK, LEAK, LEAK, Blame.CAME, ("ours", "theirs")),
        (LEAK, CLEAN, CLEAN, Blame.CLEAN, ()),
        (CLEAN, OTHER, LEAK, Blame.UNPROVEN, ()),
        (CLEAN, UNPROVEN, LEAK, Blame.UNPROVEN, ()),
        (CLEAN, CLEAN, UNPROVEN, Blame.UNPROVEN, ()),
    ],
)
def test_blame(
    tools: Tools,
    ours: tuple[Verdict, Signature | None],
    theirs: tuple[Verdict, Signature | None],
    result: tuple[Verdict, Signature | None],
    blame: Blame,
    sides: tuple[str, ...],
) -> None:
    versions = {"ours": ours, "theirs": theirs, "result": result}
    cells = [tools.verdict(f"{name} i386 lzo", *of) for name, of in versions.items()]
    (row,) = observed(cells, ("ours", "theirs"), "result", None)
    assert (row.result, row.sides, row.against) == (blame, sides, None)
    assert row.conditions == ("i386", "default", "lzo", "mix")


def test_a_parent_that_was_not_run_leaves_it_unproven(tools: Tools) -> None:
    cells = [tools.verdict("ours i386 lzo"), tools.verdict("result i386 lzo", *LEAK)]
    (row,) = observed(cells, ("ours", "theirs"), "result", None)
    assert row.result is Blame.UNPROVEN


def test_each_condition_and_the_other_resolution_by_itself(tools: Tools) -> None:
    cells = [
        tools.verdict(f"{kernel} i386 {mount}", *(LEAK if kernel == leaks else CLEAN))
        for mount, leaks in (("lzo", "against"), ("zlib", ""))
        for kernel in ("base", "ours", "theirs", "result", "against")
    ]
    rows = observed(cells, ("ours", "theirs"), "result", "against")
    assert [(row.result, row.against) for row in rows] == [
        (Blame.CLEAN, Blame.GUILTY),
        (Blame.CLEAN, Blame.CLEAN),
    ]


def test_guilty_anywhere_is_guilty_and_all_must_be_proven() -> None:
    def blame(*each: Blame) -> Blame:
        rows = tuple(Observed(conditions=(), verdicts=(), result=one) for one in each)
        return MergeTest(run="", kernel="", rows=rows).blame

    assert blame(Blame.CLEAN, Blame.UNPROVEN, Blame.GUILTY) is Blame.GUILTY
    assert blame(Blame.CLEAN, Blame.UNPROVEN, Blame.CAME) is Blame.UNPROVEN
    assert blame(Blame.CLEAN, Blame.CAME) is Blame.CAME
    assert blame() is Blame.UNPROVEN
