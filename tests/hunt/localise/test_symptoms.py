"""What the cells have to say to the search for places, and the clue put together."""

from __future__ import annotations

from dataclasses import replace

from anyclue.hunt.clue.assembly import assemble_clue
from anyclue.hunt.clue.model import (
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
from anyclue.hunt.localise.symptoms import accused_kernel, guilt_entries, symptoms_of
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


def test_the_cache_that_the_kernel_itself_names() -> None:
    left = NeverFreed(leaked=LeakedObject.SLAB_CACHE, subject="demo_node")
    broken = replace(
        verdict("bad", "lzo", Verdict.BROKEN), signature=Signature.OBJECT, signature_detail=left
    )
    inodes = NeverFreed(leaked=LeakedObject.INODES, subject="vdb (demo)")
    for detail, cache in ((left, "demo_node"), (inodes, ""), (SlabCache(name="a"), "a")):
        findings = conclude((replace(broken, signature_detail=detail),))
        of = accused_kernel(findings)
        assert of is not None
        found = symptoms_of(of, findings, SCENARIO)
        assert (found.signature, found.slab_cache) == (Signature.OBJECT, cache)
        assert found.reported is (detail is left)


def test_options_of_the_guilty_beside_the_innocent() -> None:
    findings = conclude(CELLS)
    of = accused_kernel(findings)
    assert of is not None
    found = symptoms_of(of, findings, SCENARIO)
    assert found.regression
    assert found.guilty == {"compress=lzo"}
    assert found.innocent == {"compress=zlib"}
    assert found.used == {"compress=lzo", "noatime"}
    assert found.workloads == {"compression-mix"}


def test_of_objects_the_slab_cache_is_a_symptom() -> None:
    cache = SlabCache(name="kmalloc-64", objects=600.0, kib=38.0)
    leak = replace(CELLS[0], signature=Signature.OBJECT, signature_detail=cache)
    findings = conclude((leak, *CELLS[1:]))
    of = accused_kernel(findings)
    assert of is not None
    assert symptoms_of(of, findings, SCENARIO).slab_cache == "kmalloc-64"


def test_an_option_that_was_isolated_counts_alone() -> None:
    findings = conclude(CELLS)
    of = accused_kernel(findings)
    assert of is not None
    isolated = Condition(axis=Axis.MOUNT, value="lzo", option="noatime")
    found = symptoms_of(of, findings, SCENARIO, Conjunction(conditions=(isolated,)))
    assert found.guilty == {"noatime"}


def test_one_mount_alone_accuses_no_option() -> None:
    findings = conclude((CELLS[0], CELLS[3]))
    of = accused_kernel(findings)
    assert of is not None
    assert symptoms_of(of, findings, SCENARIO).guilty == frozenset()


def test_without_a_good_kernel_there_is_no_regression() -> None:
    findings = conclude(CELLS[:3])
    of = accused_kernel(findings)
    assert of is not None
    assert of.good is None
    assert not symptoms_of(of, findings, SCENARIO).regression


def test_guilt_says_what_it_takes_and_what_is_innocent() -> None:
    (found,) = guilt_entries(conclude(CELLS))
    assert [(one.axis, one.value) for one in found.conditions] == [
        (Axis.KERNEL, "bad"),
        (Axis.MOUNT, "lzo"),
    ]
    assert [(one.axis, one.value) for one in found.innocent] == [
        (Axis.KERNEL, "good"),
        (Axis.MOUNT, "zlib"),
        (Axis.MOUNT, "none"),
    ]
    assert guilt_entries(conclude(CELLS[1:])) == ()


def test_a_surge_is_an_entry_of_its_own_and_has_no_place() -> None:
    surge, clean = verdict("bad", "lzo", Verdict.SURGE), verdict("good", "lzo", Verdict.CLEAN)
    alone = conclude([surge, clean])
    (found,) = guilt_entries(alone)
    assert found.verdict is Verdict.SURGE
    assert [(one.axis, one.value) for one in found.conditions] == [(Axis.KERNEL, "bad")]
    assert accused_kernel(alone) is None
    leak, other = guilt_entries(conclude([verdict("bad", "zlib", Verdict.SURGE), *CELLS]))
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
    return TheoryContext(
        scenario=SCENARIO, findings=findings, accused=accused_kernel(findings), ranked=ranked
    )


def test_the_sentence_names_a_likely_place() -> None:
    where = "in pack() at fs/x/lzo.c:297, where put_page() of page_in is missing at the label out."
    assert assemble_clue(theory_context(place(0.99))).sentence.endswith(f"Almost certainly {where}")
    assert assemble_clue(theory_context(place(0.6))).sentence.endswith(f"Probably {where}")
    assert "pack" not in assemble_clue(theory_context(place(0.4))).sentence


def test_nothing_is_said_per_file_where_response_does_not_follow_the_files() -> None:
    rate = CELLS[0].rate_kib_per_round or 0.0
    leak = replace(CELLS[0], rate_ci95_kib=(rate - 1, rate + 1))
    of = theory_context(cells=(leak, *CELLS[1:]))

    def said(files: float, dose: DoseResponse | None) -> str:
        findings = replace(of.findings, files_per_round={leak.cell: files})
        return assemble_clue(replace(of, findings=findings), dose=dose).sentence

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
    found = assemble_clue(theory_context(place(0.9)), ["sources of kernel good could not be had"])
    assert found.not_tested[0] == "sources of kernel good could not be had"
    assert any(one.startswith("workload: only one value") for one in found.not_tested)
    assert "no probe looked at the guilty cell" in found.not_tested
    other = replace(CELLS[0], cell=replace(CELLS[0].cell, kernel="worse"))
    found = assemble_clue(theory_context(cells=(*CELLS, other)))
    assert any("guilty too: worse" in one for one in found.not_tested)
    alone = assemble_clue(theory_context(cells=CELLS[:2]))
    assert any("no innocent kernel" in one for one in alone.not_tested)


def test_combinations_that_were_left_out_are_told() -> None:
    part = Conjunction(conditions=(), irrelevant=(), proven=True, cells_run=6, cells_full=16)
    told = "10 of 16 combinations: what shows only there was not seen"
    assert told in assemble_clue(theory_context(), conjunction=part).not_tested
    whole = replace(part, cells_run=16)
    assert not [
        one
        for one in assemble_clue(theory_context(), conjunction=whole).not_tested
        if "of 16" in one
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
    (said,) = assemble_clue(replace(theory_context(), readings=(reading,))).probes
    assert said.says == "9 calls a round were made (kmem_cache_alloc, in pack())"


def test_nothing_guilty() -> None:
    found = assemble_clue(theory_context(cells=CELLS[1:]))
    assert (found.guilt, found.places, found.not_tested) == ((), (), ())
