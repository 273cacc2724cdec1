"""Two recordings test by test: what is higher, and what cannot be told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from scipy import special

from anyclue.model.machine_recording import MachineRecording, TestRun, TestVerdict
from anyclue.record.core.model import (
    Direction,
    FigureDifference,
    Mismatch,
    RecordedComparison,
    RecordingVerdicts,
    TestComparison,
)
from anyclue.verdicts.classes import PAGE_KIB

LEAST_RUNS: Final = 3
"""With fewer runs in a recording nothing is known of their scatter."""

STEP_KIB: Final = 64.0
"""A difference of floors' steps that matters, as between rounds."""

PEAK_KIB: Final = 1024.0
"""A difference of peaks that matters: samples miss the height of a short one."""

FALSE_HIGHER: Final = 0.01
"""How often two recordings of one kernel may be called different, over all their tests."""

SAME_RAM: Final = 0.1


def compare(here: RecordingVerdicts, there: RecordingVerdicts) -> RecordedComparison:
    """Compare ``here`` (this week's kernel) with ``there`` (last week's)."""
    theirs = {test.test: test for test in there.tests}
    shared = [(test, theirs[test.test]) for test in here.tests if test.test in theirs]
    mismatches = _mismatches(here.recorded, there.recorded)
    level = FALSE_HIGHER / max(2 * len(shared), 1)
    names = {test.test for test in here.tests}
    return RecordedComparison(
        here=here,
        there=there,
        tests=tuple(_test(mine, other, level, alike=not mismatches) for mine, other in shared),
        only_here=tuple(test.test for test in here.tests if test.test not in theirs),
        only_there=tuple(name for name in theirs if name not in names),
        mismatches=mismatches,
    )


def _mismatches(here: MachineRecording, there: MachineRecording) -> tuple[Mismatch, ...]:
    mine, other = here.machine, there.machine
    differs = {
        Mismatch.RAM: abs(here.ram_kib - there.ram_kib)
        > SAME_RAM * max(here.ram_kib, there.ram_kib),
        Mismatch.ARCHITECTURE: mine.machine != other.machine,
        Mismatch.QUIESCE: mine.quiesce != other.quiesce,
    }
    return tuple(mismatch for mismatch, found in differs.items() if found)


def _test(here: TestVerdict, there: TestVerdict, level: float, *, alike: bool) -> TestComparison:
    def difference(
        figure: Callable[[TestRun], float | None], matters: float
    ) -> FigureDifference | None:
        mine, other = ([v for r in t.runs if (v := figure(r)) is not None] for t in (here, there))
        return _difference(mine, other, matters, level, alike=alike) if mine and other else None

    return TestComparison(
        here=here,
        there=there,
        peak=difference(_height, PEAK_KIB),
        step=difference(lambda run: run.step_kib, STEP_KIB),
    )


def _height(run: TestRun) -> float | None:
    if run.peak_kib is None or run.before_kib is None:
        return None
    return run.peak_kib - run.before_kib


def _difference(
    mine: Sequence[float], other: Sequence[float], matters: float, level: float, *, alike: bool
) -> FigureDifference:
    mean = float(np.mean(mine)), float(np.mean(other))
    interval = None
    direction = Direction.UNDECIDED
    if min(len(mine), len(other)) >= LEAST_RUNS:
        low, high = interval = _welch(mine, other, 0.05)
        sure_low, sure_high = _welch(mine, other, level)
        if not alike:
            direction = Direction.UNDECIDED
        elif sure_low > 0 and mean[0] - mean[1] >= matters:
            direction = Direction.HIGHER
        elif sure_high < 0 and mean[1] - mean[0] >= matters:
            direction = Direction.LOWER
        elif -matters < low and high < matters:
            direction = Direction.SAME
    return FigureDifference(
        here_kib=mean[0], there_kib=mean[1], ci95_kib=interval, direction=direction
    )


def _welch(mine: Sequence[float], other: Sequence[float], level: float) -> tuple[float, float]:
    """Return Welch's interval of the difference of means; the scatter is at least a page."""
    parts = [max(float(np.var(v, ddof=1)), PAGE_KIB**2) / len(v) for v in (mine, other)]
    error = sum(parts)
    freedom = error**2 / sum(
        part**2 / (len(v) - 1) for part, v in zip(parts, (mine, other), strict=True)
    )
    reach = float(special.stdtrit(freedom, 1.0 - level / 2.0)) * error**0.5
    middle = float(np.mean(mine) - np.mean(other))
    return middle - reach, middle + reach
