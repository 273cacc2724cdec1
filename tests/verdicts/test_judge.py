from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from anyclue.model.recording import Incident, IncidentKind, LeakedObject, Outcome, Recording
from anyclue.model.verdict import CellVerdict, MemoryClass, Signature, Verdict
from anyclue.report.reasons import detail_text, growth_reason_text
from anyclue.verdicts.judge import judge_cells

if TYPE_CHECKING:
    from tests.verdicts.conftest import Simulator, Tools

ORPHANS = MemoryClass.ORPHANED_FILE_PAGES
SLAB = MemoryClass.SLAB_UNRECLAIMABLE
MIB = 1024.0


def why(verdict: CellVerdict) -> str:
    return growth_reason_text(verdict.because)


def detail(verdict: CellVerdict) -> str:
    return detail_text(verdict.signature_detail)


@pytest.mark.parametrize("rounds", [3, 4, 5, 6, 10])
def test_the_mails_leak(simulator: Simulator, tools: Tools, rounds: int) -> None:
    """600 files a round, one page each: 2400 KiB, as GUESTS.md measured."""
    verdict = simulator.judge(tools.plan(rounds=rounds, leak={ORPHANS: 2400}, files=600))
    assert verdict.verdict is Verdict.LEAK
    assert verdict.signature is Signature.PAGE_CACHE_REFERENCE
    assert verdict.rate_kib_per_round == pytest.approx(2400, rel=0.02)
    assert verdict.rate_ci95_kib is not None
    assert verdict.rate_ci95_kib[0] < 2400 < verdict.rate_ci95_kib[1]
    assert detail(verdict) == "4.0 KiB per file"
    assert "page-cache pages that are in no file grew by 2" in why(verdict)
    assert {c for c, r in verdict.classes.items() if r.grew} == {ORPHANS, MemoryClass.USED}
    every = set(MemoryClass) - {MemoryClass.OTHER_COUNTED}
    assert set(verdict.classes) == every == set(verdict.floors)
    assert (verdict.rounds, verdict.warm_up, verdict.trials) == (rounds, 0, 1)
    assert verdict.reference == tools.good


@pytest.mark.parametrize(
    ("memory_class", "signature"),
    [
        (MemoryClass.UNACCOUNTED, Signature.RAW_PAGES),
        (SLAB, Signature.OBJECT),
        (MemoryClass.VMALLOC, Signature.VMALLOC),
        (MemoryClass.KERNEL_STACKS, Signature.KERNEL_STACKS),
        (MemoryClass.PAGE_TABLES, Signature.PAGE_TABLES),
        (MemoryClass.PERCPU, Signature.PERCPU),
        (MemoryClass.SHMEM, Signature.USER_SPACE),
    ],
)
def test_each_class_has_its_signature(
    simulator: Simulator, tools: Tools, memory_class: MemoryClass, signature: Signature
) -> None:
    verdict = simulator.judge(tools.plan(leak={memory_class: 400}))
    assert (verdict.verdict, verdict.signature) == (Verdict.LEAK, signature)
    assert verdict.rate_kib_per_round == pytest.approx(400, rel=0.1)


def test_the_slab_cache_is_named(simulator: Simulator, tools: Tools) -> None:
    objects = {"kmalloc-64": (3200.0, 0.0625), "dentry": (9000.0, 0.19), "kmalloc-32": (0, 0.03)}
    verdict = simulator.judge(tools.plan(leak={SLAB: 200}, objects=objects))
    assert detail(verdict) == "slab cache kmalloc-64: 3200 objects, 200 KiB a round"
    assert verdict.classes[SLAB].top == (("kmalloc-64", 200.0),)


def test_a_large_kmalloc_is_in_no_slab_cache(simulator: Simulator, tools: Tools) -> None:
    verdict = simulator.judge(tools.plan(leak={SLAB: 200}, objects={"kmalloc-64": (0, 0.06)}))
    assert "more than two pages" in detail(verdict)


