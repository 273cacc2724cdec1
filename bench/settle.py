"""Measure whether the guests that an unproven verdict asks for settle it: by simulation.

    python -m bench.settle [CELLS]

Cells of one guest, and references of one, are drawn: how they drift, what leaks, how much they
scatter. Where growth is neither proven nor excluded, the guests that the verdict asks for are
simulated, and the cell is judged again. The last line is one JSON object; see docs/bench.md for its
fields.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from dataclasses import dataclass, field, replace

from tests.verdicts.conftest import BAD, GOOD, Plan, Simulator, scenario

from anyclue.model.reason import GrowthUndecided
from anyclue.model.recording import Recording
from anyclue.model.scenario import Cell, Limits
from anyclue.model.verdict import CellVerdict, MemoryClass, Verdict
from anyclue.trial.scheduler import extra_trials
from anyclue.verdicts.judge import judge_cells
from anyclue.verdicts.settlement import LIKELY

RATES_KIB = (0.0, 16.0, 32.0, 48.0, 66.0, 96.0, 128.0)
LIMITS = Limits()
"""Those of a scenario that sets none: one guest, and up to two more."""

MANY = 8
"""Guests of both cells that are tried where none are asked for."""


@dataclass
class Drawn:
    """A cell and its reference, with as many guests as were simulated so far."""

    simulator: Simulator
    plans: dict[Cell, Plan]
    leaks: bool
    recordings: dict[Cell, list[Recording]] = field(default_factory=dict)

    def add(self, cell: Cell, guests: int) -> None:
        """Simulate more guests of a cell."""
        of = self.recordings.setdefault(cell, [])
        for _ in range(guests):
            of.append(self.simulator.recording(self.plans[cell], cell, trial=len(of) + 1))

    def verdicts(self) -> tuple[CellVerdict, ...]:
        """Judge the cell, and its reference."""
        return judge_cells(scenario(BAD, GOOD), self.recordings)

    def verdict(self) -> CellVerdict:
        """Judge the cell beside its reference."""
        return self.verdicts()[0]

    def hunted(self) -> CellVerdict:
        """Give both cells more guests as a hunt does within its limits, and judge the cell."""
        verdicts = self.verdicts()
        while more := extra_trials(verdicts, LIMITS):
            for cell in more:
                self.add(cell, 1)
            verdicts = self.verdicts()
        return verdicts[0]


def draw(simulator: Simulator) -> Drawn:
    """Draw a cell and its reference, each with a guest.

    Both drift alike; half of the cells leak, too, and in a quarter caches grow more.
    """
    random = simulator.random
    rounds = int(random.choice((5, 6, 8, 10)))
    walk = float(random.choice((0.0, 0.3, 1.0)))
    moves = random.choice((MemoryClass.SLAB_UNRECLAIMABLE, MemoryClass.FILE_CACHE))
    noise = simulator.scaled_noise()
    drift, leak = float(random.choice(RATES_KIB)), float(random.choice(RATES_KIB))
    slab = MemoryClass.SLAB_UNRECLAIMABLE
    own = {moves: drift}
    if random.random() < 0.5:
        own[slab] = own.get(slab, 0.0) + leak
    if random.random() < 0.25:
        cache = MemoryClass.FILE_CACHE
        own[cache] = own.get(cache, 0.0) + float(random.choice(RATES_KIB))
    plans = {
        BAD: Plan(rounds=rounds, walk=walk, noise=noise, leak=own),
        GOOD: Plan(rounds=rounds, walk=walk, noise=noise, leak={moves: drift}),
    }
    drawn = Drawn(simulator=simulator, plans=plans, leaks=own.get(slab, 0.0) > 0.0)
    for cell in plans:
        drawn.add(cell, 1)
    return drawn


def settle(simulator: Simulator, cells: int) -> dict[str, float]:
    """Return how often what was asked for settled a cell, and what else came of them."""
    found: dict[str, float] = defaultdict(float)
    for _ in range(cells):
        drawn = draw(simulator)
        verdict = drawn.verdict()
        if not isinstance(verdict.because, GrowthUndecided):
            continue
        found["undecided"] += 1
        wanted = verdict.because.settlement
        hunt = replace(drawn, recordings={c: list(of) for c, of in drawn.recordings.items()})
        found["hunt_settled"] += hunt.hunted().verdict is not Verdict.UNPROVEN
        if wanted is None:
            for cell in (BAD, GOOD):
                drawn.add(cell, MANY)
            found["hopeless"] += 1
            found["hopeless_settled"] += drawn.verdict().verdict is not Verdict.UNPROVEN
            continue
        found["asked"] += 1
        found["asked_guests"] += wanted.own + wanted.reference
        found["expected"] += wanted.chance
        found["likely"] += wanted.chance >= LIKELY
        found["asked_of_reference"] += wanted.reference > 0
        drawn.add(BAD, wanted.own)
        drawn.add(GOOD, wanted.reference)
        after = drawn.verdict().verdict
        found["settled"] += after is not Verdict.UNPROVEN
        found["likely_settled"] += wanted.chance >= LIKELY and after is not Verdict.UNPROVEN
        found["false_leaks"] += after is Verdict.LEAK and not drawn.leaks
    return found


def main() -> None:
    """Measure, and print the result."""
    cells = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    found = settle(Simulator(seed=1), cells)
    asked = max(found["asked"], 1)
    result = {
        "cells": cells,
        "undecided": int(found["undecided"]),
        "asked": int(found["asked"]),
        "guests_mean": round(found["asked_guests"] / asked, 1),
        "of_reference_percent": percent(found["asked_of_reference"], asked),
        "expected_percent": percent(found["expected"], asked),
        "settled_percent": percent(found["settled"], asked),
        "likely": int(found["likely"]),
        "likely_settled_percent": percent(found["likely_settled"], found["likely"]),
        "hunt_settled_percent": percent(found["hunt_settled"], found["undecided"]),
        "false_leaks": int(found["false_leaks"]),
        "not_asked": int(found["hopeless"]),
        "not_asked_settled_percent": percent(found["hopeless_settled"], found["hopeless"]),
    }
    print(json.dumps(result))


def percent(part: float, of: float) -> int:
    """Return a share in whole percent; 0 of nothing."""
    return round(100 * part / of) if of else 0


if __name__ == "__main__":
    main()
