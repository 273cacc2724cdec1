"""The cases of `make bench-merge`, on small C files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from bench.merge_bench.cases import CASES, got
from bench.merge_bench.grounds import small

if TYPE_CHECKING:
    from bench.merge_bench.case import Case
    from bench.merge_bench.forge import Forge

KNOWN = {
    "leaks-once-more": "a second leak in a function is taken for the one that a side brought",
    "octopus-two-conflicts": "conflicts of an octopus's earlier steps are forgotten",
    "octopus-two-conflicts-drops": "conflicts of an octopus's earlier steps are forgotten",
    "moved-function": "what a side changed in a function counts as lost when another moved it",
    "moved-function-drops": "the function is named where it is no more",
    "moved-function-leak-came": "a side's imbalance is not followed to another file",
    "breaks-through-header": "a release that moves from a header to the callers counts as lost",
    "renamed-function-conflict-leak-came": "a side's imbalance is not followed to a new name",
    "renamed-function-leak-came": "a side's imbalance is not followed to a new name",
}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case,
            id=case.name,
            marks=[pytest.mark.xfail(strict=True, reason=KNOWN[case.name])]
            if case.name in KNOWN
            else [],
        )
        for case in CASES
    ],
)
def test_case(forge: Forge, case: Case) -> None:
    ground = small()
    assert got(forge, case, ground) == case.expected_on(ground)