def test_unaccounted_memory_is_accused_only_when_nothing_counted_explains_it(
    simulator: Simulator, tools: Tools
) -> None:
    leak = {ORPHANS: 2400.0, MemoryClass.UNACCOUNTED: 300.0}
    verdict = simulator.judge(tools.plan(leak=leak))
    assert verdict.signature is Signature.PAGE_CACHE_REFERENCE
    assert "memory that no counter counts" in why(verdict)
    leak = {SLAB: 300.0, MemoryClass.UNACCOUNTED: 2400.0}
    assert simulator.judge(tools.plan(leak=leak)).signature is Signature.RAW_PAGES


def test_threads_are_told_by_their_stacks(simulator: Simulator, tools: Tools) -> None:
    """16 threads a round, each with 16 KiB of stack and more than that of ``task_struct``."""
    leak = {SLAB: 290.0, MemoryClass.KERNEL_STACKS: 256.0}
    objects = {"task_struct": (16.0, 17.0), "dentry": (0.0, 0.2)}
    verdict = simulator.judge(tools.plan(leak=leak, objects=objects))
    assert verdict.signature is Signature.KERNEL_STACKS
    assert verdict.rate_kib_per_round == pytest.approx(256, rel=0.1)
    objects["task_struct"], objects["kmalloc-64"] = (0.0, 17.0), (4640.0, 0.0625)
    verdict = simulator.judge(tools.plan(leak=leak, objects=objects))
    assert verdict.signature is Signature.OBJECT


@pytest.mark.parametrize("rate", [0, 2400])
def test_a_warm_up_changes_no_rate(simulator: Simulator, tools: Tools, rate: float) -> None:
    """The first use of zstd costs 4.1 MiB of slab, once."""
    plan = tools.plan(leak={ORPHANS: rate}, steps={SLAB: {2: 4200.0}, ORPHANS: {2: 900.0}})
    verdict = simulator.judge(plan)
    assert verdict.verdict is (Verdict.LEAK if rate else Verdict.CLEAN)
    assert (verdict.warm_up, verdict.rounds) == (1, 5)
    assert verdict.classes[ORPHANS].rate_kib == pytest.approx(rate, abs=20)
    assert len(verdict.floors[SLAB][0]) == 6


@pytest.mark.parametrize("at", [4, 5, 6])
def test_a_late_step_is_no_leak_and_not_clean(simulator: Simulator, tools: Tools, at: int) -> None:
    verdict = simulator.judge(tools.plan(steps={SLAB: {at: 4200.0}}))
    assert verdict.verdict is Verdict.UNPROVEN
    assert f"KiB before the floor of round {at}, and besides grows by no" in growth_reason_text(
        verdict.because
    )


def test_a_late_step_hides_no_leak(simulator: Simulator, tools: Tools) -> None:
    plan = tools.plan(leak={ORPHANS: 2400}, steps={ORPHANS: {4: 4200.0}})
    verdict = simulator.judge(plan)
    assert verdict.verdict is Verdict.LEAK
    assert verdict.rate_kib_per_round == pytest.approx(2400, rel=0.02)
    assert "1 single step(s) set aside" in why(verdict)


def test_growth_that_dies_out_is_no_leak(simulator: Simulator, tools: Tools) -> None:
    dying = {i: 2000.0 / 2**i for i in range(2, 9)}
    assert simulator.judge(tools.plan(rounds=8, steps={SLAB: dying})).verdict is not Verdict.LEAK


def test_memory_that_moves_between_classes_is_no_leak(simulator: Simulator, tools: Tools) -> None:
    leak = {ORPHANS: 400.0, MemoryClass.FILE_CACHE: -400.0}
    assert simulator.judge(tools.plan(leak=leak)).verdict is not Verdict.LEAK


