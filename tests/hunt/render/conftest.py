"""Synthetic findings of the default scenario, and of a run in which all kinds of things broke."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import pytest

from anyclue.fstests.core.model import (
    CheckResult,
    CheckStatus,
    KnownFailure,
    Refusal,
    TestFinding,
    TestId,
)
from anyclue.fstests.core.reasons import RepeatedRuns, RoseOnce
from anyclue.hunt.clue.model import (
    ChangingCommit,
    Clue,
    Condition,
    Conjunction,
    DosePoint,
    DoseResponse,
    Guilt,
    Missing,
    Place,
    ProbeSummary,
    Reason,
    ReasonSource,
    Reproducer,
    Suspect,
    SuspectKind,
    SuspectStatus,
)
from anyclue.hunt.conclusion import conclude
from anyclue.hunt.model import Reproduction, RunVerdicts
from anyclue.model.machine_recording import Span, TestRun, TestVerdict
from anyclue.model.reason import (
    FloorSample,
    GrowthExcluded,
    GrowthProven,
    LeftToReclaim,
    NotJudged,
    NotRun,
    ObjectEvidence,
    ObjectsGrew,
    ObjectsSuspected,
    PeakAboveReference,
    PerFile,
    ReferenceObjects,
    SlabCache,
    TooFewFloors,
    TrialBroke,
    TrialEnd,
)
from anyclue.model.recording import (
    EXACT_OBJECTS,
    EndReason,
    EndState,
    Incident,
    IncidentKind,
    LogLine,
    Mark,
    MarkName,
    Outcome,
    Reading,
    Recording,
    Round,
)
from anyclue.model.scenario import (
    Arch,
    Axis,
    Cell,
    DebianKernel,
    Edit,
    Kernel,
    Machine,
    ModuleVariant,
    Scenario,
    WorkloadChoice,
)
from anyclue.model.verdict import (
    CellVerdict,
    ClassRate,
    MemoryClass,
    ObjectKind,
    ObjectSeries,
    Signature,
    Verdict,
    VerdictReason,
)
from anyclue.review.pairs.model import Confidence, FindingKind, PathStep, StepKind

RAM_KIB = 2_040_000
LEAKED_OBJECTS = 14.0
FILES = 600
ROUNDS = 6
ROUND_S = 6.4
BASE_KIB = 61_000.0

LOG = (
    "Linux version 6.1.0-39-686-pae (debian-kernel@lists.debian.org)",
    "Command line: quiet panic=-1 mitigations=off no_timer_check tsc=reliable",
    "Memory: 2040000K/2096632K available",
    "Btrfs loaded, crc32c=crc32c-generic, zoned=no, fsverity=no",
    "BTRFS: device fsid 7c0e9d0a-6a42-4f7f-8c3a-6c1a5c0a1f11 devid 1 transid 6 /dev/vda",
    "BTRFS info (device vda): using crc32c (crc32c-generic) checksum algorithm",
    "BTRFS info (device vda): use lzo compression, level 0",
    "BTRFS info (device vda): using free space tree",
)
BUG = (
    "------------[ cut here ]------------",
    "kernel BUG at mm/highmem.c:626!",
    "invalid opcode: 0000 [#1] PREEMPT SMP NOPTI",
    "CPU: 0 PID: 68 Comm: kworker/u2:3 Tainted: G           OE      6.1.0-39-686-pae #1",
    "Hardware name: QEMU Standard PC (i440FX + PIIX, 1996), BIOS 1.16.2-debian-1.16.2-1 04/01/2014",
    "Workqueue: btrfs-delalloc btrfs_work_helper [btrfs]",
    "EIP: kunmap_local_indexed+0x123/0x130",
    "Code: 8b 15 4c 3f 9d c6 e9 5a ff ff ff 0f 0b 0f 0b 8d b6 00 00 00 00 3e 8d 74 26 00",
    "EAX: fff9e000 EBX: fff9c000 ECX: 00000003 EDX: 00000002",
    "Call Trace:",
    " lzo_compress_pages+0x1f4/0x3a0 [btrfs]",
    " btrfs_compress_pages+0x9c/0xe0 [btrfs]",
    " compress_file_range+0x2c8/0x7d0 [btrfs]",
    " async_cow_start+0x12/0x30 [btrfs]",
    " btrfs_work_helper+0xc2/0x2f0 [btrfs]",
    " process_one_work+0x1a6/0x350",
    " worker_thread+0x13a/0x3b0",
    " kthread+0xd9/0x100",
    "---[ end trace 0000000000000000 ]---",
)


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """All that a report is made from."""

    findings: RunVerdicts
    scenario: Scenario
    recordings: dict[Cell, tuple[Recording, ...]]
    repro: Reproduction
    clue: Clue


DIED = EndState(outcome=Outcome.CRASHED, reason=EndReason.KERNEL_BUG, detail="kernel BUG at a.c:1")


def cell(kernel: str, machine: str, mount: str, workload: str = "small-files") -> Cell:
    return Cell(kernel=kernel, machine=machine, mkfs="default", mount=mount, workload=workload)


def scenario(cells: tuple[Cell, ...], references: tuple[Cell, ...]) -> Scenario:
    undo = Edit(
        file="lzo.c",
        function="lzo_compress_pages",
        find="out: if (page_in) put_page(page_in);",
        replace="out:",
    )
    source = DebianKernel(series="6.1", version="6.1.148-1")

    def built(name: str, *edits: Edit) -> Kernel:
        variant = ModuleVariant(directory="fs/btrfs", edits=edits)
        return Kernel(name=name, source=source, variant=variant)

    return Scenario(
        title="Btrfs leaks memory with compress=lzo",
        kernels={"bad": built("bad", undo), "good": built("good")},
        machines={
            "i386-2g": Machine(name="i386-2g", arch=Arch.I386, ram_mib=2048),
            "x86_64-2g": Machine(name="x86_64-2g", arch=Arch.X86_64, ram_mib=2048),
        },
        mkfs={"default": ""},
        mount={m: f"compress={m}" if m != "none" else "" for m in ("none", "zlib", "lzo", "zstd")},
        workloads={
            "small-files": WorkloadChoice(
                name="small-files",
                use="compression-mix",
                parameters={"files": FILES, "bytes": 1000, "direct": False},
            )
        },
        cells=cells,
        references=references,
    )


def recording(
    of: Cell, leak_kib: float, *, rounds: int = ROUNDS, base: float = BASE_KIB
) -> Recording:
    """A trial at 5 Hz: each round writes for a while, peaks, is removed and quiesced."""
    noise = random.Random(of.id)
    readings: list[Reading] = []
    marks = [Mark(t_s=3.0, name=MarkName.TRIAL_BEGIN)]
    done: list[Round] = []
    for number in range(1, rounds + 1):
        begin = 3.0 + (number - 1) * ROUND_S
        held = base + leak_kib * (number - 1) + (180.0 if number > 1 else 0.0)
        for step in range(int(ROUND_S * 5)):
            part = step / (ROUND_S * 5)
            rise = 14_000 * min(1.0, part / 0.55) if part < 0.8 else 0.0
            now = held + rise + leak_kib * min(1.0, part / 0.55) + noise.uniform(0, 400)
            readings.append(reading(begin + step / 5, now))
        end = begin + ROUND_S
        floor = reading(end - 0.2, base + 180.0 + leak_kib * number)
        extents = {"extents_lzo": FILES} if of.mount == "lzo" else {}
        facts = {"files": FILES, "bytes": FILES * 1000, "enospc": False, **extents}
        done.append(
            Round(number=number, begin_s=begin, end_s=end, settled=None, floor=floor, facts=facts)
        )
        marks += [
            Mark(t_s=begin, name=MarkName.ROUND_BEGIN, round=number),
            Mark(t_s=end - 0.6, name=MarkName.FLOOR_BEGIN, round=number),
            Mark(t_s=end, name=MarkName.ROUND_END, round=number),
        ]
    return Recording(
        cell=of,
        trial=1,
        outcome=Outcome.PASSED,
        detail="",
        ram_kib=RAM_KIB,
        rounds=tuple(done),
        timeline=tuple(readings),
        marks=tuple(marks),
        kernel_log=tuple(LogLine(t_s=i * 0.31, level=6, text=text) for i, text in enumerate(LOG)),
        provenance={"kernel_package": "linux-image-6.1.0-39-686-pae 6.1.148-1", "accel": "tcg"},
    )


def reading(t_s: float, used_kib: float) -> Reading:
    return Reading(
        t_s=t_s,
        counters={
            "meminfo.MemTotal": float(RAM_KIB),
            "meminfo.MemFree": RAM_KIB - used_kib - 400.0,
            "pcp.total": 400.0,
        },
    )


def verdict(of: Cell, kind: Verdict, leak_kib: float, reference: Cell | None) -> CellVerdict:
    noise = random.Random(of.id)
    leak = kind is Verdict.LEAK

    def floors(per_round: float, base: float) -> tuple[tuple[float, ...], ...]:
        return (tuple(base + per_round * n + noise.uniform(-12, 12) for n in range(1, ROUNDS + 1)),)

    used = leak_kib + noise.uniform(-20, 20)
    quiet = {
        name: ClassRate(rate_kib=noise.uniform(-3, 3), ci95_kib=(-9.4, 8.8), grew=False)
        for name in MemoryClass
    }
    slab = (("btrfs_inode", 1.2), ("kmalloc-64", 0.4))
    quiet[MemoryClass.SLAB_UNRECLAIMABLE] = ClassRate(
        rate_kib=2.1, ci95_kib=(-4.0, 7.7), grew=False, top=slab
    )
    if leak:
        quiet[MemoryClass.USED] = ClassRate(
            rate_kib=used, ci95_kib=(used - 31, used + 29), grew=True
        )
        quiet[MemoryClass.ORPHANED_FILE_PAGES] = ClassRate(
            rate_kib=leak_kib, ci95_kib=(leak_kib - 9.5, leak_kib + 11), grew=True
        )
    sample = FloorSample(floors=ROUNDS - 1, trials=1, warm_up=1)
    return CellVerdict(
        cell=of,
        outcome=Outcome.PASSED,
        verdict=kind,
        because=(
            GrowthProven(
                memory_class=MemoryClass.ORPHANED_FILE_PAGES,
                rate_kib=leak_kib,
                ci95_kib=(leak_kib - 9.5, leak_kib + 11),
                sample=sample,
                detail=PerFile(kib=4.0),
            )
            if leak
            else GrowthExcluded(
                limit_kib=64.0,
                sample=sample,
                memory_class=MemoryClass.SLAB_UNRECLAIMABLE,
                at_most_kib=8.8,
            )
        ),
        rate_kib_per_round=leak_kib if leak else used,
        rate_ci95_kib=(leak_kib - 9.5, leak_kib + 11) if leak else (used - 22.0, used + 24.5),
        signature=Signature.PAGE_CACHE_REFERENCE if leak else None,
        signature_detail=PerFile(kib=4.0) if leak else None,
        classes=quiet,
        rounds=ROUNDS - 1,
        warm_up=1,
        trials=1,
        reference=reference,
        floors={
            MemoryClass.USED: floors(leak_kib, BASE_KIB),
            MemoryClass.ORPHANED_FILE_PAGES: floors(leak_kib, 0.0),
        },
    )


REPRODUCTION = Reproduction(
    commands={
        "": "anyclue hunt scenarios/lzo-leak.toml",
        "the guilty cell alone": (
            "anyclue shell --scenario scenarios/lzo-leak.toml "
            "--cell bad.i386-2g.default.lzo.small-files --keep-guest --verbose"
        ),
    },
    versions={
        "anyclue": "0.1.0",
        "QEMU": "7.2.19 (Debian 1:7.2+dfsg-7+deb12u16), accel tcg",
        "kernel bad": "linux-source-6.1 6.1.148-1, fs/btrfs edited, gcc 12.2.0-14+deb12u1",
        "kernel good": "linux-source-6.1 6.1.148-1, gcc 12.2.0-14+deb12u1",
    },
)


def default_inputs() -> Inputs:
    """The default scenario: bad+lzo leaks on both machines, all else is clean."""
    mounts = ("none", "zlib", "lzo", "zstd")
    good = {m: cell("good", m, "lzo") for m in ("i386-2g", "x86_64-2g")}
    cells = (
        *(cell("bad", "i386-2g", mount) for mount in mounts),
        good["i386-2g"],
        cell("bad", "x86_64-2g", "lzo"),
        good["x86_64-2g"],
    )
    guilty = {c for c in cells if c.kernel == "bad" and c.mount == "lzo"}
    bad = cells[2]
    return Inputs(
        findings=conclude(
            [
                verdict(
                    c,
                    Verdict.LEAK if c in guilty else Verdict.CLEAN,
                    2400.0 if c in guilty else 0.0,
                    None if c in good.values() else good[c.machine],
                )
                for c in cells
            ]
        ),
        scenario=scenario(cells, tuple(good.values())),
        recordings={c: (recording(c, 2400.0 if c in guilty else 0.0),) for c in cells},
        repro=REPRODUCTION,
        clue=the_clue(bad, cells[5]),
    )


def the_clue(bad: Cell, other: Cell) -> Clue:
    """The clue of the default scenario, with every part that there is."""
    sentence = "Kernel bad leaks. Almost certainly in lzo_compress_pages() at fs/btrfs/lzo.c:297."
    takes = (Condition(axis=Axis.KERNEL, value="bad"), Condition(axis=Axis.MOUNT, value="lzo"))
    steps = (
        PathStep(
            line=244, kind=StepKind.ACQUIRE, text="page_in = find_get_page(m, i);", note="here"
        ),
        PathStep(line=260, kind=StepKind.GOTO, text="goto out;"),
        PathStep(line=297, kind=StepKind.RETURN, text="return ret;", note="still held here"),
    )
    missing = Missing(
        kind=FindingKind.LEAK,
        release=("put_page", "__free_page"),
        resource="page_in",
        acquired_line=244,
        acquired_by="find_get_page",
        line=297,
        label="out",
        message="page reference `page_in` is not released on this path",
        steps=steps,
        confidence=Confidence.HIGH,
        diff="--- a\n+++ b\n@@ -1 +1,2 @@\n out:\n+\tput_page(page_in);\n",
    )
    reasons = (
        Reason(source=ReasonSource.PAIRS_CHANGE, ratio=90, text="the change loses a release"),
        Reason(source=ReasonSource.OPTIONS, ratio=0.25, text="something speaks against it"),
    )
    commit = ChangingCommit(
        commit="d4088803f511" + "0" * 28, subject="btrfs: subpage", because="alone", accused=True
    )
    first = Place(
        function="lzo_compress_pages",
        path="fs/btrfs/lzo.c",
        line=297,
        probability=0.9997,
        reasons=reasons,
        missing=missing,
        commits=(commit,),
    )
    second = replace(first, function="other", line=12, probability=0.0001, commits=())
    standings = {
        "lzo": SuspectStatus.GUILTY,
        "merge": SuspectStatus.UNPROVEN,
        "kmap": SuspectStatus.ACQUITTED,
    }
    return Clue(
        sentence=sentence,
        guilt=(
            Guilt(
                verdict=Verdict.LEAK,
                signature=Signature.PAGE_CACHE_REFERENCE,
                detail="",
                conditions=takes,
                acquitted=(Axis.MACHINE,),
                innocent=(
                    Condition(axis=Axis.KERNEL, value="good"),
                    Condition(axis=Axis.MOUNT, value="zlib"),
                ),
                cells=(bad.id, other.id),
            ),
        ),
        places=(first, second),
        elsewhere=0.0002,
        suspects=tuple(
            Suspect(
                name=name,
                theory=f"it was {name}",
                test=name,
                kind=SuspectKind.RESOURCE,
                standing=standing,
                because="that is why",
                evidence=("a figure",),
                settle="anyclue merge" if standing is SuspectStatus.UNPROVEN else "",
            )
            for name, standing in standings.items()
        ),
        not_tested=("workload: only one value was run",),
        conjunction=Conjunction(
            conditions=takes,
            irrelevant=((Axis.MACHINE, (bad, other)),),
            proven=True,
            cells_run=7,
            cells_full=16,
        ),
        dose=DoseResponse(
            unit="file",
            amount_kib=4.0,
            ci95_kib=(3.9, 4.1),
            linear=True,
            because="the floor rises with the files",
            points=(DosePoint(dose=300, rate_kib=1200.0, ci95_kib=(1190.0, 1210.0)),),
        ),
        reproducer=Reproducer(
            script="#!/bin/sh\nmount -o compress=lzo disk /mnt\n",
            parameters={"files": 1},
            reduced=("files 1 (was 600): still guilty",),
            rate_kib=4.0,
        ),
        probes=(
            ProbeSummary(name="page-allocations", cell=bad.id, says="600 pages", limits="overruns"),
        ),
    )


@pytest.fixture(scope="session")
def default_run() -> Inputs:
    return default_inputs()


@pytest.fixture(scope="session")
def broken_run() -> Inputs:
    return broken_inputs()


@pytest.fixture(scope="session")
def objects_run() -> Inputs:
    return objects_inputs()


def objects_inputs() -> Inputs:
    """The default scenario: bad+lzo leaks objects, bad+zstd may, which no class of memory shows."""
    inputs = default_inputs()
    good = cell("good", "i386-2g", "lzo")

    def with_objects(verdict: CellVerdict) -> CellVerdict:
        cache = SlabCache(name="kmalloc-64", objects=LEAKED_OBJECTS, kib=0.0)
        counted = ObjectSeries(kind=ObjectKind.SLAB, name=cache.name)
        sample = FloorSample(floors=ROUNDS - 1, trials=1, warm_up=1)
        quiet = replace(
            verdict,
            rate_kib_per_round=0.0,
            rate_ci95_kib=(-0.2, 0.2),
            classes={c: replace(of, grew=False) for c, of in verdict.classes.items()},
        )
        if verdict.verdict is Verdict.LEAK:
            because = ObjectsGrew(
                series=counted,
                rate=LEAKED_OBJECTS,
                ci95=(13.9, 14.1),
                sample=sample,
                detail=cache,
                reference=ReferenceObjects(cell=good, rate=0.0),
            )
            return replace(
                quiet, because=because, signature=Signature.OBJECT, signature_detail=cache
            )
        if verdict.cell.mount == "zstd":
            suspected = ObjectsSuspected(
                series=replace(counted, name="kmalloc-128"),
                rate=1.0,
                ci95=(0.8, 1.2),
                sample=sample,
                lacking=ObjectEvidence.GUEST,
            )
            return replace(quiet, verdict=Verdict.UNPROVEN, because=suspected)
        return verdict

    def counting(of: Cell, trial: Recording) -> Recording:
        gain = LEAKED_OBJECTS if (of.kernel, of.mount) == ("bad", "lzo") else 0.0
        rounds = [
            replace(
                one,
                facts={EXACT_OBJECTS: 1, **one.facts},
                floor=replace(
                    one.floor,
                    counters={
                        **one.floor.counters,
                        "slab_objects.kmalloc-64": 4800.0 + gain * one.number,
                    },
                ),
            )
            for one in trial.rounds
            if one.floor is not None
        ]
        return replace(trial, rounds=tuple(rounds))

    return replace(
        inputs,
        findings=conclude([with_objects(one) for one in inputs.findings.cells]),
        recordings={
            of: tuple(counting(of, trial) for trial in trials)
            for of, trials in inputs.recordings.items()
        },
    )


def tests_of_all_kinds() -> tuple[TestFinding, ...]:
    """A test of fstests for each way to end, with what can be said of its memory."""
    span = Span(test="generic/001", number=1, begin_s=1.0, end_s=9.0)
    run = TestRun(span=span, peak_kib=9000.0, before_kib=100.0, after_kib=2500.0)
    leak = TestVerdict(
        test="generic/001",
        runs=(run,) * 5,
        verdict=Verdict.LEAK,
        because=RepeatedRuns(statistics=NotRun()),
        rate_kib_per_run=2400.0,
        rate_ci95_kib=(2350.0, 2450.0),
        signature=Signature.PAGE_CACHE_REFERENCE,
    )
    clean = replace(leak, verdict=Verdict.CLEAN, rate_kib_per_run=None, signature=None)
    doubt = replace(clean, verdict=Verdict.UNPROVEN, because=RoseOnce(kib=80.0))

    def finding(
        number: int, status: CheckStatus, memory: TestVerdict | None, reason: str = ""
    ) -> TestFinding:
        id_ = TestId(section="", test=f"generic/{number:03}")
        result = CheckResult(test=id_.test, status=status, reason=reason, seconds=3.0)
        return TestFinding(id=id_, status=status, reason=reason, results=(result,), memory=memory)

    refusal = Refusal(
        test="generic/027",
        reason="it would run for very long",
        commit="c" * 40,
        date="2024-05-17",
        subject="generic/027: require no compression",
        instead="enospc-small-files",
    )
    known = KnownFailure(test="generic/004", reason="a bug of old")
    return (
        finding(1, CheckStatus.PASSED, leak),
        finding(2, CheckStatus.PASSED, clean),
        finding(3, CheckStatus.FAILED, clean, "output mismatch"),
        replace(finding(4, CheckStatus.FAILED, clean, "output mismatch"), known=known),
        replace(finding(5, CheckStatus.LOST, None, "x"), killed=DIED),
        finding(6, CheckStatus.PASSED, doubt),
        replace(finding(27, CheckStatus.NOT_RUN, None, "no compression"), refusal=refusal),
        finding(8, CheckStatus.EXPUNGED, None, "expunged"),
    )


def broke(outcome: Outcome, incident: Incident) -> VerdictReason:
    return TrialBroke(end=TrialEnd(outcome=outcome, incident=incident))


def broken_inputs() -> Inputs:
    """One cell for each way to end; the reference is clean, one planned cell never ran."""
    names = ("crashed", "hung", "oom", "lost", "unproven", "cache", "surge", "skipped")
    cells = {name: cell("bad", "i386-2g", "lzo", name) for name in names}
    good = cell("good", "i386-2g", "lzo", "crashed")
    missing = cell("good", "i386-2g", "zstd", "crashed")
    text = "\n".join(BUG)
    bug = Incident(
        kind=IncidentKind.BUG, t_s=9.4, title=BUG[1], function="kunmap_local_indexed", text=text
    )
    task = "INFO: task sync:211 blocked for more than 30 seconds."
    hung = Incident(
        kind=IncidentKind.HUNG_TASK, t_s=None, title=task, function="kmap_high", text=task
    )
    killed = "Out of memory: Killed process 131 (writer) total-vm:3320kB, anon-rss:412kB"
    oom = Incident(kind=IncidentKind.OOM, t_s=30.1, title=killed, function=None, text=killed)
    ends: dict[str, tuple[Verdict, Incident | None, VerdictReason]] = {
        "crashed": (Verdict.BROKEN, bug, broke(Outcome.CRASHED, bug)),
        "hung": (Verdict.BROKEN, hung, broke(Outcome.HUNG, hung)),
        "oom": (Verdict.BROKEN, oom, broke(Outcome.OOM, oom)),
        "lost": (
            Verdict.UNPROVEN,
            None,
            NotJudged(outcome=Outcome.LOST, detail="QEMU could not be started"),
        ),
        "unproven": (Verdict.UNPROVEN, None, TooFewFloors(floors=2, needed=3)),
        "cache": (Verdict.CACHE, None, LeftToReclaim(kib=300 * 1024, reference_kib=0.0)),
        "surge": (Verdict.SURGE, None, PeakAboveReference(kib=310 * 1024, reference_kib=0.0)),
        "skipped": (
            Verdict.UNPROVEN,
            None,
            NotJudged(outcome=Outcome.NOT_RUN, detail="the workload needs 4 GiB of disk"),
        ),
    }
    outcomes = {
        "crashed": Outcome.CRASHED,
        "hung": Outcome.HUNG,
        "oom": Outcome.OOM,
        "lost": Outcome.LOST,
        "skipped": Outcome.NOT_RUN,
    }
    judged: list[CellVerdict] = []
    recordings: dict[Cell, tuple[Recording, ...]] = {}
    for name, (kind, incident, because) in ends.items():
        outcome = outcomes.get(name, Outcome.PASSED)
        rounds = {"crashed": 1, "hung": 3, "oom": 5, "lost": 0, "unproven": 2, "skipped": 0}
        count = rounds.get(name, ROUNDS)
        base = verdict(cells[name], kind, 40_000.0 if name == "oom" else 0.0, good)
        floors = {k: tuple(t[:count] for t in v) for k, v in base.floors.items()}
        without_rate = count < ROUNDS
        judged.append(
            CellVerdict(
                cell=cells[name],
                outcome=outcome,
                verdict=kind,
                because=because,
                rate_kib_per_round=None if without_rate else base.rate_kib_per_round,
                rate_ci95_kib=None if without_rate else base.rate_ci95_kib,
                signature=Signature.KMAP_SLOTS if name == "hung" else None,
                signature_detail=None,
                classes={} if without_rate else base.classes,
                rounds=max(0, count - 1),
                warm_up=min(1, count),
                trials=1,
                reference=good,
                incident=incident,
                floors=floors if count else {},
            )
        )
        if name in {"lost", "skipped"}:
            continue
        leak = 40_000.0 if name == "oom" else 300_000.0 / ROUNDS if name == "surge" else 0.0
        made = recording(cells[name], leak, rounds=count)
        log = list(made.kernel_log) * 4
        log = [LogLine(t_s=i * 0.29, level=6, text=line.text) for i, line in enumerate(log)]
        if incident:
            lines = incident.text.split("\n")
            log[-2:-2] = [LogLine(t_s=log[-3].t_s, level=1, text=line) for line in lines]
        recordings[cells[name]] = (
            Recording(
                cell=made.cell,
                trial=1,
                outcome=outcome,
                detail=name,
                ram_kib=RAM_KIB,
                rounds=made.rounds,
                timeline=made.timeline,
                marks=made.marks,
                kernel_log=tuple(log),
                incident=incident,
            ),
        )
    recordings[good] = (recording(good, 0.0),)
    planned = (*cells.values(), good, missing)
    tested = cells["crashed"]
    return Inputs(
        findings=replace(
            conclude([*judged, verdict(good, Verdict.CLEAN, 0.0, None)]),
            tests={tested: tests_of_all_kinds()},
        ),
        scenario=scenario(planned, (good,)),
        recordings=recordings,
        repro=REPRODUCTION,
        clue=Clue(sentence="Kernel bad crashes."),
    )
