"""Every reason has words, and they are those that users know."""

from __future__ import annotations

from dataclasses import replace

import pytest

from anyclue.model import reason
from anyclue.model.recording import Incident, IncidentKind, LeakedObject, Outcome
from anyclue.model.scenario import Cell
from anyclue.model.verdict import (
    ClassRate,
    MemoryClass,
    ObjectBound,
    ObjectKind,
    ObjectSeries,
    Signature,
    SignatureDetail,
    Verdict,
    VerdictReason,
)
from anyclue.report.reasons import detail_text, growth_reason_text, incident_text

SLAB = MemoryClass.SLAB_UNRECLAIMABLE
CELL = Cell(kernel="good", machine="m", mkfs="d", mount="d", workload="w")
SAMPLE = reason.FloorSample(floors=18, trials=3, warm_up=1)
BUG = Incident(kind=IncidentKind.BUG, t_s=1.0, title="kernel BUG\nat a.c:1", function="f", text="")
UBSAN = replace(BUG, kind=IncidentKind.UBSAN, title="UBSAN: shift-out-of-bounds in a.c:1:2")
LEFT = Incident(
    kind=IncidentKind.LEAK,
    t_s=1.0,
    title="VFS: Busy inodes after unmount of vdb (demo)",
    function=None,
    text="",
    leaked=LeakedObject.INODES,
    subject="vdb (demo)",
)
PROVEN = reason.GrowthProven(
    memory_class=SLAB,
    rate_kib=200.4,
    ci95_kib=(9.97, 201.0),
    sample=SAMPLE,
    detail=reason.SlabCache(name="kmalloc-64", objects=3200.0, kib=200.0),
    steps=1,
    reference=reason.ReferenceRate(cell=CELL, rate_kib=0.2),
    others=((MemoryClass.PERCPU, 4.0), (MemoryClass.VMALLOC, 8.0)),
    in_all_kib=212.4,
    perhaps=((MemoryClass.UNACCOUNTED, ClassRate(rate_kib=27, ci95_kib=(12, 39), grew=False)),),
    more_used=ClassRate(rate_kib=244, ci95_kib=(216, 271), grew=True),
    end=reason.TrialEnd(outcome=Outcome.HUNG, detail="nothing moved"),
)
NODES = ObjectSeries(kind=ObjectKind.SLAB, name="radix_tree_node")
THREADS = ObjectSeries(kind=ObjectKind.THREADS, name="btrfs-cleaner")
MOUNTS = ObjectSeries(kind=ObjectKind.MOUNTS, name="btrfs")
OBJECTS = reason.ObjectsGrew(
    series=NODES,
    rate=14.0,
    ci95=(13.9, 14.1),
    sample=reason.FloorSample(floors=16, trials=2, warm_up=0),
    detail=reason.SlabCache(name="radix_tree_node", objects=14.0, kib=7.9),
    reference=reason.ReferenceObjects(cell=CELL, rate=0.02),
)
SUSPECTED = reason.ObjectsSuspected(
    series=THREADS,
    rate=1.0,
    ci95=(0.8, 1.2),
    sample=reason.FloorSample(floors=8, trials=1, warm_up=0),
    lacking=reason.ObjectEvidence.GUEST,
)
BOUND = ObjectBound(series=162, excluded=162, limit=1)
EXCLUDED = reason.GrowthExcluded(
    limit_kib=64.0, sample=SAMPLE, memory_class=SLAB, at_most_kib=9.4, steps=(2048.0,)
)
UNDECIDED = reason.GrowthUndecided(
    memory_class=SLAB,
    rate_kib=3.0,
    ci95_kib=(-70.0, 76.0),
    limit_kib=64.0,
    settlement=reason.Settlement(own=2, reference=1, chance=0.83),
)
WORDS: list[tuple[VerdictReason, str]] = [
    (reason.NotRun(), "not run"),
    (
        reason.RefusedAlike(cell=CELL, detail="mkfs.btrfs: unknown option"),
        "not run, since good.m.d.d.w was refused, and this would be alike: mkfs.btrfs: unknown"
        " option",
    ),
    (
        reason.NotJudged(outcome=Outcome.LOST, detail="qemu: killed"),
        "the guest was lost by the infrastructure: qemu: killed; run it again",
    ),
    (reason.NotJudged(outcome=Outcome.NOT_RUN), "the test did not run"),
    (
        PROVEN,
        "unreclaimable slab grew by 200 KiB a round (95 % interval 10 to 201) over 18 rounds in 3"
        " guests after 1 warm-up round and no reclaim gave it back; slab cache kmalloc-64: 3200"
        " objects, 200 KiB a round; 1 single step(s) set aside; 0.2 KiB a round in the reference"
        " good.m.d.d.w; per-CPU memory (4.0 KiB) and vmalloc memory (8.0 KiB) grew too; 212 KiB a"
        " round leak in all; memory that no counter counts (27 [12, 39] KiB) may have grown too,"
        " which is not proven; used memory grew by more: 244 [216, 271] KiB; the guest hung:"
        " nothing moved",
    ),
    (
        reason.PinnedPageCache(kib=1024.0 * 1024, ram_kib=2048.0 * 1024),
        "the guest ran out of memory while 1024 MiB of clean page cache, 50 % of its RAM, could not"
        " be reclaimed: somebody holds references on its pages; too few floors for a rate",
    ),
    (
        reason.MemoryExhausted(memory_class=SLAB, kib=2048.0, ram_kib=4096.0, reference_kib=0.0),
        "the guest ran out of memory while unreclaimable slab grew by 2 MiB, 50 % of its RAM,"
        " against 0 MiB in the reference; too few floors for a rate",
    ),
    (
        reason.TrialBroke(
            end=reason.TrialEnd(outcome=Outcome.CRASHED, incident=BUG), floors_flat=True
        ),
        "the kernel crashed: kernel BUG at a.c:1 in f; no leak was proven in the floors before it",
    ),
    (
        reason.KernelError(incident=UBSAN),
        "the kernel reported an error and went on: UBSAN: shift-out-of-bounds in a.c:1:2",
    ),
    (
        reason.KernelError(incident=LEFT, floors_flat=True),
        "the kernel itself reported a leak: VFS: Busy inodes after unmount of vdb (demo);"
        " no leak was proven in the floors",
    ),
    (
        reason.TooFewFloors(floors=2, needed=3),
        "2 floors are too few to judge used memory (without that of user space): at least 3 are"
        " needed after the warm-up",
    ),
    (
        reason.SingleSteps(memory_class=None, steps=((4, 4200.0), (6, 12.0)), at_most_kib=39.0),
        "used memory (without that of user space) made a step of 4200 KiB before the floor of round"
        " 4 and 12 KiB before the floor of round 6, and besides grows by no more than 39 KiB a"
        " round: a one-time cost or a rare leak; more guests would tell",
    ),
    (
        UNDECIDED,
        "unreclaimable slab moved by 3.0 KiB a round (95 % interval -70 to 76), so a leak of 64 KiB"
        " a round is neither proven nor excluded; about 2 more guests of this cell and 1 more guest"
        " of its reference would tell with a probability of 0.83",
    ),
    (
        replace(UNDECIDED, settlement=None),
        "unreclaimable slab moved by 3.0 KiB a round (95 % interval -70 to 76), so a leak of 64 KiB"
        " a round is neither proven nor excluded; it is unlikely that more guests would tell",
    ),
    (
        reason.PeakAboveReference(kib=310.0 * 1024, reference_kib=1024.0),
        "memory that is no cache peaked at 310 MiB above its lowest, 1 MiB in the reference;"
        " a leak is excluded",
    ),
    (
        reason.LeftToReclaim(
            kib=300.0 * 1024, reference_kib=0.0, memory_class=MemoryClass.FILE_CACHE
        ),
        "a round left 300 MiB behind, mostly page cache (0 MiB in the reference), and reclaim gave"
        " it back: a leak is excluded",
    ),
    (
        reason.CachePeak(kib=2048.0, reference_kib=1024.0),
        "use peaked at 2 MiB above its lowest (1 MiB in the reference), all of it cache that was"
        " given back: a leak is excluded",
    ),
    (
        EXCLUDED,
        "leaks of 64 KiB a round and more are excluded over 18 rounds in 3 guests after 1 warm-up"
        " round: no class of kernel memory grows by more than 9.4 KiB a round (unreclaimable slab,"
        " upper end of the 95 % interval); single steps of 2048 KiB are left out as one-time costs",
    ),
    (
        reason.OtherFault(verdict=Verdict.LEAK, signature=Signature.OBJECT),
        "it is leak (object), which is another fault",
    ),
    (
        reason.TrialsLeftOut(
            judged=reason.NotRun(), trials=3, left_out=((Outcome.LOST, 1), (Outcome.NOT_RUN, 2))
        ),
        "not run; left out of 3 trials: 1 lost, 2 not-run",
    ),
]
WORDS.append(
    (
        reason.OtherCounterGrew(
            counters=(("GPUActive", 2400.0), ("NPU", 8.0)),
            rate_kib=2408.0,
            ci95_kib=(2400.0, 2416.0),
        ),
        "memory that /proc/meminfo counts apart as GPUActive (2400 KiB) and NPU (8.0 KiB) grew by"
        " 2408 KiB a round (95 % interval 2400 to 2416): no leak of a file system as far as is"
        " known, and else leaks are excluded",
    )
)
WORDS += [
    (
        OBJECTS,
        "slab cache radix_tree_node gained 14 objects, 7.9 KiB, a round (95 % interval 13.9 to"
        " 14.1) over 16 rounds in 2 guests, in both of them and in nearly every round, and nothing"
        " brought them back; 0 objects a round in the reference good.m.d.d.w",
    ),
    (
        replace(
            OBJECTS,
            rate=1.0,
            ci95=(1.0, 1.0),
            detail=reason.SlabCache(name="radix_tree_node", objects=1.0, kib=0.4),
        ),
        "slab cache radix_tree_node gained 1 object a round (95 % interval 1.0 to 1.0) over 16"
        " rounds in 2 guests, in both of them and in nearly every round, and nothing brought them"
        " back; 0 objects a round in the reference good.m.d.d.w",
    ),
    (
        replace(
            OBJECTS,
            series=replace(NODES, name="kmalloc-32"),
            sample=SAMPLE,
            detail=reason.SlabCache(name="kmalloc-32", objects=14.0, merged=("a", "b", "c", "d")),
            reference=None,
            others=((THREADS, 1.0),),
            end=reason.TrialEnd(outcome=Outcome.HUNG, detail="nothing moved"),
        ),
        "slab cache kmalloc-32 (which the kernel merged with a, b, c and 1 more) gained 14 objects"
        " a round (95 % interval 13.9 to 14.1) over 18 rounds in 3 guests after 1 warm-up round, in"
        " each of them and in nearly every round, and nothing brought them back; kernel threads"
        " named btrfs-cleaner (1 object) grew too; the guest hung: nothing moved",
    ),
    (
        SUSPECTED,
        "kernel threads named btrfs-cleaner gained 1 object a round (95 % interval 0.8 to 1.2) over"
        " 8 rounds; guests differ a little by themselves; another one would tell",
    ),
    (
        replace(
            SUSPECTED,
            lacking=reason.ObjectEvidence.ROUNDS,
            reference=reason.ReferenceObjects(cell=CELL, rate=0.3),
            others=2,
        ),
        "kernel threads named btrfs-cleaner gained 1 object a round (95 % interval 0.8 to 1.2) over"
        " 8 rounds (and 2 other counts alike); 0.3 objects a round in the reference good.m.d.d.w;"
        " that may be chance; more guests or rounds would tell",
    ),
    (
        replace(SUSPECTED, lacking=reason.ObjectEvidence.REFERENCE, others=1),
        "kernel threads named btrfs-cleaner gained 1 object a round (95 % interval 0.8 to 1.2) over"
        " 8 rounds (and 1 other count alike); in a good kernel it may do the same; a reference"
        " would tell",
    ),
    (
        replace(
            SUSPECTED,
            lacking=reason.ObjectEvidence.SLABS,
            slabs=reason.SlabSteps(objects=8, seen=9, needed=20),
        ),
        "kernel threads named btrfs-cleaner gained 1 object a round (95 % interval 0.8 to 1.2) over"
        " 8 rounds; it is counted in whole slabs of 8 objects, and took 9 steps up where 20 would"
        " be proof; a larger dose or more rounds, in the reference too, would tell",
    ),
    (
        replace(SUSPECTED, slabs=reason.SlabSteps(objects=8, seen=20, needed=20)),
        "kernel threads named btrfs-cleaner gained 1 object a round (95 % interval 0.8 to 1.2) over"
        " 8 rounds; it is counted in whole slabs of 8 objects; guests differ a little by"
        " themselves; another one would tell",
    ),
    (
        replace(OBJECTS, slabs=reason.SlabSteps(objects=16, seen=40, needed=20)),
        "slab cache radix_tree_node gained 14 objects, 7.9 KiB, a round (95 % interval 13.9 to"
        " 14.1) over 16 rounds in 2 guests, in both of them and in 40 steps of whole slabs of 16"
        " objects, and nothing brought them back; 0 objects a round in the reference good.m.d.d.w",
    ),
]
DETAILS: list[tuple[SignatureDetail | None, str]] = [
    (None, ""),
    (reason.SlabCache(name="a", kib=9.97), "slab cache a: 10 KiB a round"),
    (reason.SlabCache(name="a", objects=12.0), "slab cache a: 12 objects a round"),
    (
        reason.SlabCache(name="a", objects=12.0, kib=4.0, merged=("b",)),
        "slab cache a (which the kernel merged with b): 12 objects, 4.0 KiB a round",
    ),
    (reason.SlabCache(name="a", objects=1.0, kib=0.0), "slab cache a: 1 object a round"),
    (reason.SlabCache(name="a", objects=12.0, kib=3.9), "slab cache a: 12 objects a round"),
    (reason.SlabCache(name="a", kib=3.9), "slab cache a: 3.9 KiB a round"),
    (reason.CountedObjects(series=MOUNTS, rate=2.5), "mounts of btrfs: 2.5 objects a round"),
    (
        reason.LargeKmalloc(),
        "no slab cache explains it: kmalloc of more than two pages goes past the caches",
    ),
    (reason.VmallocCaller(function="f", kib=8.0), "allocated by f: 8.0 KiB a round"),
    (reason.PerFile(kib=4.0), "4.0 KiB per file"),
    (reason.BrokenFunction(name="kmap_high"), "kmap_high"),
    (
        reason.NeverFreed(leaked=LeakedObject.SLAB_CACHE, subject="demo_inode"),
        "objects left in a slab cache (demo_inode), the kernel itself says",
    ),
    (
        reason.NeverFreed(leaked=LeakedObject.REFERENCES),
        "leaked references, the kernel itself says",
    ),
]


