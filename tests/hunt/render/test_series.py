from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.hunt.render.selection import representative
from anyclue.hunt.select.faults import carrier_class
from anyclue.model.recording import Outcome, Reading, Recording
from anyclue.model.verdict import MemoryClass, Signature, Verdict
from anyclue.report import charts, series

if TYPE_CHECKING:
    from tests.hunt.render.conftest import Inputs

HEIGHTS = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.lists(HEIGHTS, min_size=1, max_size=500), st.integers(1, 40))
def test_downsampling_hides_no_peak(heights: list[float], buckets: int) -> None:
    points = [(index * 0.2, height) for index, height in enumerate(heights)]
    kept = series.downsample(points, buckets)
    assert len(kept) <= 2 * buckets
    assert set(kept) <= set(points)
    assert [x for x, _ in kept] == sorted(x for x, _ in kept)
    assert max(y for _, y in kept) == max(heights)
    assert min(y for _, y in kept) == min(heights)


@given(st.lists(HEIGHTS, max_size=12), st.floats(0.1, 100))
def test_spread_labels_keep_their_order_and_distance(wanted: list[float], gap: float) -> None:
    placed = series.spread(wanted, gap)
    ordered = [placed[i] for i in sorted(range(len(wanted)), key=lambda i: wanted[i])]
    assert all(b - a >= gap * 0.999 for a, b in itertools.pairwise(ordered))


def test_used_memory_leaves_out_free_pages_and_the_lists_of_cpus() -> None:
    counters = {"meminfo.MemTotal": 1000.0, "meminfo.MemFree": 700.0, "pcp.total": 50.0}
    assert series.used_kib(Reading(t_s=0.0, counters=counters), 2000) == 250.0
    assert series.used_kib(Reading(t_s=0.0, counters={"meminfo.MemFree": 700.0}), 2000) == 1300.0
    assert series.used_kib(Reading(t_s=0.0, counters={}), 2000) is None


def test_timeline(default_run: Inputs) -> None:
    trial = default_run.recordings[default_run.findings.cells[2].cell][0]
    line = series.timeline(trial)
    assert line is not None
    assert line.used[0][0] == 0.0
    assert [number for _, number in line.rounds] == [1, 2, 3, 4, 5, 6]
    rises = [b - a for (_, a), (_, b) in itertools.pairwise(line.floors)]
    assert rises == pytest.approx([2400 / 1024] * 5)
    assert series.timeline(replace(trial, timeline=())) is None


def test_fit_has_the_slope_of_the_verdict(default_run: Inputs) -> None:
    verdict = default_run.findings.cells[2]
    points = series.floors(verdict, carrier_class(verdict))
    assert [point.warm_up for point in points] == [True, *[False] * 5]
    assert points[1].value == 0.0
    line = series.fit(verdict.rate_kib_per_round, verdict.rate_ci95_kib, points)
    assert line is not None
    assert line.rounds == (2.0, 6.0)
    assert (line.line[1] - line.line[0]) / 4 == pytest.approx(2400.0)
    assert line.low is not None
    assert (line.low[1] - line.low[0]) / 4 == pytest.approx(2390.5)
    assert series.fit(float("nan"), verdict.rate_ci95_kib, points) is None
    assert series.floors(replace(verdict, warm_up=9), MemoryClass.USED) == ()


def test_carrier(default_run: Inputs) -> None:
    leak, clean = default_run.findings.cells[2], default_run.findings.cells[0]
    assert carrier_class(leak) is MemoryClass.ORPHANED_FILE_PAGES
    assert carrier_class(clean) is MemoryClass.USED
    vague = replace(leak, signature=None)
    assert carrier_class(vague) is MemoryClass.ORPHANED_FILE_PAGES
    other = replace(leak, signature=Signature.KMAP_SLOTS, classes={}, floors={})
    assert carrier_class(other) is MemoryClass.USED
    assert carrier_class(replace(leak, verdict=Verdict.SURGE)) is MemoryClass.USED


def test_witness_is_the_trial_of_the_incident(broken_run: Inputs) -> None:
    verdict = broken_run.findings.cells[0]
    broke = broken_run.recordings[verdict.cell][0]
    calm = Recording(cell=verdict.cell, trial=0, outcome=Outcome.PASSED, detail="", ram_kib=1)
    assert representative(verdict, {verdict.cell: (calm, broke)}) is broke
    assert representative(verdict, {}) is None


def test_charts_are_valid_vega_lite(default_run: Inputs, broken_run: Inputs) -> None:
    for inputs in (default_run, broken_run):
        for verdict in inputs.findings.cells:
            trial = representative(verdict, inputs.recordings)
            line = series.timeline(trial) if trial else None
            points = series.floors(verdict, carrier_class(verdict))
            if line is None or not points:
                continue
            charts.memory_over_time(line, line, "red").to_dict()
            fitted = series.fit(verdict.rate_kib_per_round, verdict.rate_ci95_kib, points)
            charts.floors_by_round(points, fitted, points, "red", 64.0).to_dict()
    drawn = charts.FloorLine(label="one", colour="red", points=((1.0, 0.0), (2.0, 3.0)))
    charts.overview([drawn, drawn], 64.0).to_dict()
