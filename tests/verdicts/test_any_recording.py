"""Whatever a guest left behind, every planned cell gets one verdict, and clean is earned."""

from __future__ import annotations

import math

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anyclue.model.recording import Outcome, Reading, Recording, Round
from anyclue.model.scenario import Cell, Scenario
from anyclue.model.verdict import Verdict
from anyclue.verdicts.judge import judge_cells

NAMES = (
    "meminfo.MemTotal",
    "meminfo.MemFree",
    "pcp.total",
    "meminfo.Active(file)",
    "meminfo.Inactive(file)",
    "meminfo.Shmem",
    "meminfo.Cached",
    "meminfo.Buffers",
    "meminfo.SUnreclaim",
    "meminfo.SReclaimable",
    "meminfo.KernelStack",
    "meminfo.PageTables",
    "meminfo.AnonPages",
    "slab_kib.kmalloc-64",
    "slab_objects.kmalloc-64",
)
BAD, GOOD = (
    Cell(kernel=k, machine="i386", mkfs="default", mount="lzo", workload="mix")
    for k in ("bad", "good")
)
values = st.integers(0, 2**33).map(float) | st.just(math.nan) | st.just(math.inf)
full = st.fixed_dictionaries({name: st.integers(0, 2**22).map(float) for name in NAMES})
readings = st.builds(
    Reading,
    t_s=st.just(0.0),
    counters=full | st.dictionaries(st.sampled_from(NAMES), values, max_size=15),
)
rounds = st.builds(
    Round,
    number=st.integers(-1, 8),
    begin_s=st.just(0.0),
    end_s=st.none(),
    settled=st.none() | readings,
    floor=st.none() | readings,
    facts=st.dictionaries(st.just("files"), st.integers(0, 3) | st.just("many"), max_size=1),
)


def recordings(cell: Cell) -> st.SearchStrategy[Recording]:
    return st.builds(
        Recording,
        cell=st.just(cell),
        trial=st.integers(1, 3),
        outcome=st.sampled_from(Outcome),
        detail=st.just("detail"),
        ram_kib=st.integers(0, 2**21),
        rounds=st.lists(rounds, max_size=8).map(tuple),
        timeline=st.lists(readings, max_size=3).map(tuple),
    )


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(recordings(BAD), max_size=2),
    st.lists(recordings(GOOD), max_size=2),
)
def test_every_cell_gets_a_verdict(bad: list[Recording], good: list[Recording]) -> None:
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
    verdicts = judge_cells(scenario, {BAD: bad, GOOD: good})
    assert [v.cell for v in verdicts] == [BAD, GOOD]
    for verdict, trials in zip(verdicts, (bad, good), strict=True):
        assert verdict.because
        assert verdict.trials == len(trials)
        judged = [t for t in trials if t.outcome not in {Outcome.LOST, Outcome.NOT_RUN}]
        floors = sum(len({r.number for r in t.rounds if r.floor}) for t in judged)
        if verdict.verdict in {Verdict.CLEAN, Verdict.CACHE, Verdict.SURGE}:
            assert floors >= 3
            assert verdict.outcome is Outcome.PASSED
        if not judged:
            assert verdict.verdict is Verdict.UNPROVEN
        for rate in verdict.classes.values():
            assert rate.rate_kib is not None
            assert rate.ci95_kib is not None
            assert all(map(math.isfinite, (rate.rate_kib, *rate.ci95_kib)))
            assert rate.ci95_kib[0] <= rate.ci95_kib[1]
