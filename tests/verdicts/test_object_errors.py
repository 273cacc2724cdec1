"""How often counts of objects accuse a good kernel, and how small a leak they find: simulated.

``python -m bench.object_errors`` measures it over 24,000 cells; here are a few, with fixed seeds.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from bench.object_errors import NOISES, false_answers, found_share, slab_answers


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("rounds", [5, 8])
def test_no_good_kernel_is_accused(noise: str, counted: bool, rounds: int) -> None:
    found = false_answers(replace(NOISES[noise], counted=counted), rounds, 60)
    assert found["leak"] == 0
    assert found["unproven"] <= 1
    assert found["more guests"] <= 3


@pytest.mark.parametrize(("leak", "rounds", "least"), [(1, 10, 0.95), (1, 8, 0.95), (2, 6, 0.95)])
def test_leaks_of_this_size_are_found(leak: int, rounds: int, least: float) -> None:
    assert found_share(leak, rounds, 2, 20) >= least


def test_no_good_kernel_that_fills_slabs_is_accused() -> None:
    assert slab_answers(0, 24, 30)["leak"] == 0


def test_a_leak_of_half_a_slab_a_round_is_found() -> None:
    assert slab_answers(4, 24, 4) == {"leak": 4, "unproven": 0, "nothing": 0}
