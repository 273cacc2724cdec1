"""What the cells have to say to the search for places, and the clue put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from anyclue.hunt.clue.assembly import FaultFindings, assemble_clue
from anyclue.hunt.clue.model import (
    Clue,
    Condition,
    Conjunction,
    DoseResponse,
    Missing,
    Place,
    Reason,
    ReasonSource,
)
from anyclue.hunt.conclusion import conclude
from anyclue.hunt.localise.core.rank import Ranking
from anyclue.hunt.localise.symptoms import (
    AccusedKernel,
    accused_kernels,
    guilt_entry,
    surge_entries,
    symptoms_of,
)
from anyclue.hunt.minimise.model import FollowUps
from anyclue.hunt.model import Fault
from anyclue.hunt.probes.core.model import Amount, Frame, ProbeFinding, ProbeReading, StackEvidence
from anyclue.hunt.suspects.model import TheoryContext
from anyclue.model.reason import NeverFreed, NotRun, SlabCache
from anyclue.model.recording import LeakedObject, Outcome
from anyclue.model.scenario import Axis, Cell, DebianKernel, Kernel, Scenario, WorkloadChoice
from anyclue.model.verdict import CellVerdict, Signature, Verdict
from anyclue.review.pairs.model import Confidence, FindingKind

MOUNT = {
    "none": "",
    "lzo": "compress=lzo,noatime",
    "zlib": "compress=zlib,noatime",
    "force": "compress-force=lzo",
}


def verdict(kernel: str, mount: str, kind: Verdict) -> CellVerdict:
    return CellVerdict(
        cell=Cell(kernel=kernel, machine="m", mkfs="d", mount=mount, workload="w"),
        outcome=Outcome.PASSED,
        verdict=kind,
        because=NotRun(),
        rate_kib_per_round=400.0,
        rate_ci95_kib=None,
        signature=Signature.PAGE_CACHE_REFERENCE if kind is Verdict.LEAK else None,
        signature_detail=None,
        classes={},
        rounds=8,
        warm_up=0,
        trials=1,
        reference=None,
    )


CELLS = (
    verdict("bad", "lzo", Verdict.LEAK),
    verdict("bad", "zlib", Verdict.CLEAN),
    verdict("bad", "none", Verdict.CLEAN),
    verdict("good", "lzo", Verdict.CLEAN),
)
SCENARIO = Scenario(
    title="t",
    kernels={k: Kernel(name=k, source=DebianKernel(series="6.1")) for k in ("good", "bad")},
    machines={},
    mkfs={"d": ""},
    mount=MOUNT,
    workloads={"w": WorkloadChoice(name="w", use="compression-mix")},
    cells=(),
    references=(),
)


def accused(cells: Sequence[CellVerdict]) -> tuple[Fault, AccusedKernel]:
    (fault,) = conclude(cells).faults
    return fault, accused_kernels(fault)[0]


def clue(
    of: TheoryContext,
    *gaps: str,
    dose: DoseResponse | None = None,
    conjunction: Conjunction | None = None,
) -> Clue:
    found = FaultFindings(
        context=of, gaps=gaps, conjunction=conjunction, follow_ups=FollowUps(dose=dose)
    )
    return assemble_clue([found], of.readings)


def test_the_cache_that_the_kernel_itself_names() -> None:
    left = NeverFreed(leaked=LeakedObject.SLAB_CACHE, subject="demo_node")
    broken = replace(
        verdict("bad", "lzo", Verdict.BROKEN), signature=Signature.OBJECT, signature_detail=left
    )
    inodes = NeverFreed(leaked=LeakedObject.INODES, subject="vdb (demo)")
    for detail, cache in ((left, "demo_node"), (inodes, ""), (SlabCache(name="a"), "a")):
        fault, of = accused((replace(broken, signature_detail=detail),))
        found = symptoms_of(of, fault, SCENARIO)
        assert (found.signature, found.slab_cache) == (Signature.OBJECT, cache)
        assert found.reported is (detail is left)


def test_options_of_the_guilty_beside_the_innocent() -> None:
    fault, of = accused(CELLS)
    found = symptoms_of(of, fault, SCENARIO)
    assert found.regression
    assert found.guilty == {"compress=lzo"}
    assert found.innocent == {"compress=zlib"}
    assert found.used == {"compress=lzo", "noatime"}
    assert found.workloads == {"compression-mix"}


def test_of_objects_the_slab_cache_is_a_symptom() -> None:
    cache = SlabCache(name="kmalloc-64", objects=600.0, kib=38.0)
    leak = replace(CELLS[0], signature=Signature.OBJECT, signature_detail=cache)
    fault, of = accused((leak, *CELLS[1:]))
    assert symptoms_of(of, fault, SCENARIO).slab_cache == "kmalloc-64"


def test_an_option_that_was_isolated_counts_alone() -> None:
    fault, of = accused(CELLS)
    isolated = Condition(axis=Axis.MOUNT, value="lzo", option="noatime")
    found = symptoms_of(of, fault, SCENARIO, Conjunction(conditions=(isolated,)))
    assert found.guilty == {"noatime"}


def test_one_mount_alone_accuses_no_option() -> None:
    fault, of = accused((CELLS[0], CELLS[3]))
    assert symptoms_of(of, fault, SCENARIO).guilty == frozenset()


def test_without_a_good_kernel_there_is_no_regression() -> None:
    fault, of = accused(CELLS[:3])
    assert of.good is None
    assert not symptoms_of(of, fault, SCENARIO).regression


def test_guilt_says_what_it_takes_and_what_is_innocent() -> None:
    (fault,) = conclude(CELLS).faults
    found = guilt_entry(fault)
    assert [(one.axis, one.value) for one in found.conditions] == [
        (Axis.KERNEL, "bad"),
        (Axis.MOUNT, "lzo"),
    ]
    assert [(one.axis, one.value) for one in found.innocent] == [
        (Axis.KERNEL, "good"),
        (Axis.MOUNT, "zlib"),
        (Axis.MOUNT, "none"),
    ]
    assert conclude(CELLS[1:]).faults == ()


def test_a_surge_is_an_entry_of_its_own_and_has_no_place() -> None:
    surge, clean = verdict("bad", "lzo", Verdict.SURGE), verdict("good", "lzo", Verdict.CLEAN)
    alone = conclude([surge, clean])
    (fault,) = alone.faults
    found = guilt_entry(fault)
    assert found.verdict is Verdict.SURGE
    assert [(one.axis, one.value) for one in found.conditions] == [(Axis.KERNEL, "bad")]
    assert accused_kernels(fault) == ()
    assert surge_entries(alone) == ()
    findings = conclude([verdict("bad", "zlib", Verdict.SURGE), *CELLS])
    (leaks,), (other,) = findings.faults, surge_entries(findings)
    leak = guilt_entry(leaks)
    assert (leak.verdict, leak.conditions != ()) == (Verdict.LEAK, True)
    assert (other.verdict, other.conditions, other.acquitted) == (Verdict.SURGE, (), ())


def place(probability: float) -> Place:
    missing = Missing(
        kind=FindingKind.LEAK,
        release=("put_page", "__free_page"),
        resource="page_in",
        acquired_line=244,
        acquired_by="find_get_page",
        line=297,
        label="out",
        message="",
        steps=(),
        confidence=Confidence.HIGH,
    )
    return Place(
        function="pack",
        path="fs/x/lzo.c",
        line=297,
        probability=probability,
        reasons=(Reason(source=ReasonSource.CHANGE, ratio=9, text=""),),
        missing=missing,
    )


def theory_context(*places: Place, cells: tuple[CellVerdict, ...] = CELLS) -> TheoryContext:
    findings = conclude(cells)
    ranked = Ranking(places=places, elsewhere=0.01)
    fault = next(iter(findings.faults), None)
    return TheoryContext(
        scenario=SCENARIO,
        findings=findings,
        fault=fault,
        accused=accused_kernels(fault)[0] if fault is not None else None,
        ranked=ranked,
    )


def test_the_sentence_names_a_likely_place() -> None:
    where = "in pack() at fs/x/lzo.c:297, where put_page() of page_in is missing at the label out."
    assert clue(theory_context(place(0.99))).sentence.endswith(f"Almost certainly {where}")
    assert clue(theory_context(place(0.6))).sentence.endswith(f"Probably {where}")
    assert "pack" not in clue(theory_context(place(0.4))).sentence


def test_nothing_is_said_per_file_where_response_does_not_follow_the_files() -> None:
    rate = CELLS[0].rate_kib_per_round or 0.0
    leak = replace(CELLS[0], rate_ci95_kib=(rate - 1, rate + 1))
    of = theory_context(cells=(leak, *CELLS[1:]))

    def said(files: float, dose: DoseResponse | None) -> str:
        findings = replace(of.findings, files_per_round={leak.cell: files})
        return clue(replace(of, findings=findings), dose=dose).sentence

    dose = DoseResponse(
        unit="file", amount_kib=None, ci95_kib=None, linear=False, because="", points=()
    )
    follows = replace(dose, linear=True, amount_kib=3.7)
    untold = (None, replace(dose, linear=None))
    whole, other = rate / 4, rate / 0.05
    assert "per file" not in said(whole, dose)
    assert "per file" not in said(whole, replace(follows, unit="MiB"))
    assert all("(3.7 KiB per file) with" in said(files, follows) for files in (whole, other))
    assert all("(4.0 KiB per file) with" in said(whole, one) for one in untold)
    assert not any("per file" in said(other, one) for one in untold), "nothing shows that"


def test_what_was_not_tested() -> None:
    found = clue(theory_context(place(0.9)), "sources of kernel good could not be had")
    assert found.not_tested[0] == "sources of kernel good could not be had"
    assert any(one.startswith("workload: only one value") for one in found.not_tested)
    assert "no probe looked at the guilty cell" in found.not_tested
    alone = clue(theory_context(cells=CELLS[:2]))
    assert any("no innocent kernel" in one for one in alone.not_tested)


def test_combinations_that_were_left_out_are_told() -> None:
    part = Conjunction(conditions=(), irrelevant=(), proven=True, cells_run=6, cells_full=16)
    told = "10 of 16 combinations: what shows only there was not seen"
    assert told in clue(theory_context(), conjunction=part).not_tested
    whole = replace(part, cells_run=16)
    assert not [
        one for one in clue(theory_context(), conjunction=whole).not_tested if "of 16" in one
    ]


def test_a_probe_says_what_it_found_and_where() -> None:
    finding = ProbeFinding(
        probe="call-counts",
        what=StackEvidence.CALL,
        signature=None,
        subject="kmem_cache_alloc",
        stack=(Frame(symbol="slab_alloc"), Frame(symbol="pack.constprop.0", module="x")),
        guilty=Amount(kib_per_round=0, count_per_round=9),
        because="9 calls a round were made",
    )
    reading = ProbeReading(
        probe="call-counts", cell=CELLS[0].cell, innocent=None, findings=(finding,), rounds=4
    )
    (said,) = clue(replace(theory_context(), readings=(reading,))).probes
    assert said.says == "9 calls a round were made (kmem_cache_alloc, in pack())"


def test_nothing_guilty() -> None:
    found = clue(theory_context(cells=CELLS[1:]))
    assert (found.guilt, found.places, found.not_tested) == ((), (), ())