@pytest.mark.parametrize("memory_class", [MemoryClass.SLAB_RECLAIMABLE, MemoryClass.FILE_CACHE])
def test_a_growing_cache_is_neither_leak_nor_clean(
    simulator: Simulator, tools: Tools, memory_class: MemoryClass
) -> None:
    verdict = simulator.judge(tools.plan(leak={memory_class: 2000}))
    assert verdict.verdict is Verdict.UNPROVEN
    assert "used memory" in why(verdict)


def test_what_the_reference_does_too_is_no_leak(simulator: Simulator, tools: Tools) -> None:
    """Test results kept on tmpfs, dentries: the good kernel's floor moves as well."""
    both = tools.plan(leak={MemoryClass.SHMEM: 1000, MemoryClass.SLAB_RECLAIMABLE: 500})
    assert simulator.judge(both, both).verdict is Verdict.CLEAN


def test_a_reference_that_leaks_is_no_baseline(simulator: Simulator, tools: Tools) -> None:
    both = tools.plan(leak={ORPHANS: 2400})
    recordings = {
        tools.bad: [simulator.recording(both, tools.bad)],
        tools.good: [simulator.recording(both, tools.good)],
    }
    bad, good = judge_cells(tools.scenario(tools.bad, tools.good), recordings)
    assert bad.verdict is good.verdict is Verdict.LEAK
    assert "leaks too" in why(bad)
    assert good.reference is None


def test_cache_left_behind_is_cache(simulator: Simulator, tools: Tools) -> None:
    plan = tools.plan(settled={MemoryClass.FILE_CACHE: 300 * MIB})
    verdict = simulator.judge(plan)
    assert (verdict.verdict, verdict.signature) == (Verdict.CACHE, None)
    assert "300 MiB behind, mostly page cache" in why(verdict)
    assert verdict.rate_kib_per_round == verdict.classes[MemoryClass.USED].rate_kib
    assert simulator.judge(plan, plan).verdict is Verdict.CLEAN


def test_a_peak_is_a_surge(simulator: Simulator, tools: Tools) -> None:
    plan = tools.plan(peak={MemoryClass.UNACCOUNTED: 400 * MIB})
    verdict = simulator.judge(plan)
    assert verdict.verdict is Verdict.SURGE
    assert simulator.judge(plan, plan).verdict is Verdict.CLEAN
    cached = tools.plan(peak={MemoryClass.FILE_CACHE: 400 * MIB})
    assert simulator.judge(cached).verdict is Verdict.CACHE


def test_clean_says_what_it_excludes(simulator: Simulator, tools: Tools) -> None:
    verdict = simulator.judge(tools.plan(rounds=10))
    assert verdict.verdict is Verdict.CLEAN
    assert "leaks of 64 KiB a round and more are excluded over 10 rounds" in growth_reason_text(
        verdict.because
    )


def test_noise_is_unproven_and_says_what_it_takes(simulator: Simulator, tools: Tools) -> None:
    noise = dict.fromkeys(MemoryClass, 40.0)
    verdict = simulator.judge(tools.plan(noise=noise), tools.plan(noise=noise))
    assert verdict.verdict is Verdict.UNPROVEN
    assert "neither proven nor excluded; about" in why(verdict)


INCIDENT = Incident(
    kind=IncidentKind.BUG,
    t_s=12.5,
    title="kernel BUG at mm/highmem.c:622!",
    function="kunmap_local_indexed",
    text="------------[ cut here ]------------\nkernel BUG at mm/highmem.c:622!\n",
)


@pytest.mark.parametrize(
    "outcome", [Outcome.CRASHED, Outcome.HUNG, Outcome.CORRUPT, Outcome.FAILED, Outcome.OOM]
)
def test_what_broke_is_broken(simulator: Simulator, tools: Tools, outcome: Outcome) -> None:
    verdict = simulator.judge(tools.plan(rounds=2, outcome=outcome, incident=INCIDENT))
    assert (verdict.verdict, verdict.outcome) == (Verdict.BROKEN, outcome)
    assert verdict.signature is Signature.KMAP_SLOTS
    assert detail(verdict) == "kunmap_local_indexed"
    assert verdict.incident == INCIDENT
    assert "kernel BUG at mm/highmem.c:622! in kunmap_local_indexed" in why(verdict)


