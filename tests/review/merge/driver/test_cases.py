"""The cases of `make bench-merge`, on small C files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from bench.merge_bench.cases import CASES, got
from bench.merge_bench.seed_files import small

if TYPE_CHECKING:
    from bench.merge_bench.case import Case
    from bench.merge_bench.forge import Forge


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(forge: Forge, case: Case) -> None:
    seed = small()
    assert got(forge, case, seed) == case.expected_of(seed)
