"""Theories, judged: by cells, by what grew, by sources, by who has a commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import pytest

from anyclue.hunt.clue.model import Place, Reason, ReasonSource, Suspect, SuspectStatus
from anyclue.hunt.conclusion import conclude
from anyclue.hunt.localise.core.model import CommitMembership, FunctionSource
from anyclue.hunt.localise.core.rank import Ranking
from anyclue.hunt.localise.symptoms import AccusedKernel, accused_kernels
from anyclue.hunt.probes.core.model import Amount, ProbeFinding, ProbeReading, StackEvidence
from anyclue.hunt.render.suspect_words import _BECAUSE, _SETTLE, suspect
from anyclue.hunt.suspects.judge import judge_by_faults
from anyclue.hunt.suspects.model import AcquittedReason, GuiltyReason, TheoryContext, UnprovenReason
from anyclue.model.reason import NotRun
from anyclue.model.recording import Outcome
from anyclue.model.scenario import (
    About,
    Arch,
    Axis,
    Cell,
    DebianKernel,
    Kernel,
    Machine,
    OfArch,
    OfCommit,
    OfFactor,
    OfFunction,
    OfResource,
    OfSubsystem,
    Resource,
    Scenario,
    Theory,
    WorkloadChoice,
)
from anyclue.model.verdict import (
    CellVerdict,
    ClassRate,
    MemoryClass,
    ObjectKind,
    ObjectRate,
    ObjectSeries,
    Signature,
    Verdict,
)

GUILTY, ACQUITTED, UNPROVEN = SuspectStatus.GUILTY, SuspectStatus.ACQUITTED, SuspectStatus.UNPROVEN
QUIET: Final = {
    one: ClassRate(rate_kib=0.4, ci95_kib=(-4.0, 9.5), grew=False)
    for one in (
        MemoryClass.UNACCOUNTED,
        MemoryClass.SLAB_UNRECLAIMABLE,
        MemoryClass.SLAB_RECLAIMABLE,
        MemoryClass.VMALLOC,
        MemoryClass.FILE_CACHE,
    )
}
ORPHANED: Final = ClassRate(rate_kib=400.0, ci95_kib=(390.0, 410.0), grew=True)


def cell(kernel: str, machine: str = "i386", mount: str = "lzo") -> Cell:
    return Cell(kernel=kernel, machine=machine, mkfs="d", mount=mount, workload="w")


def verdict(of: Cell, kind: Verdict = Verdict.LEAK, **known: object) -> CellVerdict:
    leaks = kind is Verdict.LEAK
    made = CellVerdict(
        cell=of,
        outcome=Outcome.PASSED,
        verdict=kind,
        because=NotRun(),
        rate_kib_per_round=400.0 if leaks else 0.0,
        rate_ci95_kib=None,
        signature=Signature.PAGE_CACHE_REFERENCE if leaks else None,
        signature_detail=None,
        classes={**QUIET, MemoryClass.ORPHANED_FILE_PAGES: ORPHANED} if leaks else QUIET,
        rounds=8,
        warm_up=0,
        trials=1,
        reference=None,
    )
    return replace(made, **known)  # type: ignore[arg-type]


THE_MAILS: Final = (
    verdict(cell("bad")),
    verdict(cell("bad", mount="zlib"), Verdict.CLEAN),
    verdict(cell("bad", machine="x86_64")),
    verdict(cell("good"), Verdict.CLEAN),
)


def theory_context(cells: Sequence[CellVerdict] = THE_MAILS, **known: object) -> TheoryContext:
    scenario = Scenario(
        title="t",
        kernels={k: Kernel(name=k, source=DebianKernel(series="6.1")) for k in ("good", "bad")},
        machines={a.value: Machine(name=a.value, arch=a, ram_mib=2048) for a in Arch},
        mkfs={"d": ""},
        mount={"none": "", "lzo": "compress=lzo", "zlib": "compress=zlib"},
        workloads={"w": WorkloadChoice(name="w", use="compression-mix")},
        cells=tuple(one.cell for one in cells),
        references=(),
    )
    findings = conclude(cells)
    fault = next(iter(findings.faults), None)
    made = TheoryContext(
        scenario=scenario,
        findings=findings,
        fault=fault,
        accused=next(iter(accused_kernels(fault)), None) if fault is not None else None,
    )
    return replace(made, **known)  # type: ignore[arg-type]


def judged(about: About, of: TheoryContext) -> Suspect:
    theory = Theory(name="it", theory="words", about=about)
    found = suspect(theory, *judge_by_faults(about, [of]))
    assert bool(found.settle) == (found.standing is UNPROVEN)
    assert found.because
    return found


def test_values_of_an_axis() -> None:
    def standing(value: str, axis: Axis = Axis.MOUNT) -> SuspectStatus:
        return judged(OfFactor(axis=axis, value=value), theory_context()).standing

    assert standing("lzo") is GUILTY
    assert standing("zlib") is ACQUITTED
    assert standing("none") is UNPROVEN
    assert standing("bad", Axis.KERNEL) is GUILTY
    assert standing("good", Axis.KERNEL) is ACQUITTED
    assert standing("i386", Axis.MACHINE) is ACQUITTED
    assert standing("w", Axis.WORKLOAD) is UNPROVEN


def test_what_would_settle_a_value() -> None:
    found = judged(OfFactor(axis=Axis.MOUNT, value="none"), theory_context())
    assert found.settle == "run bad.i386.d.none.w"
    found = judged(OfFactor(axis=Axis.WORKLOAD, value="w"), theory_context())
    assert "another workload" in found.settle


@pytest.mark.parametrize(
    ("cells", "arch", "standing"),
    [
        (THE_MAILS, Arch.I386, ACQUITTED),
        (THE_MAILS, Arch.X86_64, ACQUITTED),
        (THE_MAILS[:2], Arch.I386, UNPROVEN),
        (THE_MAILS[:2], Arch.X86_64, UNPROVEN),
        ((THE_MAILS[0], verdict(cell("bad", "x86_64"), Verdict.CLEAN)), Arch.I386, GUILTY),
        ((THE_MAILS[0], verdict(cell("bad", "x86_64"), Verdict.CLEAN)), Arch.X86_64, ACQUITTED),
    ],
)
def test_architectures(cells: Sequence[CellVerdict], arch: Arch, standing: SuspectStatus) -> None:
    found = judged(OfArch(arch=arch), theory_context(cells))
    assert found.standing is standing
    if standing is UNPROVEN:
        assert found.settle == "run bad.x86_64.d.lzo.w"


def resource(*named: Resource) -> OfResource:
    return OfResource(resources=named)


def test_mm_is_acquitted_by_figures() -> None:
    found = judged(resource(Resource.RAW_PAGES, Resource.SLAB), theory_context())
    assert found.standing is ACQUITTED
    assert "bad.i386.d.lzo.w: unaccounted 0.4 [-4.0, 9.5] KiB a round" in found.evidence


def test_what_grew_is_guilty() -> None:
    assert judged(resource(Resource.PAGE_REFERENCES), theory_context()).standing is GUILTY
    assert (
        judged(resource(Resource.SLAB, Resource.PAGE_REFERENCES), theory_context()).standing
        is GUILTY
    )
    assert judged(resource(Resource.PAGE_CACHE), theory_context()).standing is ACQUITTED


def slab(**known: object) -> tuple[CellVerdict, ...]:
    rate = ClassRate(**{"rate_kib": 40.0, "ci95_kib": (10.0, 70.0), "grew": False, **known})  # type: ignore[arg-type]
    classes = {**THE_MAILS[0].classes, MemoryClass.SLAB_UNRECLAIMABLE: rate}
    return (replace(THE_MAILS[0], classes=classes), *THE_MAILS[1:])


def test_what_may_have_grown_is_not_acquitted() -> None:
    assert judged(resource(Resource.SLAB), theory_context(slab())).standing is UNPROVEN
    assert judged(resource(Resource.SLAB), theory_context(slab(grew=True))).standing is UNPROVEN
    assert judged(resource(Resource.SLAB), theory_context(slab(ci95_kib=None))).standing is UNPROVEN
    grew = theory_context(slab(rate_kib=27.0, ci95_kib=(12.0, 39.0)))
    said = judged(resource(Resource.SLAB), grew)
    assert said.standing is UNPROVEN
    assert said.because == "slab may have grown: that is neither proven nor excluded"
    flat = theory_context(slab(rate_kib=27.0, ci95_kib=(-9.0, 63.0)))
    assert judged(resource(Resource.SLAB), flat).standing is ACQUITTED


def test_counts_of_objects_are_evidence_on_slab() -> None:
    (guilty, *others) = slab(grew=True)
    rates = {
        ObjectSeries(kind=ObjectKind.SLAB, name="kmalloc-1k"): ObjectRate(
            rate=1.0, ci95=(0.9, 1.1), at_most=1.1, grew=True
        ),
        ObjectSeries(kind=ObjectKind.SLAB, name="noisy"): ObjectRate(
            rate=9.0, ci95=(-9.0, 30.0), at_most=30.0, grew=False
        ),
        ObjectSeries(kind=ObjectKind.THREADS, name="kworker"): ObjectRate(
            rate=1.0, ci95=(0.9, 1.1), at_most=1.1, grew=True
        ),
    }
    cells = [replace(guilty, objects=rates), *others]
    found = judged(resource(Resource.SLAB), theory_context(cells))
    (line,) = [one for one in found.evidence if "kmalloc" in one]
    assert line.endswith(
        "slab-unreclaimable 40.0 [10.0, 70.0] KiB a round; slab cache kmalloc-1k 1 object a round"
    )


def test_a_small_leak_needs_a_narrow_interval() -> None:
    cells = [replace(one, rate_kib_per_round=16.0) for one in (THE_MAILS[0], THE_MAILS[2])]
    assert judged(resource(Resource.VMALLOC), theory_context(cells)).standing is UNPROVEN


def test_no_floors() -> None:
    dead = verdict(cell("bad"), Verdict.BROKEN, classes={}, outcome=Outcome.CRASHED)
    assert judged(resource(Resource.SLAB), theory_context([dead])).standing is UNPROVEN


def reading(*, undone: bool = False, **known: object) -> ProbeReading:
    finding = ProbeFinding(
        probe="kmap-balance",
        what=StackEvidence.KMAP,
        signature=Signature.KMAP_SLOTS,
        guilty=Amount(kib_per_round=0, count_per_round=9),
        because="9 mappings a round stayed",
    )
    made = ProbeReading(
        probe="kmap-balance",
        cell=cell("bad"),
        innocent=cell("good"),
        findings=(finding,) if undone else (),
        rounds=2,
    )
    return replace(made, **known)  # type: ignore[arg-type]


I386_ALONE: Final = (*THE_MAILS[:2], THE_MAILS[3])


def test_what_a_guilty_cell_does_not_tell_of_is_not_acquitted() -> None:
    whole = THE_MAILS[0]
    assert judged(resource(Resource.SLAB), theory_context((whole,))).standing is ACQUITTED
    told = dict(whole.classes)
    del told[MemoryClass.SLAB_UNRECLAIMABLE]
    unread = replace(whole, cell=replace(whole.cell, machine="x86_64"), classes=told)
    found = judged(resource(Resource.SLAB), theory_context((whole, unread)))
    assert found.standing is UNPROVEN
    assert found.because == "slab could not be read in every guilty cell"


@pytest.mark.parametrize(
    ("cells", "readings", "standing"),
    [
        (I386_ALONE, (), UNPROVEN),
        (THE_MAILS, (), ACQUITTED),
        (THE_MAILS[2:], (), ACQUITTED),
        (I386_ALONE, (reading(),), ACQUITTED),
        (I386_ALONE, (reading(rounds=0),), UNPROVEN),
        (I386_ALONE, (reading(could_not="the kernel has no kprobes"),), UNPROVEN),
        (I386_ALONE, (reading(lost={"overrun events": 3}),), UNPROVEN),
        (I386_ALONE, (reading(undone=True),), GUILTY),
        ([replace(THE_MAILS[0], outcome=Outcome.HUNG)], (reading(),), UNPROVEN),
        ([replace(THE_MAILS[0], signature=Signature.KMAP_SLOTS)], (), GUILTY),
    ],
)
def test_kmap(
    cells: Sequence[CellVerdict], readings: tuple[ProbeReading, ...], standing: SuspectStatus
) -> None:
    found = judged(resource(Resource.KMAP), theory_context(cells, readings=readings))
    assert found.standing is standing
    assert "kmap-balance" in found.settle or standing is not UNPROVEN


def a_function(name: str, *, changed: bool | None, path: str = "fs/x/a.c") -> FunctionSource:
    return FunctionSource(path=path, name=name, line=1, last_line=9, changed=changed)


def ranked(probability: float, source: ReasonSource = ReasonSource.PAIRS_CHANGE) -> Ranking:
    reason = Reason(source=source, ratio=90, text="")
    place = Place(
        function="guilty", path="fs/x/a.c", line=4, probability=probability, reasons=(reason,)
    )
    return Ranking(places=(place,), elsewhere=0.0)


@pytest.mark.parametrize(
    ("about", "known", "standing"),
    [
        (OfFunction(function="guilty"), {"ranked": ranked(0.97)}, GUILTY),
        (OfFunction(function="guilty"), {"ranked": ranked(0.5)}, UNPROVEN),
        (OfFunction(function="guilty"), {"ranked": ranked(0.97, ReasonSource.CHANGE)}, UNPROVEN),
        (OfFunction(function="same"), {}, ACQUITTED),
        (OfFunction(function="vmalloc"), {"alone": True}, ACQUITTED),
        (OfFunction(function="vmalloc"), {"alone": False}, UNPROVEN),
        (OfFunction(function="guilty"), {"functions": ()}, UNPROVEN),
        (OfSubsystem(subsystem="fs/x/a.c"), {"ranked": ranked(0.97)}, GUILTY),
        (OfSubsystem(subsystem="fs/x"), {"ranked": ranked(0.97)}, GUILTY),
        (OfSubsystem(subsystem="fs/x/b.c"), {}, ACQUITTED),
        (OfSubsystem(subsystem="fs/x/a"), {"alone": False}, UNPROVEN),
        (OfSubsystem(subsystem="mm"), {"alone": True}, ACQUITTED),
    ],
)
def test_sources(about: About, known: Mapping[str, object], standing: SuspectStatus) -> None:
    functions = (
        a_function("guilty", changed=True),
        a_function("same", changed=False, path="fs/x/b.c"),
    )
    of = replace(theory_context(functions=functions, directory="fs/x"), **known)  # type: ignore[arg-type]
    assert judged(about, of).standing is standing


def test_what_is_said_of_sources() -> None:
    functions = (a_function("guilty", changed=True),)
    of = replace(
        theory_context(functions=functions, directory="fs/x"), alone=True, ranked=ranked(0.9999)
    )
    found = judged(OfFunction(function="guilty"), of)
    assert found.because == "it is the place, with a probability of > 0.99"
    found = judged(OfFunction(function="kmap"), of)
    assert found.because == "kmap() is not in fs/x, and nothing else differs between the kernels"


@pytest.mark.parametrize("about", [OfFunction(function="gilty"), OfSubsystem(subsystem="fs/x/q.c")])
def test_a_slip_of_the_pen_is_not_acquitted(about: About) -> None:
    functions = (a_function("guilty", changed=True, path="fs/x/a.c"),)
    of = replace(theory_context(functions=functions, directory="fs/x"), alone=True)
    found = judged(about, of)
    assert found.standing is UNPROVEN
    assert "is there" in found.because


def test_the_same_function_is_not_acquitted_where_the_kernel_may_not_matter() -> None:
    of = theory_context(THE_MAILS[:2], functions=(a_function("same", changed=False),))
    assert judged(OfFunction(function="same"), of).standing is UNPROVEN


@pytest.mark.parametrize(
    ("known", "standing"),
    [
        ({"in_good": True, "in_bad": True}, ACQUITTED),
        ({"in_good": False, "in_bad": False}, ACQUITTED),
        ({"in_good": False, "in_bad": True}, UNPROVEN),
        ({"in_good": False, "in_bad": True, "alone": True}, GUILTY),
        ({"in_good": None, "in_bad": True}, UNPROVEN),
    ],
)
def test_commits(known: Mapping[str, bool], standing: SuspectStatus) -> None:
    commit = CommitMembership(commit="1" * 40, subject="a subject", merge=True, **known)
    found = judged(OfCommit(commit="v1"), theory_context(commits={"v1": commit}))
    assert found.standing is standing
    assert found.evidence[0] == 'merge 111111111111 ("a subject")'


def test_a_commit_that_no_kernel_is_known_by() -> None:
    found = judged(OfCommit(commit="037c50bfbeb3"), theory_context(scenario_file="lzo leak.toml"))
    assert found.standing is UNPROVEN
    assert "anyclue merge 037c50bfbeb3 --test 'lzo leak.toml'" in found.settle


def test_every_reason_has_words_and_the_unproven_say_what_would_settle_them() -> None:
    assert set(_BECAUSE) == {*GuiltyReason, *AcquittedReason, *UnprovenReason}
    named = {UnprovenReason.FACTOR_IS_OPEN, UnprovenReason.NOT_RUN_ON_ARCH}
    named |= {UnprovenReason.NO_OTHER_ARCH, UnprovenReason.OUTSIDE_OF_THE_MODULE}
    named |= {UnprovenReason.UNKNOWN_COMMIT, UnprovenReason.ONE_OF_SEVERAL_COMMITS}
    assert set(_SETTLE) == {*UnprovenReason} - named


@pytest.mark.parametrize(
    "about", [OfArch(arch=Arch.I386), resource(Resource.RAW_PAGES), OfFunction(function="guilty")]
)
def test_a_surge_acquits_nobody(about: About) -> None:
    """Its memory comes back, so floors and releases say nothing of it."""
    surges = [verdict(cell("bad"), Verdict.SURGE), verdict(cell("good"), Verdict.CLEAN)]
    found = judged(about, theory_context(surges))
    assert (found.standing, found.settle) == (UNPROVEN, "a cell that leaks")
    assert "a surge leaves nothing behind" in found.because


def test_where_nothing_is_guilty() -> None:
    innocent = theory_context(THE_MAILS[1:2])
    assert innocent.accused is None
    assert judged(OfArch(arch=Arch.I386), innocent).standing is UNPROVEN


def test_the_accused_is_a_leak_before_what_broke() -> None:
    broken = verdict(cell("other"), Verdict.BROKEN)
    found = accused_kernels(conclude([broken, *THE_MAILS]).faults[0])[0]
    assert found == AccusedKernel(bad="bad", good="good", cells=(THE_MAILS[0], THE_MAILS[2]))


OBJECTS: Final = ClassRate(
    rate_kib=300.0, ci95_kib=(292.0, 308.0), grew=True, top=(("kmalloc-64", 300.0),)
)
FLAT: Final = ClassRate(rate_kib=0.4, ci95_kib=(-4.0, 9.5), grew=False)


def of_objects(of: Cell) -> CellVerdict:
    classes = {
        **QUIET,
        MemoryClass.ORPHANED_FILE_PAGES: FLAT,
        MemoryClass.SLAB_UNRECLAIMABLE: OBJECTS,
    }
    return verdict(of, signature=Signature.OBJECT, rate_kib_per_round=300.0, classes=classes)


TWO_BUGS: Final = (
    verdict(cell("bad", mount="lzo")),
    of_objects(cell("bad", mount="zlib")),
    verdict(cell("bad", mount="none"), Verdict.CLEAN),
    verdict(cell("good", mount="lzo"), Verdict.CLEAN),
    verdict(cell("good", mount="zlib"), Verdict.CLEAN),
)
"""lzo loses page references, zlib a kmalloc object."""


def by_faults(about: About, cells: Sequence[CellVerdict]) -> Suspect:
    context = theory_context(cells)
    contexts = [replace(context, fault=one) for one in context.findings.faults]
    theory = Theory(name="it", theory="words", about=about)
    return suspect(theory, *judge_by_faults(about, contexts), len(contexts))


@pytest.mark.parametrize(
    ("about", "standing", "because"),
    [
        (resource(Resource.SLAB), GUILTY, "slab grew (object in kmalloc-64)"),
        (
            resource(Resource.PAGE_REFERENCES),
            GUILTY,
            "page references are what grew (page-cache-reference)",
        ),
        (resource(Resource.RAW_PAGES), ACQUITTED, "raw pages did not grow"),
        (
            OfFactor(axis=Axis.MOUNT, value="lzo"),
            GUILTY,
            "mount lzo leaks, and others do not (page-cache-reference)",
        ),
        (
            OfFactor(axis=Axis.MOUNT, value="zlib"),
            GUILTY,
            "mount zlib leaks, and others do not (object in kmalloc-64)",
        ),
        (
            OfFactor(axis=Axis.MOUNT, value="none"),
            ACQUITTED,
            "with mount none this does not leak, all else equal",
        ),
        (OfFactor(axis=Axis.KERNEL, value="bad"), GUILTY, "kernel bad leaks, and others do not"),
    ],
)
def test_of_two_faults_each_is_heard(about: About, standing: SuspectStatus, because: str) -> None:
    for cells in (TWO_BUGS, TWO_BUGS[1::-1] + TWO_BUGS[2:]):
        found = by_faults(about, cells)
        assert (found.standing, found.because) == (standing, because)


def test_an_acquittal_takes_every_fault() -> None:
    """Beside the objects' cell no cell without compression ran: one is not all."""
    other = replace(TWO_BUGS[1], cell=replace(TWO_BUGS[1].cell, machine="x86_64"))
    found = by_faults(OfFactor(axis=Axis.MOUNT, value="none"), (TWO_BUGS[0], other, *TWO_BUGS[2:]))
    assert found.standing is UNPROVEN
    assert found.because.endswith("bad.x86_64.d.lzo.w would tell (object in kmalloc-64)")
    assert found.settle == "run bad.x86_64.d.none.w"