LEFT = Incident(
    kind=IncidentKind.LEAK,
    t_s=12.5,
    title="BUG demo_node (Not tainted): Objects remaining on __kmem_cache_shutdown()",
    function="demo_exit",
    text="",
    leaked=LeakedObject.SLAB_CACHE,
    subject="demo_node",
)
WARNED = replace(INCIDENT, kind=IncidentKind.WARNING, title="WARNING: a.c:1 at f+0x1/0x2", t_s=1.0)


def test_what_the_kernel_itself_says_leaked_is_broken(simulator: Simulator, tools: Tools) -> None:
    """Floors that prove nothing do not make it clean; it names the cache."""
    verdict = simulator.judge(tools.plan(rounds=10, incident=LEFT))
    assert (verdict.verdict, verdict.outcome) == (Verdict.BROKEN, Outcome.PASSED)
    assert verdict.signature is Signature.OBJECT
    assert detail(verdict) == "objects left in a slab cache (demo_node), the kernel itself says"
    assert "the kernel itself reported a leak: BUG demo_node" in why(verdict)
    assert verdict.incident == LEFT


def test_floors_that_prove_a_leak_say_more(simulator: Simulator, tools: Tools) -> None:
    verdict = simulator.judge(tools.plan(rounds=10, leak={SLAB: 900}, incident=LEFT))
    assert (verdict.verdict, verdict.incident) == (Verdict.LEAK, LEFT)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (IncidentKind.WARNING, Verdict.CLEAN),
        (IncidentKind.HUNG_TASK, Verdict.CLEAN),
        (IncidentKind.STALL, Verdict.CLEAN),
        (IncidentKind.UBSAN, Verdict.BROKEN),
        (IncidentKind.KCSAN, Verdict.BROKEN),
    ],
)
def test_what_the_kernel_survived(
    simulator: Simulator, tools: Tools, kind: IncidentKind, expected: Verdict
) -> None:
    verdict = simulator.judge(tools.plan(rounds=10, incident=replace(WARNED, kind=kind)))
    assert verdict.verdict is expected
    assert verdict.incident is not None


def test_the_gravest_incident_of_all_trials(tools: Tools, simulator: Simulator) -> None:
    recordings = [
        replace(simulator.recording(tools.plan(rounds=10, incident=incident)), trial=trial)
        for trial, incident in enumerate((WARNED, LEFT), start=1)
    ]
    (verdict,) = judge_cells(tools.scenario(tools.bad), {tools.bad: recordings})
    assert (verdict.verdict, verdict.incident) == (Verdict.BROKEN, LEFT)


def test_a_crash_names_what_the_kernel_says_leaked(simulator: Simulator, tools: Tools) -> None:
    inodes = replace(
        INCIDENT,
        title="kernel BUG at fs/super.c:652!",
        function=None,
        text="",
        leaked=LeakedObject.INODES,
        subject="vdb (demo)",
    )
    verdict = simulator.judge(tools.plan(rounds=2, outcome=Outcome.CRASHED, incident=inodes))
    assert (verdict.verdict, verdict.signature) == (Verdict.BROKEN, Signature.OBJECT)
    assert detail(verdict) == "busy inodes after unmount (vdb (demo)), the kernel itself says"


def test_a_leak_before_the_crash_is_a_leak(simulator: Simulator, tools: Tools) -> None:
    plan = tools.plan(leak={ORPHANS: 2400}, outcome=Outcome.HUNG, incident=INCIDENT)
    verdict = simulator.judge(plan)
    assert (verdict.verdict, verdict.outcome) == (Verdict.LEAK, Outcome.HUNG)
    assert verdict.incident == INCIDENT
    assert "the guest hung" in why(verdict)


