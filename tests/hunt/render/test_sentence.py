from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from anyclue.hunt.clue.model import DoseEvent, DoseResponse, EventAmount
from anyclue.hunt.conclusion import conclude
from anyclue.hunt.render.sentence import verdict_sentence
from anyclue.hunt.render.verdict_words import factor_reason, growth, not_judged, signatures_label
from anyclue.model.reason import FloorSample, GrowthExcluded, NotRun, ObjectsGrew, SlabCache
from anyclue.model.recording import Incident, IncidentKind, Outcome, Recording, Round
from anyclue.model.verdict import (
    CellVerdict,
    ClassRate,
    MemoryClass,
    ObjectBound,
    ObjectKind,
    ObjectRate,
    ObjectSeries,
    Signature,
    Verdict,
)
from anyclue.verdicts.evaluation import evaluate

if TYPE_CHECKING:
    from tests.hunt.conftest import Tools


def say(*verdicts: CellVerdict) -> str:
    return verdict_sentence(conclude(verdicts))


def test_the_mails_answer(tools: Tools) -> None:
    recordings = {
        v.cell: [
            Recording(
                cell=v.cell,
                trial=1,
                outcome=Outcome.PASSED,
                detail="",
                ram_kib=2**21,
                rounds=tuple(
                    Round(
                        number=n,
                        begin_s=0,
                        end_s=1,
                        settled=None,
                        floor=None,
                        facts={"files": 600},
                    )
                    for n in range(1, 7)
                ),
            )
        ]
        for v in tools.default()
    }
    trials = {cell: [evaluate(one) for one in of] for cell, of in recordings.items()}
    findings = conclude(tools.default(), trials)
    assert verdict_sentence(findings) == (
        "Leak, page-cache references never put: 2400 to 2404 KiB a round (4.0 KiB per file)"
        " with kernel bad and mount lzo; kernel and mount matter, machine does not."
    )
    assert [v.cell for v in findings.cells] == [v.cell for v in tools.default()]


def test_without_facts_there_is_nothing_per_file(tools: Tools) -> None:
    assert "KiB a round with kernel bad" in say(*tools.default())


def test_all_that_leaks_is_told_with_its_sum(tools: Tools) -> None:
    def leak(machine: str, slab: float) -> CellVerdict:
        stacks = ClassRate(rate_kib=2400.0, ci95_kib=(2399, 2401), grew=True)
        classes = {MemoryClass.KERNEL_STACKS: stacks}
        if slab:
            classes[MemoryClass.SLAB_UNRECLAIMABLE] = ClassRate(
                rate_kib=slab, ci95_kib=(slab - 9, slab + 9), grew=True
            )
        kind = (Verdict.LEAK, Signature.KERNEL_STACKS)
        return replace(tools.verdict(f"bad {machine} lzo", *kind, rate=2400.0), classes=classes)

    assert say(leak("i386", 300.0), leak("x86_64", 310.0)).startswith(
        "Leak, threads that never end: 2400 KiB a round and 300 to 310 of unreclaimable"
        " slab, 2700 to 2710 KiB in all, in "
    )
    assert say(leak("i386", 0.0)).startswith("Leak, threads that never end: 2400 KiB a round in ")


def test_what_may_be_half_of_the_leak_is_told(tools: Tools) -> None:
    def leak(slab: float) -> CellVerdict:
        classes = {
            MemoryClass.USED: ClassRate(rate_kib=44, ci95_kib=(16, 71), grew=False),
            MemoryClass.ORPHANED_FILE_PAGES: ClassRate(rate_kib=20, ci95_kib=(19, 21), grew=True),
            MemoryClass.SLAB_UNRECLAIMABLE: ClassRate(
                rate_kib=slab, ci95_kib=(slab - 6, slab + 6), grew=False
            ),
        }
        return replace(tools.verdict("bad i386 lzo", *tools.leak, rate=20.0), classes=classes)

    assert say(leak(27.0)).startswith(
        "Leak, page-cache references never put: 20 KiB a round (perhaps more: unreclaimable slab"
        " 27 [21, 33]) in "
    )
    assert "perhaps" not in say(leak(9.0))
    assert "perhaps" not in say(leak(3.0))