def test_a_value_that_is_innocent_here_and_in_doubt_there_is_not_acquitted() -> None:
    unproven = verdict(cell("bad", machine="x86_64", mount="zlib"), Verdict.UNPROVEN)
    found = judged(OfFactor(axis=Axis.MOUNT, value="zlib"), theory_context((*THE_MAILS, unproven)))
    assert found.standing is UNPROVEN
    assert found.evidence[0] == "bad.x86_64.d.zlib.w is unproven"
    elsewhere = replace(unproven, cell=replace(unproven.cell, kernel="good"))
    found = judged(OfFactor(axis=Axis.MOUNT, value="zlib"), theory_context((*THE_MAILS, elsewhere)))
    assert found.standing is ACQUITTED, "the good kernel does not leak, whatever it is mounted with"


def test_what_may_leak_in_an_unproven_cell_is_not_acquitted() -> None:
    doubt = ClassRate(rate_kib=66.0, ci95_kib=(52.0, 79.0), grew=False)
    unproven = verdict(
        cell("bad", mount="none"),
        Verdict.UNPROVEN,
        classes={**QUIET, MemoryClass.SLAB_UNRECLAIMABLE: doubt},
    )
    found = judged(resource(Resource.SLAB), theory_context((*THE_MAILS, unproven)))
    assert found.standing is UNPROVEN
    assert found.evidence == (
        "bad.i386.d.none.w: slab-unreclaimable 66.0 [52.0, 79.0] KiB a round",
    )
