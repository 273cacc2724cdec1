"""What counts of objects add to the verdict of a cell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from anyclue.model.reason import (
    CountedObjects,
    GrowthExcluded,
    GrowthProven,
    ObjectEvidence,
    ObjectsGrew,
    ObjectsSuspected,
    SlabCache,
)
from anyclue.model.recording import Outcome
from anyclue.model.verdict import (
    MemoryClass,
    ObjectBound,
    ObjectKind,
    ObjectSeries,
    Signature,
    Verdict,
)
from anyclue.report.reasons import growth_reason_text

if TYPE_CHECKING:
    from tests.verdicts.conftest import Plan, Simulator, Tools

FLAT: Mapping[str, float] = {f"slab_objects.still-{k}": 0.0 for k in range(100)}
MERGED = {"kmalloc-32": ("dnotify_mark", "kmalloc-32", "sd_ext_cdb")}


def plan(tools: Tools, counter: str = "slab_objects.kmalloc-32", gain: float = 0.0) -> Plan:
    noise = dict.fromkeys(MemoryClass, 0.0)
    return tools.plan(rounds=10, noise=noise, counts={**FLAT, counter: gain}, merged=MERGED)


def test_objects_that_no_class_shows_are_a_leak(simulator: Simulator, tools: Tools) -> None:
    found = simulator.judge([plan(tools, gain=2)] * 2, plan(tools))
    because = found.because
    assert (found.verdict, found.signature) == (Verdict.LEAK, Signature.OBJECT)
    assert isinstance(because, ObjectsGrew)
    assert because.series == ObjectSeries(kind=ObjectKind.SLAB, name="kmalloc-32")
    assert because.rate == pytest.approx(2.0)
    assert because.reference is not None
    assert because.reference.rate == pytest.approx(0.0)
    assert because.sample.trials == 2
    assert because.end is None
    detail = found.signature_detail
    assert isinstance(detail, SlabCache)
    assert (detail.name, detail.merged) == ("kmalloc-32", ("dnotify_mark", "sd_ext_cdb"))
    rate = found.objects[because.series]
    assert rate.grew
    assert rate.merged == detail.merged
    assert found.object_bound == ObjectBound(series=101, excluded=100, limit=1)
    assert not any(of.grew for of in found.classes.values())


@pytest.mark.parametrize(
    ("counter", "signature", "carrier"),
    [
        ("slab_objects.radix_tree_node", Signature.OBJECT, MemoryClass.SLAB_RECLAIMABLE),
        ("threads.btrfs-cleaner", Signature.KERNEL_STACKS, MemoryClass.KERNEL_STACKS),
        ("vmalloc_areas.zstd_alloc", Signature.VMALLOC, MemoryClass.VMALLOC),
        ("mounts.btrfs", Signature.OBJECT, MemoryClass.SLAB_UNRECLAIMABLE),
    ],
)
def test_whatever_a_kernel_counts_can_leak(
    simulator: Simulator, tools: Tools, counter: str, signature: Signature, carrier: MemoryClass
) -> None:
    found = simulator.judge([plan(tools, counter, 1)] * 2, plan(tools, counter))
    assert (found.verdict, found.signature) == (Verdict.LEAK, signature)
    assert found.rate_kib_per_round == found.classes[carrier].rate_kib
    assert isinstance(found.signature_detail, SlabCache | CountedObjects)


def test_one_guest_makes_it_a_suspicion(simulator: Simulator, tools: Tools) -> None:
    found = simulator.judge(plan(tools, gain=1), plan(tools))
    assert found.verdict is Verdict.UNPROVEN
    assert isinstance(found.because, ObjectsSuspected)
    assert found.because.lacking is ObjectEvidence.GUEST


@pytest.mark.parametrize("axis", ["machine", "workload"])
def test_a_reference_on_another_machine_or_workload_is_none(
    simulator: Simulator, tools: Tools, axis: str
) -> None:
    reference = replace(tools.good, **{axis: "other"})
    found = simulator.judge([plan(tools, gain=1)] * 2, plan(tools), reference)
    assert found.verdict is Verdict.UNPROVEN
    assert isinstance(found.because, ObjectsSuspected)
    assert found.because.lacking is ObjectEvidence.REFERENCE
    assert found.because.reference is None


def test_clean_says_what_counts_exclude(simulator: Simulator, tools: Tools) -> None:
    found = simulator.judge(plan(tools), plan(tools))
    assert found.verdict is Verdict.CLEAN
    assert isinstance(found.because, GrowthExcluded)
    assert found.because.objects is not None
    assert found.because.objects.bound == ObjectBound(series=101, excluded=101, limit=1)
    assert found.because.objects.bound == found.object_bound
    assert not found.objects


def test_clean_says_what_counts_could_not_be_read(simulator: Simulator, tools: Tools) -> None:
    found = simulator.judge(plan(tools, gain=math.nan), plan(tools))
    assert isinstance(found.because, GrowthExcluded)
    excluded = found.because.objects
    assert excluded is not None
    assert excluded.bound == ObjectBound(series=101, excluded=100, limit=1)
    assert (excluded.unread, excluded.highest) == (1, ())
    assert "100 of 101 counts of objects" in growth_reason_text(found.because)


def test_without_exact_counts_clean_is_of_kib_alone(simulator: Simulator, tools: Tools) -> None:
    old = tools.plan(rounds=10, objects={"dentry": (1.0, 0.2)})
    found = simulator.judge([old, old], old)
    assert isinstance(found.because, GrowthExcluded)
    assert found.because.objects is None
    assert found.object_bound is None


def test_a_class_carries_and_objects_tell_which_cache(simulator: Simulator, tools: Tools) -> None:
    leaking = replace(
        plan(tools, "slab_objects.other", 3),
        leak={MemoryClass.SLAB_UNRECLAIMABLE: 256.0},
        objects={"kmalloc-32": (8000, 0.03125)},
    )
    flat = replace(plan(tools, "slab_objects.other"), objects={"kmalloc-32": (0, 0.03125)})
    found = simulator.judge([leaking, leaking], flat)
    because = found.because
    assert isinstance(because, GrowthProven)
    assert because.memory_class is MemoryClass.SLAB_UNRECLAIMABLE
    detail = found.signature_detail
    assert isinstance(detail, SlabCache)
    assert (detail.name, round(detail.objects)) == ("kmalloc-32", 8000)
    assert detail.merged == ("dnotify_mark", "sd_ext_cdb")
    ((series, rate),) = because.objects
    assert series == ObjectSeries(kind=ObjectKind.SLAB, name="other")
    assert rate == pytest.approx(3.0)


def test_a_leak_of_objects_is_told_where_the_workload_failed(
    simulator: Simulator, tools: Tools
) -> None:
    failed = replace(plan(tools, gain=1), outcome=Outcome.FAILED, detail="exit status 1")
    found = simulator.judge([failed, plan(tools, gain=1)], plan(tools))
    assert found.verdict is Verdict.LEAK
    assert isinstance(found.because, ObjectsGrew)
    assert found.because.end is not None
    assert found.because.end.outcome is Outcome.FAILED
