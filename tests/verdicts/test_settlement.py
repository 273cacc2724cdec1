"""What is asked for settles most verdicts, and is asked of the cell that is uncertain."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from bench.settle import settle

from anyclue.model.reason import GrowthUndecided, Settlement
from anyclue.model.verdict import CellVerdict, MemoryClass, Verdict
from anyclue.verdicts.floors import FloorSeries, Rises
from anyclue.verdicts.judge import judge_cells
from anyclue.verdicts.rates import fit
from anyclue.verdicts.settlement import GuestCount, OpenRate, settlement

if TYPE_CHECKING:
    from tests.verdicts.conftest import Plan, Simulator, Tools

CACHE = MemoryClass.FILE_CACHE


def judged(simulator: Simulator, tools: Tools, own: Plan, good: Plan, guests: int) -> CellVerdict:
    recordings = {
        tools.bad: [simulator.recording(own, tools.bad, trial=n + 1) for n in range(guests)],
        tools.good: [simulator.recording(good, tools.good)],
    }
    return judge_cells(tools.scenario(tools.bad, tools.good), recordings)[0]


def wanted(verdict: CellVerdict) -> Settlement | None:
    assert verdict.verdict is Verdict.UNPROVEN
    assert isinstance(verdict.because, GrowthUndecided)
    return verdict.because.settlement


def guest(random: np.random.Generator, drift: float, rounds: int = 8) -> Rises:
    scatter = random.normal(0, 30, rounds - 1)
    walk = np.cumsum([0.0, *(drift + scatter - scatter.mean())])
    return FloorSeries(rounds=tuple(range(1, rounds + 1)), values=tuple(walk)).rises()


def asked(own_guests: int, reference_guests: int, drift: float = 66.0) -> Settlement | None:
    """A cell that grows by 66 KiB a round, as used memory, beside a reference that drifts."""
    random = np.random.default_rng(5)
    own = [guest(random, 66.0) for _ in range(own_guests)]
    fitted = fit(own, [guest(random, drift) for _ in range(reference_guests)])
    assert fitted is not None
    assert fitted.excess is None or fitted.excess.at_most > 64.0
    total = OpenRate(fit=fitted, limit_kib=64.0, excess_counts=True)
    return settlement(
        [total],
        GuestCount(own=own_guests, reference=reference_guests, own_rises=7.0, reference_rises=7.0),
    )


def test_the_cell_that_is_uncertain_is_asked_for() -> None:
    """An excess of 46 KiB a round over the reference is too near to 64 to tell."""
    of_reference, of_cell = asked(6, 1, drift=20.0), asked(1, 6, drift=20.0)
    assert of_reference is not None
    assert of_cell is not None
    assert of_reference.reference > of_reference.own
    assert of_cell.own > of_cell.reference


@pytest.mark.parametrize("scale", [1e-9, 1e15])
def test_any_scale_gives_a_probability(scale: float) -> None:
    random = np.random.default_rng(5)
    own, reference = ([guest(random, drift)] for drift in (66.0, 26.0))
    scaled = [replace(one, values=tuple(scale * v for v in one.values)) for one in own]
    fitted = fit(scaled, reference)
    assert fitted is not None
    rate = OpenRate(fit=fitted, limit_kib=64.0, excess_counts=True, level=2e-4, excess_level=2e-3)
    guests = GuestCount(own=1, reference=1, own_rises=7.0, reference_rises=7.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = settlement([rate], guests)
    assert found is None or 0.0 < found.chance <= 1.0


def test_without_a_reference_nothing_is_asked_of_it() -> None:
    found = asked(1, 0)
    assert found is None or found.reference == 0


def test_no_guests_are_asked_for_that_would_not_tell(simulator: Simulator, tools: Tools) -> None:
    """A cache that grows by more than in the reference is neither a leak nor clean."""
    own, good = tools.plan(rounds=10, leak={CACHE: 200}), tools.plan(rounds=10)
    assert wanted(judged(simulator, tools, own, good, 2)) is None


def test_what_is_asked_for_settles_most_verdicts(simulator: Simulator) -> None:
    found = settle(simulator, 80)
    assert found["asked"] >= 8
    assert found["settled"] >= 0.8 * found["expected"]
    assert found["hunt_settled"] >= 0.5 * found["undecided"]
    assert found["false_leaks"] <= 1, "a pure random walk is hardly ever accused"