@pytest.mark.parametrize(("because", "words"), WORDS)
def test_words_of_a_reason(because: VerdictReason, words: str) -> None:
    assert growth_reason_text(because) == words


@pytest.mark.parametrize(("detail", "words"), DETAILS)
def test_words_of_a_detail(detail: SignatureDetail | None, words: str) -> None:
    assert detail_text(detail) == words


def test_every_reason_of_the_statistics_is_worded() -> None:
    worded = {type(because) for because, _ in WORDS} | {type(detail) for detail, _ in DETAILS}
    known = [*VerdictReason.__subclasses__(), *SignatureDetail.__subclasses__()]
    assert {one for one in known if one.__module__ == reason.__name__} == worded - {type(None)}


@pytest.mark.parametrize(
    ("objects", "words"),
    [
        (
            reason.ExcludedObjects(bound=BOUND),
            "no leak of 1 object a round in any of 162 counts of objects",
        ),
        (
            reason.ExcludedObjects(
                bound=replace(BOUND, excluded=161, limit=2), highest=((NODES, 8.96),)
            ),
            "no leak of 2 objects a round in 161 of 162 counts of objects, but not excluded in slab"
            " cache radix_tree_node (up to 9 objects)",
        ),
        (
            reason.ExcludedObjects(bound=replace(BOUND, excluded=160)),
            "no leak of 1 object a round in 160 of 162 counts of objects, but not excluded in 2 of"
            " which too few floors could be read",
        ),
        (
            reason.ExcludedObjects(bound=replace(BOUND, excluded=160), highest=((NODES, 8.96),)),
            "no leak of 1 object a round in 160 of 162 counts of objects, but not excluded in slab"
            " cache radix_tree_node (up to 9 objects) and 1 of which too few floors could be read",
        ),
    ],
)
def test_what_counts_of_objects_exclude_is_said(
    objects: reason.ExcludedObjects, words: str
) -> None:
    said = growth_reason_text(replace(EXCLUDED, objects=objects))
    assert said == f"{growth_reason_text(EXCLUDED)}; {words}"


def test_objects_that_grew_are_named_beside_a_class() -> None:
    said = growth_reason_text(replace(PROVEN, objects=((THREADS, 1.0),), others=()))
    assert "; kernel threads named btrfs-cleaner (1 object) grew too;" in said


def test_runs_of_a_test_are_called_runs() -> None:
    said = growth_reason_text(
        replace(PROVEN, end=None, reference=None), unit="run", reclaimed=False
    )
    assert said.startswith("unreclaimable slab grew by 200 KiB a run (")
    assert "over 18 runs in 3 guests after 1 warm-up run; slab cache" in said
    assert "round" not in said


def test_long_messages_of_a_guest_are_cut() -> None:
    long = replace(BUG, title="x" * 200, function="x")
    assert incident_text(long) == "x" * 117 + "..."
    assert incident_text(None) == ""
