"""Numbers that no machine has: judging does not fall over them, shows none, and accuses nobody."""

from __future__ import annotations

import json
import math
import sys
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from scipy import special

from anyclue.hunt.conclusion import conclude
from anyclue.hunt.render.verdicts_json import verdicts_json
from anyclue.model.recording import EXACT_OBJECTS, Outcome, Reading, Recording, Round
from anyclue.model.scenario import Cell, Scenario
from anyclue.model.verdict import CellVerdict, Verdict
from anyclue.verdicts.evaluation import evaluate
from anyclue.verdicts.floors import Rises
from anyclue.verdicts.judge import judge_cells
from anyclue.verdicts.rates import Estimate, fit

BAD, GOOD = (
    Cell(kernel=k, machine="i386", mkfs="default", mount="lzo", workload="mix")
    for k in ("bad", "good")
)
MEMINFO = (
    *("MemTotal", "MemFree", "Active(file)", "Inactive(file)", "Shmem", "Cached", "Buffers"),
    *("SUnreclaim", "SReclaimable", "KernelStack", "PageTables", "AnonPages", "VmallocUsed"),
    *("Percpu", "GPUActive", "Unevictable", "Mlocked", "KReclaimable"),
)
NAMES = (
    *(f"meminfo.{name}" for name in MEMINFO),
    *("pcp.total", "slab_kib.kmalloc-64", "slab_objects.kmalloc-64", "vmalloc_kib.f"),
    *("slab_objects.dentry", "threads.kworker", "mounts.btrfs", "vmalloc_areas.f"),
)
LARGEST, SMALLEST = sys.float_info.max, 5e-324
WRAPPED = float(2**64 - 4)
"""What meminfo shows of a counter that went below zero."""
extreme = (
    st.sampled_from(
        [
            math.nan,
            math.inf,
            -math.inf,
            LARGEST,
            -LARGEST,
            SMALLEST,
            -SMALLEST,
            WRAPPED,
            2.0**53,
            0.0,
        ]
    )
    | st.floats()
)
garbage = st.sampled_from([math.nan, math.inf, -math.inf, LARGEST, -LARGEST, WRAPPED]) | st.floats(
    2.0**54, LARGEST
)
plausible = st.integers(0, 2**22).map(float)


def reading(value: st.SearchStrategy[float]) -> st.SearchStrategy[Reading]:
    return st.builds(
        Reading,
        t_s=extreme,
        counters=st.fixed_dictionaries(dict.fromkeys(NAMES, value)),
    )


def recordings(
    cell: Cell, floors: st.SearchStrategy[Reading], *, outcome: st.SearchStrategy[Outcome]
) -> st.SearchStrategy[Recording]:
    def made(
        readings: list[Reading], ended: Outcome, facts: list[int | float], exact: int
    ) -> Recording:
        return Recording(
            cell=cell,
            trial=1,
            outcome=ended,
            detail="",
            ram_kib=2**21,
            rounds=tuple(
                Round(
                    number=number,
                    begin_s=0.0,
                    end_s=1.0,
                    settled=one,
                    floor=one,
                    facts={"files": files, EXACT_OBJECTS: exact},
                )
                for number, (one, files) in enumerate(zip(readings, facts, strict=False), 1)
            ),
            timeline=tuple(readings),
        )

    files = st.lists(st.integers(0, 2**64) | st.floats(0, 2.0**64), min_size=8, max_size=8)
    return st.builds(made, st.lists(floors, max_size=8), outcome, files, st.integers(0, 1))


def judged(bad: Recording, good: Recording) -> tuple[CellVerdict, ...]:
    scenario = Scenario(
        title="any",
        kernels={},
        machines={},
        mkfs={},
        mount={},
        workloads={},
        cells=(BAD, GOOD),
        references=(GOOD,),
    )
    recorded = {BAD: [bad], GOOD: [good]}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        verdicts = judge_cells(scenario, recorded)
    trials = {cell: tuple(map(evaluate, of)) for cell, of in recorded.items()}
    json.loads(verdicts_json(conclude(verdicts, trials), scenario), parse_constant=pytest.fail)
    return verdicts


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(
    recordings(BAD, reading(extreme | plausible), outcome=st.sampled_from(Outcome)),
    recordings(GOOD, reading(extreme | plausible), outcome=st.sampled_from(Outcome)),
)
def test_any_number_is_judged_and_none_is_shown_that_is_no_number(
    bad: Recording, good: Recording
) -> None:
    for verdict in judged(bad, good):
        shown = [
            number
            for rate in verdict.classes.values()
            for number in (rate.rate_kib, *(rate.ci95_kib or ()), *(kib for _, kib in rate.top))
        ]
        shown += [verdict.rate_kib_per_round, *(verdict.rate_ci95_kib or ())]
        shown += [
            number
            for of in verdict.objects.values()
            for number in (of.rate, *of.ci95, of.at_most, of.kib)
        ]
        assert all(map(math.isfinite, (number for number in shown if number is not None)))


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(
    recordings(BAD, reading(garbage), outcome=st.just(Outcome.PASSED) | st.just(Outcome.OOM)),
    recordings(GOOD, reading(garbage | plausible), outcome=st.just(Outcome.PASSED)),
)
def test_what_no_machine_can_hold_is_no_leak_and_not_clean(bad: Recording, good: Recording) -> None:
    verdict = judged(bad, good)[0]
    assert verdict.verdict in {Verdict.UNPROVEN, Verdict.BROKEN}


kib = st.floats(-(2.0**54), 2.0**54) | st.sampled_from([0.0, 4.0, SMALLEST, 2.0**53])
gaps = st.sampled_from([1, 1, 2, 1000, 2**64])
rises = st.lists(st.tuples(gaps, kib), min_size=2, max_size=9).map(
    lambda some: Rises(
        gaps=tuple(gap for gap, _ in some),
        values=tuple(rise for _, rise in some),
        kept=(True,) * len(some),
    )
)
FLAT = Rises(gaps=(1, 1000, 1, 1, 1000), values=(0.0,) * 5, kept=(True,) * 5)
STEP = Rises(gaps=(2, 1, 1000, 1, 1000), values=(0.0, 0.0, 0.0, -4.0, 0.0), kept=(True,) * 5)


@given(st.lists(rises, min_size=1, max_size=3), st.lists(rises, max_size=2))
@example([FLAT, STEP, FLAT], [])
def test_a_rate_and_its_interval_are_numbers(own: list[Rises], reference: list[Rises]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fit(own, reference)
        assert found is not None
        for one in (found.own, found.excess):
            if one is not None:
                low, high = one.interval
                assert math.isfinite(low)
                assert low <= high < math.inf
                assert math.isfinite(one.rate)
                assert 0.0 <= one.below(0.0) <= 1.0 + 1e-9


@pytest.mark.parametrize("probability", [0.025, 0.5, 0.975])
@pytest.mark.parametrize("heavy", range(3))
def test_a_part_with_all_the_weight_gives_the_quantile(heavy: int, probability: float) -> None:
    weights = np.full(3, 1e-300)
    weights[heavy] = 1.0
    mixed = Estimate(
        centres=np.array([-3e7, 1.0, 5e9]),
        errors=np.array([1e-3, 1.0, 1e5]),
        weights=weights,
        freedom=4.0,
    )
    alone = mixed.centres[heavy] + mixed.errors[heavy] * special.stdtrit(4.0, probability)
    assert mixed.quantile(probability) == pytest.approx(alone)
