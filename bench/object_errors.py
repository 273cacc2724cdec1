"""Measure how often counts of objects accuse a good kernel, and how small a leak they find.

    python -m bench.object_errors [CELLS]

Guests are simulated: most of 200 counts never move, the others do what was seen in real ones, and
worse (see ``Noise``). A cell is judged as a hunt does it: one guest, and up to two more while a
count is suspected, beside a reference of one guest. Counts of whole slabs are simulated apart (see
``SlabKernels``), beside a reference of as many guests. The last line is one JSON object; see
docs/bench.md for its fields.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np

from anyclue.model.verdict import ObjectKind, ObjectSeries
from anyclue.verdicts.floors import Array
from anyclue.verdicts.kworkers import KWORKERS
from anyclue.verdicts.object_floors import ObjectFloors
from anyclue.verdicts.object_growth import ObjectTests, object_tests

SERIES: Final = 200
GUESTS: Final = 3
"""As many as ``limits.trials`` and ``limits.extra_trials`` allow by default."""
ROUNDS: Final = (5, 6, 8, 10, 20)
LEAKS: Final = (1, 2, 4, 16)
TOGETHER: Final = 10
"""Counts that a thread of the kernel which comes or goes moves at once."""
STEPS: Final = (1, 2, 7, 16, 21, 26, 60, 229)
"""Objects of a slab, of a sheaf, and some that tasks and files take."""
SLAB: Final = 8.0
IN_SLABS: Final = 40
FILLING: Final = 10
SLAB_ROUNDS: Final = (6, 10, 24)
SLAB_LEAKS: Final = (1, 2, 4, 8)
LEAKING: Final = 0
"""The count that leaks, where one does; it does not move by itself."""


class Answer(StrEnum):
    """What counts of objects say of a cell in the end."""

    LEAK = "leak"
    UNPROVEN = "unproven"
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class Noise:
    """How many of the counts do what; the others never move.

    Attributes:
        threads: how often in a round a thread comes or goes, and its counts with it.
        counted: whether these threads are kworkers, and the first of these counts is theirs.
        steps: a step in one of 20 rounds, up as often as down.
        flips: two levels, by chance.
        scatters: a few objects more or less, by chance.
        walks: an object more or less in half of the rounds.
        drifts: a gain in most rounds, the same in every guest of every kernel.
        own_drifts: an object more in most rounds, in one guest of a hundred.
    """

    threads: float = 0.0
    counted: bool = False
    steps: int = 0
    flips: int = 0
    scatters: int = 0
    walks: int = 0
    drifts: int = 0
    own_drifts: int = 0


NOISES: Final = {
    "shrunk": Noise(threads=0.2, steps=3, flips=2, scatters=1, drifts=1, own_drifts=1),
    "not shrunk": Noise(
        threads=0.5, steps=20, flips=6, scatters=4, walks=3, drifts=3, own_drifts=1
    ),
}
"""What guests do whose caches are shrunk before a floor is read, and those of before that."""


class Kernels:
    """Guests of one cell and of its reference, which is the same good kernel but for a leak."""

    def __init__(self, random: np.random.Generator, noise: Noise, rounds: int, leak: float) -> None:
        self.random, self.noise, self.rounds, self.leak = random, noise, rounds, leak
        self.sizes = random.choice(STEPS, SERIES)
        self.gains = random.choice((1, 2, 39, 64), noise.drifts)
        self.often = random.choice((0.5, 0.8, 1.0), noise.drifts)

    def guests(self, count: int, *, leaks: bool = False) -> ObjectFloors:
        """Return the floors of so many guests."""
        series = [ObjectSeries(kind=ObjectKind.SLAB, name=str(k)) for k in range(SERIES)]
        if self.noise.counted:
            series[LEAKING + 1] = KWORKERS
        return ObjectFloors(
            series=tuple(series),
            rounds=(tuple(range(1, self.rounds + 1)),) * count,
            counts=tuple(self._guest(self.leak if leaks else 0.0) for _ in range(count)),
            exact=True,
        )

    def _guest(self, leak: float) -> Array:
        random, noise, rounds = self.random, self.noise, self.rounds
        counts = np.zeros((rounds, SERIES))
        counts[:, LEAKING] = leak * np.arange(rounds)
        comes = (random.random(rounds) < noise.threads) * random.choice((-1, 1), rounds)
        at = 1 + TOGETHER
        counts[:, 1:at] = np.clip(np.cumsum(comes), 0, 3)[:, None]

        def some(many: int) -> tuple[slice, Array]:
            nonlocal at
            at += many
            which = slice(at - many, at)
            return which, self.sizes[which].astype(np.float64)

        shape = (rounds, noise.steps)
        which, sizes = some(noise.steps)
        up = (random.random(shape) < 0.05) * random.choice((-1, 1), shape)
        counts[:, which] = np.cumsum(up * sizes, axis=0)
        which, sizes = some(noise.flips)
        counts[:, which] = random.integers(0, 2, (rounds, noise.flips)) * sizes
        which, _ = some(noise.scatters)
        counts[:, which] = random.integers(0, 8, (rounds, noise.scatters))
        which, _ = some(noise.walks)
        shape = (rounds, noise.walks)
        walk = (random.random(shape) < 0.5) * random.choice((-1, 1), shape)
        counts[:, which] = np.cumsum(walk, axis=0)
        which, _ = some(noise.drifts)
        gained = random.random((rounds, noise.drifts)) < self.often
        counts[:, which] = np.cumsum(gained * self.gains, axis=0)
        which, _ = some(noise.own_drifts)
        shape = (rounds, noise.own_drifts)
        own = (random.random(shape) < 0.9) * (random.random(noise.own_drifts) < 0.01)
        counts[:, which] = np.cumsum(own, axis=0)
        return counts


class SlabKernels:
    """The same where some counts move in whole slabs of ``SLAB`` objects, and the others never.

    Some fill slabs by chance, as often in every guest of every kernel; some fill and empty them;
    one fills them in one guest of a hundred. What leaks fills one in as many rounds as it takes.
    """

    def __init__(self, random: np.random.Generator, rounds: int, leak: float) -> None:
        self.random, self.rounds, self.leak = random, rounds, leak
        self.often = random.random(FILLING) / 2.0

    def guests(self, count: int, *, leaks: bool = False) -> ObjectFloors:
        """Return the floors of so many guests."""
        series = [ObjectSeries(kind=ObjectKind.SLAB, name=str(k)) for k in range(SERIES)]
        return ObjectFloors(
            series=tuple(series),
            rounds=(tuple(range(1, self.rounds + 1)),) * count,
            counts=tuple(self._guest(self.leak if leaks else 0.0) for _ in range(count)),
            exact=True,
            grains=dict.fromkeys(series[:IN_SLABS], SLAB),
        )

    def _guest(self, leak: float) -> Array:
        random, rounds = self.random, self.rounds
        slabs = np.zeros((rounds, SERIES))
        leaked = random.integers(0, int(SLAB)) + leak * np.arange(rounds)
        slabs[:, LEAKING] = leaked // SLAB
        at = 1 + FILLING
        slabs[:, 1:at] = random.random((rounds, FILLING)) < self.often
        moves = random.choice((-1, 0, 0, 0, 0, 1), (rounds, FILLING))
        slabs[:, at : at + FILLING] = moves
        slabs[:, at + FILLING] = (random.random(rounds) < 0.5) * (random.random() < 0.01)
        slabs[:, 1:] = np.cumsum(slabs[:, 1:], axis=0)
        return np.asarray(slabs * SLAB, dtype=np.float64)


def hunted(
    kernels: Kernels | SlabKernels,
    most: int = GUESTS,
    *,
    leaks: bool = False,
    references: int = 1,
) -> tuple[Answer, int]:
    """Return what is said in the end of a cell, and how many guests it took."""
    reference, all_guests = kernels.guests(references), kernels.guests(most, leaks=leaks)
    for guests in range(1, most + 1):
        found = _judged(all_guests, guests, reference)
        if found.grown:
            return Answer.LEAK, guests
        if not found.in_doubt:
            return Answer.NOTHING, guests
    return Answer.UNPROVEN, most


def _judged(floors: ObjectFloors, guests: int, reference: ObjectFloors) -> ObjectTests:
    some = replace(floors, rounds=floors.rounds[:guests], counts=floors.counts[:guests])
    return object_tests(some, reference)


def false_answers(noise: Noise, rounds: int, cells: int, seed: int = 0) -> dict[str, int]:
    """Return how many good cells are called what, and how many got another guest."""
    random = np.random.default_rng(seed)
    answers = [hunted(Kernels(random, noise, rounds, 0.0)) for _ in range(cells)]
    counted = Counter(answer for answer, _ in answers)
    found = {answer.value: counted[answer] for answer in Answer}
    return found | {"more guests": sum(guests > 1 for _, guests in answers)}


def found_share(leak: int, rounds: int, guests: int, cells: int, seed: int = 0) -> float:
    """Return in which share of cells a leak is found, with so many guests at the most."""
    random = np.random.default_rng(seed)
    noise = NOISES["shrunk"]
    found = [
        hunted(Kernels(random, noise, rounds, leak), guests, leaks=True)[0] is Answer.LEAK
        for _ in range(cells)
    ]
    return sum(found) / cells


def slab_answers(leak: int, rounds: int, cells: int, seed: int = 0) -> dict[str, int]:
    """Return how many cells are called what that count whole slabs and leak so many objects."""
    random = np.random.default_rng(seed)
    answers = [
        hunted(SlabKernels(random, rounds, leak), leaks=leak > 0, references=GUESTS)[0]
        for _ in range(cells)
    ]
    counted = Counter(answers)
    return {answer.value: counted[answer] for answer in Answer}


def main() -> None:
    """Measure, telling what is going on on stderr; print the result."""
    cells = int(sys.argv[1]) if len(sys.argv) > 1 else 24000
    begin = time.monotonic()
    each = cells // (len(NOISES) * len(ROUNDS))
    false: dict[str, dict[str, int]] = {}
    for name, noise in NOISES.items():
        total: Counter[str] = Counter(cells=each * len(ROUNDS))
        for rounds in ROUNDS:
            of_rounds = false_answers(noise, rounds, each, seed=rounds)
            print(f"{name}, {rounds} rounds: {of_rounds}", file=sys.stderr)
            total.update(of_rounds)
        false[name] = dict(total)
    power = {
        str(guests): {
            str(leak): {
                str(rounds): round(found_share(leak, rounds, guests, max(each // 12, 20)), 2)
                for rounds in ROUNDS
            }
            for leak in LEAKS
        }
        for guests in (2, 3)
    }
    slabs = {
        str(leak): {
            str(rounds): slab_answers(leak, rounds, each if leak == 0 else max(each // 12, 20))
            for rounds in SLAB_ROUNDS
        }
        for leak in (0, *SLAB_LEAKS)
    }
    print(f"{time.monotonic() - begin:.0f} s", file=sys.stderr)
    print(json.dumps({"good": false, "found": power, "slabs": slabs}))


if __name__ == "__main__":
    main()