def test_one_leaking_cell_alone(tools: Tools) -> None:
    assert say(tools.verdict("bad i386 lzo", *tools.leak, rate=100.0)) == (
        "Leak, page-cache references never put: 100 KiB a round in bad.i386.default.lzo.mix."
    )


def test_objects_are_named(tools: Tools) -> None:
    leak = tools.verdict(
        "bad i386 lzo",
        Verdict.LEAK,
        Signature.OBJECT,
        rate=38.0,
        detail=SlabCache(name="kmalloc-64", objects=600.0, kib=38.0),
    )
    assert "slab objects never freed (slab cache kmalloc-64: 600 objects" in say(leak)


def test_out_of_memory_has_no_rate(tools: Tools) -> None:
    leak = tools.verdict("bad i386 lzo", *tools.leak, outcome=Outcome.OOM)
    assert "page-cache references never put: it used up the guest's memory" in say(leak)
    unknown = tools.verdict("bad i386 lzo", Verdict.LEAK, rate=9.0)
    assert "memory of an unknown kind: 9 KiB" in say(unknown)


def test_broken_names_the_function_on_one_line(tools: Tools) -> None:
    incident = Incident(
        kind=IncidentKind.BUG,
        t_s=1.0,
        title="kernel BUG at\n mm/highmem.c:622! " + "x" * 200,
        function="kunmap_local_indexed",
        text="",
    )
    broken = tools.verdict(
        "bad i386 lzo",
        Verdict.BROKEN,
        Signature.KMAP_SLOTS,
        outcome=Outcome.HUNG,
        incident=incident,
    )
    text = say(broken, tools.verdict("good i386 lzo"))
    assert text.startswith("Broken, hung, kmap and kunmap that do not pair (kernel BUG at mm/high")
    assert "in kunmap_local_indexed) with kernel bad; kernel matters." in text
    assert "\n" not in text
    assert len(text) < 300


NODES = ObjectSeries(kind=ObjectKind.SLAB, name="radix_tree_node")
SAMPLE = FloorSample(floors=16, trials=2, warm_up=0)


def test_a_leak_of_objects_is_told_in_objects(tools: Tools) -> None:
    because = ObjectsGrew(
        series=NODES,
        rate=14.0,
        ci95=(13.9, 14.1),
        sample=SAMPLE,
        detail=SlabCache(name="radix_tree_node", objects=14.0),
    )
    leaking = replace(
        tools.verdict("bad i386 lzo", Verdict.LEAK, Signature.OBJECT),
        because=because,
        reference=tools.cell("good"),
    )
    assert say(leaking, tools.verdict("good i386 lzo")).startswith(
        "Leak, slab objects never freed (slab cache radix_tree_node): 14 objects a round with"
    )
    merged = SlabCache(name="radix_tree_node", objects=14.0, merged=("demo_node",))
    shared = replace(leaking, because=replace(because, detail=merged))
    assert say(shared, tools.verdict("good i386 lzo")).startswith(
        "Leak, slab objects never freed (slab cache radix_tree_node, merged with demo_node): 14 "
    )
    mounts = EventAmount(event=DoseEvent.MOUNT, amount=14.0, ci95=(13.4, 14.6))
    dose = DoseResponse(
        unit="file",
        amount_kib=None,
        ci95_kib=None,
        linear=False,
        because="",
        series=NODES,
        events=(mounts,),
    )
    found = conclude([leaking, tools.verdict("good i386 lzo")])
    assert "14 objects a round (14 objects at every mount) with" in verdict_sentence(found, [dose])
    files = replace(dose, events=(), linear=True, amount_objects=0.0467)
    assert "14 objects a round (0.047 objects a file) with" in verdict_sentence(found, [files])
    unknown = replace(dose, events=(), linear=None)
    assert "14 objects a round with" in verdict_sentence(found, [unknown])
    assert str(growth(leaking)) == "14 objects [13.9, 14.1]"
    assert growth(leaking).per_round == "14 objects [13.9, 14.1] per round"
    assert signatures_label(leaking) == "object in radix_tree_node"