def test_out_of_memory_is_judged_from_the_timeline(simulator: Simulator, tools: Tools) -> None:
    """Too few floors, but the orphans took most of the RAM."""
    dying = tools.plan(rounds=1, peak={ORPHANS: 1200 * MIB}, outcome=Outcome.OOM)
    verdict = simulator.judge(dying, tools.plan(rounds=6))
    assert (verdict.verdict, verdict.outcome) == (Verdict.LEAK, Outcome.OOM)
    assert verdict.signature is Signature.PAGE_CACHE_REFERENCE
    assert verdict.rate_kib_per_round is None
    assert "1200 MiB, 59 % of its RAM, against 0 MiB in the reference" in growth_reason_text(
        verdict.because
    )
    cache = tools.plan(rounds=1, peak={MemoryClass.FILE_CACHE: 1200 * MIB}, outcome=Outcome.OOM)
    assert simulator.judge(cache, tools.plan(rounds=6)).verdict is Verdict.BROKEN
    as_good = tools.plan(rounds=6, peak={ORPHANS: 1200 * MIB})
    assert simulator.judge(dying, as_good).verdict is Verdict.BROKEN


def test_clean_cache_that_outlives_reclaim_is_pinned(simulator: Simulator, tools: Tools) -> None:
    """When memory has run out, clean page cache that is still there is held by references."""
    recording = simulator.recording(tools.plan(rounds=1, outcome=Outcome.OOM))
    last = recording.timeline[-1]

    def ending(dirty: float) -> Verdict:
        cached = {"meminfo.Cached": 600 * MIB, "meminfo.Dirty": dirty}
        end = replace(last, t_s=last.t_s + 1, counters={**last.counters, **cached})
        died = replace(recording, timeline=(*recording.timeline, end))
        verdicts = judge_cells(tools.scenario(tools.bad), {tools.bad: [died]})
        return verdicts[0].verdict

    assert ending(dirty=0) is Verdict.LEAK
    assert ending(dirty=590 * MIB) is Verdict.BROKEN


@pytest.mark.parametrize("outcome", [Outcome.LOST, Outcome.NOT_RUN])
def test_what_was_not_judged_is_never_clean(
    simulator: Simulator, tools: Tools, outcome: Outcome
) -> None:
    verdict = simulator.judge(tools.plan(outcome=outcome, detail="qemu: killed"))
    assert (verdict.verdict, verdict.outcome) == (Verdict.UNPROVEN, outcome)
    assert "qemu: killed" in why(verdict)
    assert verdict.classes == {}


@pytest.mark.parametrize("rounds", [0, 1, 2])
def test_too_few_floors_are_unproven(simulator: Simulator, tools: Tools, rounds: int) -> None:
    verdict = simulator.judge(tools.plan(rounds=rounds), tools.plan(rounds=6))
    assert verdict.verdict is Verdict.UNPROVEN
    assert "too few" in why(verdict)


def test_lost_trials_are_left_out_and_said(simulator: Simulator, tools: Tools) -> None:
    plans = [tools.plan(leak={ORPHANS: 2400}), tools.plan(outcome=Outcome.LOST)]
    verdict = simulator.judge(plans)
    assert (verdict.verdict, verdict.outcome) == (Verdict.LEAK, Outcome.PASSED)
    assert why(verdict).endswith("left out of 2 trials: 1 lost")
    assert len(verdict.floors[ORPHANS]) == 1


def test_trials_are_combined(simulator: Simulator, tools: Tools) -> None:
    verdict = simulator.judge([tools.plan(leak={ORPHANS: 100}) for _ in range(3)])
    assert verdict.verdict is Verdict.LEAK
    assert (verdict.rounds, verdict.trials) == (18, 3)
    assert "over 18 rounds in 3 guests" in why(verdict)


def test_every_planned_cell_has_a_verdict_in_plan_order(simulator: Simulator, tools: Tools) -> None:
    cells = [tools.cell("bad", "zstd"), tools.bad, tools.good, tools.cell("bad", "zlib")]
    recordings = {tools.good: [simulator.recording(tools.plan(), tools.good)]}
    verdicts = judge_cells(tools.scenario(*cells), recordings)
    assert [v.cell for v in verdicts] == cells
    assert [v.verdict for v in verdicts] == [Verdict.UNPROVEN] * 2 + [
        Verdict.CLEAN,
        Verdict.UNPROVEN,
    ]
    assert why(verdicts[0]) == "not run"


def test_without_a_reference_the_cell_stands_for_itself(simulator: Simulator, tools: Tools) -> None:
    recordings = {tools.bad: [simulator.recording(tools.plan(leak={ORPHANS: 2400}))]}
    verdict = judge_cells(tools.scenario(tools.bad, tools.good), recordings)[0]
    assert verdict.verdict is Verdict.LEAK
    assert "has no floors to compare with" in why(verdict)
    alone = judge_cells(tools.scenario(tools.bad, references=()), recordings)[0]
    assert alone.verdict is Verdict.LEAK
    recordings = {tools.bad: [simulator.recording(tools.plan(leak={MemoryClass.SHMEM: 900}))]}
    assert judge_cells(tools.scenario(tools.bad), recordings)[0].verdict is Verdict.CLEAN


def test_a_kernel_with_few_counters_is_judged_by_used_memory(
    simulator: Simulator, tools: Tools
) -> None:
    names = {"meminfo.MemTotal", "meminfo.MemFree", "pcp.total"}

    def strip(recording: Recording) -> Recording:
        rounds = []
        for r in recording.rounds:
            assert r.floor is not None
            counters = {n: v for n, v in r.floor.counters.items() if n in names}
            rounds.append(replace(r, floor=replace(r.floor, counters=counters), settled=None))
        return replace(recording, rounds=tuple(rounds), timeline=())

    for leak, expected in ((2400.0, Verdict.LEAK), (0.0, Verdict.CLEAN)):
        plan = tools.plan(leak={ORPHANS: leak}, rounds=8)
        recordings = {
            tools.bad: [strip(simulator.recording(plan))],
            tools.good: [strip(simulator.recording(tools.plan(rounds=8), tools.good))],
        }
        verdict = judge_cells(tools.scenario(tools.bad, tools.good), recordings)[0]
        assert (verdict.verdict, verdict.signature) == (expected, None)


def test_without_used_memory_nothing_is_clean(simulator: Simulator, tools: Tools) -> None:
    recording = simulator.recording(tools.plan())
    rounds = []
    for r in recording.rounds:
        assert r.floor is not None
        counters = {n: v for n, v in r.floor.counters.items() if n != "pcp.total"}
        rounds.append(replace(r, floor=replace(r.floor, counters=counters)))
    recordings = {tools.bad: [replace(recording, rounds=tuple(rounds))]}
    verdict = judge_cells(tools.scenario(tools.bad, tools.good), recordings)[0]
    assert verdict.verdict is Verdict.UNPROVEN


def test_late_steps_are_one_time_costs_once_three_guests_agree(
    simulator: Simulator, tools: Tools
) -> None:
    """What one guest pays late and once cannot be told from a rare leak; three guests can tell."""
    late = tools.plan(rounds=8, steps={SLAB: {6: 2 * MIB}})
    flat = tools.plan(rounds=8)
    assert simulator.judge([late]).verdict is Verdict.UNPROVEN
    assert simulator.judge([late, flat]).verdict is Verdict.UNPROVEN
    verdict = simulator.judge([late, flat, late], flat)
    assert verdict.verdict is Verdict.CLEAN
    assert "one-time costs" in why(verdict)
    again = tools.plan(rounds=8, steps={SLAB: {4: 2 * MIB, 6: 2 * MIB}})
    assert simulator.judge([again, again, again], flat).verdict is not Verdict.CLEAN