def test_clean_says_below_what(tools: Tools) -> None:
    def clean(where: str, kib: float, excluded: int | None) -> CellVerdict:
        bound = None
        if excluded is not None:
            bound = ObjectBound(series=162, excluded=excluded, limit=1)
        because = GrowthExcluded(
            limit_kib=64.0, sample=SAMPLE, memory_class=MemoryClass.PERCPU, at_most_kib=kib
        )
        return replace(tools.verdict(where), because=because, object_bound=bound)

    said = "Nothing found: 2 cells are clean: no leak of "
    one, other = clean("bad i386 lzo", 15.2, 162), clean("bad i386 zstd", 9.0, 162)
    assert say(one, other) == f"{said}1 object or 16 KiB a round."
    noisy = clean("bad i386 zstd", 9.0, 150)
    assert say(one, noisy) == (
        f"{said}16 KiB a round, nor of 1 object in 150 of 162 counts of objects."
    )
    assert say(one, clean("bad i386 zstd", 9.0, None)) == f"{said}16 KiB a round."


def test_counts_that_may_have_grown_beside_a_leak_are_told(tools: Tools) -> None:
    leak = tools.verdict("bad i386 lzo", Verdict.LEAK, Signature.OBJECT)
    rates = {
        "kmalloc-64": ObjectRate(rate=9.0, ci95=(8.9, 9.1), at_most=9.1, grew=True),
        "kmalloc-1k": ObjectRate(rate=4.97, ci95=(4.55, 5.39), at_most=5.39, grew=False),
        "dentry": ObjectRate(rate=0.4, ci95=(-1.0, 1.8), at_most=1.8, grew=False),
    }
    objects = {ObjectSeries(kind=ObjectKind.SLAB, name=name): of for name, of in rates.items()}
    assert not_judged(conclude([replace(leak, objects=objects)]), None) == [
        "bad.i386.default.lzo.mix: leak, and more may have grown, which is not proven, in objects a"
        " round: slab cache kmalloc-1k 5 [4.5, 5.4]"
    ]


def test_nothing_found_and_unproven(tools: Tools) -> None:
    clean = [tools.verdict("bad i386 lzo"), tools.verdict("good i386 lzo")]
    assert say(*clean) == "Nothing found: 2 cells are clean."
    unproven = tools.verdict("bad i386 zstd", Verdict.UNPROVEN, because=NotRun())
    assert say(*clean, unproven) == (
        "Nothing found: 2 cells are clean; 1 cell is unproven, which is not clean."
    )
    assert say(unproven) == "1 cell is unproven, which is not clean."
    (line,) = not_judged(conclude([unproven]), None)
    assert line == "bad.i386.default.zstd.mix: not run"
    assert say() == "No cell was run, so nothing can be said."
    left = [replace(unproven, trials=0), replace(clean[0], verdict=Verdict.UNPROVEN, trials=0)]
    assert say(*left) == say()
    said = {factor_reason(one) for one in conclude(left).factors}
    assert said == {"no cell was run"}


def test_cache_is_only_cache(tools: Tools) -> None:
    text = say(tools.verdict("bad i386 lzo", Verdict.CACHE), tools.verdict("good i386 lzo"))
    assert text == (
        "Memory grows only as cache, and reclaim gives it back, in bad.i386.default.lzo.mix;"
        " 1 cell is clean."
    )


def test_only_innocents_are_listed(tools: Tools) -> None:
    both = [tools.verdict(f"bad {m} lzo", *tools.leak, rate=9.0) for m in ("i386", "x86_64")]
    assert say(*both).endswith("; machine does not matter.")


def test_a_surge_is_told_with_what_it_takes(tools: Tools) -> None:
    surge = tools.verdict("bad i386 lzo", Verdict.SURGE)
    assert say(surge, tools.verdict("good i386 lzo")) == (
        "Memory peaks far above the reference and comes back, with kernel bad; kernel matters."
    )
    leak = tools.verdict("bad i386 zlib", *tools.leak, rate=9.0)
    assert say(leak, surge).endswith(
        "; memory peaks far above the reference and comes back, in bad.i386.default.lzo.mix."
    )
