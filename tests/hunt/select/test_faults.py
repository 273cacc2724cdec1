"""Several faults in one run: each told from the others, by cells alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.hunt.conclusion import conclude
from anyclue.hunt.model import Fault
from anyclue.hunt.render.fault_words import companions_sentence, fault_label
from anyclue.hunt.render.sentence import verdict_sentence
from anyclue.hunt.render.verdict_words import factor_reason
from anyclue.hunt.select.factors import innocent_beside, kind
from anyclue.hunt.select.faults import as_of, find_faults, of_kernels, shows
from anyclue.hunt.select.isolation import next_cells, smallest_conjunction
from anyclue.model.reason import NotRun, SlabCache
from anyclue.model.recording import Incident, IncidentKind, Outcome
from anyclue.model.scenario import Axis, Cell
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
from anyclue.verdicts.breakdown import part_name
from anyclue.verdicts.classes import TRAITS

PAGES, SLAB, STACKS = (
    MemoryClass.ORPHANED_FILE_PAGES,
    MemoryClass.SLAB_UNRECLAIMABLE,
    MemoryClass.KERNEL_STACKS,
)
PAGES_LOST = Signature.PAGE_CACHE_REFERENCE
Grown = Mapping[MemoryClass, float]


def cell(where: str) -> Cell:
    kernel, machine, mount = where.split()
    return Cell(kernel=kernel, machine=machine, mkfs="d", mount=mount, workload="w")


def rate(kib: float, *, grew: bool, **parts: float) -> ClassRate:
    top = tuple((name.replace("_", "-"), kib) for name, kib in parts.items())
    return ClassRate(rate_kib=kib, ci95_kib=(kib - 5, kib + 5), grew=grew, top=top)


def judged(
    where: str | Cell,
    grown: Grown | None = None,
    caches: Mapping[str, float] | None = None,
    **known: object,
) -> CellVerdict:
    """Return the verdict of a cell in which classes grew, and in slab some caches."""
    grown = dict(grown or {})
    if caches:
        grown[SLAB] = sum(caches.values())
    classes = {
        name: rate(grown.get(name, 0.4), grew=name in grown) for name in (PAGES, SLAB, STACKS)
    }
    if SLAB in grown:
        top = tuple((caches or {"kmalloc-64": grown[SLAB]}).items())
        top = tuple(sorted(top, key=lambda one: -one[1]))
        classes[SLAB] = replace(classes[SLAB], top=top)
    carrier = max(grown, key=lambda name: grown[name], default=None)
    made = CellVerdict(
        cell=cell(where) if isinstance(where, str) else where,
        outcome=Outcome.PASSED,
        verdict=Verdict.LEAK if carrier else Verdict.CLEAN,
        because=NotRun(),
        rate_kib_per_round=grown[carrier] if carrier else 0.4,
        rate_ci95_kib=classes[carrier].ci95_kib if carrier else (-4.6, 5.4),
        signature=TRAITS[carrier].signature if carrier else None,
        signature_detail=SlabCache(name=classes[SLAB].top[0][0], kib=grown[SLAB])
        if carrier is SLAB
        else None,
        classes=classes,
        rounds=8,
        warm_up=0,
        trials=1,
        reference=None,
    )
    return replace(made, **known)  # type: ignore[arg-type]


def matters(fault: Fault) -> dict[Axis, bool | None]:
    return {one.factor: one.matters for one in fault.factors}


def where(fault: Fault) -> list[str]:
    return [f"{one.cell.kernel} {one.cell.machine} {one.cell.mount}" for one in fault.cells]


LZO_AND_ZSTD: Final = (
    judged("bad i386 lzo", {PAGES: 2400}),
    judged("bad i386 zstd", {SLAB: 300}),
    judged("bad i386 none"),
    judged("good i386 lzo"),
    judged("good i386 zstd"),
)
"""The case of the issue: lzo loses page references, zstd a kmalloc object."""


def test_two_options_that_leak_different_things() -> None:
    findings = conclude(LZO_AND_ZSTD)
    pages, objects = findings.faults
    assert (where(pages), where(objects)) == (["bad i386 lzo"], ["bad i386 zstd"])
    assert matters(pages)[Axis.MOUNT] is matters(objects)[Axis.MOUNT] is True
    assert matters(pages)[Axis.KERNEL] is matters(objects)[Axis.KERNEL] is True
    assert findings.factors == pages.factors
    assert [fault_label(one) for one in findings.faults] == [
        "page-cache-reference",
        "object in kmalloc-64",
    ]
    assert verdict_sentence(findings) == (
        "Leak, page-cache references never put: 2400 KiB a round with kernel bad and mount lzo;"
        " leak, slab objects never freed (slab cache kmalloc-64: 300 KiB a round): 300 KiB a"
        " round with kernel bad and mount zstd; kernel and mount matter."
    )


def test_what_another_fault_is_said_to_be() -> None:
    """A cell that leaks something else is no clean cell, and is not called one."""
    pages, _ = find_faults(LZO_AND_ZSTD[:2])
    (mount,) = (one for one in pages.factors if one.factor is Axis.MOUNT)
    assert factor_reason(mount) == (
        "mount lzo is leak (page-cache-reference), mount zstd is innocent of that"
        " (it is leak (object)), all else equal (bad, i386, d, w)"
    )


def test_one_hidden_behind_the_other() -> None:
    """Ten times smaller, in the same cell, of another class: it grew, and so it is heard."""
    both = judged("bad i386 lzo", {PAGES: 2400, SLAB: 240})
    found = find_faults([both, judged("bad i386 zstd", {SLAB: 240}), judged("good i386 lzo")])
    assert [where(one) for one in found] == [["bad i386 lzo"], ["bad i386 lzo", "bad i386 zstd"]]
    assert found[1].lead == cell("bad i386 zstd"), "where nothing hides it"
    assert matters(found[0])[Axis.MOUNT] is True
    assert matters(found[1])[Axis.MOUNT] is False
    hidden = find_faults([both, judged("bad i386 zstd"), judged("good i386 lzo")])
    assert [where(one) for one in hidden] == [["bad i386 lzo"]] * 2
    assert hidden[1].looked_into.rate_kib_per_round == 240
    assert matters(hidden[1])[Axis.MOUNT] is True
    assert companions_sentence(hidden[0], hidden) == (
        "The same cells show object in kmalloc-64: they cannot tell whether that is one fault with"
        " this."
    )
    assert companions_sentence(found[0], found) == ""


def test_what_a_thread_is_made_of_is_no_second_fault() -> None:
    (found,) = find_faults([judged("bad i386 lzo", {STACKS: 800, SLAB: 300})])
    assert found.signature is Signature.KERNEL_STACKS
    assert found.companions == (SLAB,)
    assert "unreclaimable slab: nothing shows that this is a leak of its own" in (
        companions_sentence(found, [found])
    )


@pytest.mark.parametrize(("other", "faults"), [(120.0, 1), (240.0, 2), (30.0, 2)])
def test_in_proportion_it_is_a_companion(other: float, faults: int) -> None:
    """Of twice as many page references twice as much slab, or else as much of it, or less."""
    found = find_faults(
        [
            judged("bad i386 lzo", {PAGES: 2400, SLAB: 240}),
            judged("bad i386 zlib", {PAGES: 1200, SLAB: other}),
        ]
    )
    assert len(found) == faults
    assert found[0].companions == ((SLAB,) if faults == 1 else ())


def test_caches_of_one_class_are_told_apart_where_one_grew_without_the_other() -> None:
    verdicts = [
        judged("bad i386 lzo", caches={"kmalloc-256": 300, "kmalloc-64": 120}),
        judged("bad i386 zstd", caches={"kmalloc-64": 120}),
        judged("bad i386 none"),
        judged("good i386 lzo"),
    ]
    large, small = find_faults(verdicts)
    assert (large.subject, small.subject) == ("kmalloc-256", "kmalloc-64")
    assert where(large) == ["bad i386 lzo"]
    assert where(small) == ["bad i386 lzo", "bad i386 zstd"]
    assert [one.rate_kib_per_round for one in (*large.cells, *small.cells)] == [300, 120, 120]
    assert matters(large)[Axis.MOUNT] is True
    assert matters(small)[Axis.MOUNT] is True
    innocent = {b.mount for f in large.factors for _, b in f.evidence if f.factor is Axis.MOUNT}
    assert innocent == {"zstd", "none"}


def test_caches_that_always_grow_together_are_one_fault() -> None:
    caches = {"btrfs_inode": 300.0, "btrfs_path": 200.0}
    (found,) = find_faults(
        [judged("bad i386 lzo", caches=caches), judged("bad i386 zstd", caches=caches)]
    )
    assert found.parts == frozenset()


def test_another_machine_names_the_same_objects_otherwise() -> None:
    (found,) = find_faults(
        [
            judged("bad i386 lzo", caches={"kmalloc-128": 120}),
            judged("bad x86_64 lzo", caches={"kmalloc-256": 240}),
        ]
    )
    assert matters(found)[Axis.MACHINE] is False


def test_two_kernels_that_leak_the_same_class_with_different_options() -> None:
    """No conjunction holds both cells and leaves out the two between them."""
    verdicts = [
        judged("one i386 lzo", {PAGES: 2400}),
        judged("two i386 zstd", {PAGES: 2400}),
        judged("one i386 zstd"),
        judged("two i386 lzo"),
    ]
    first, second = find_faults(verdicts)
    assert (where(first), where(second)) == (["one i386 lzo"], ["two i386 zstd"])
    for fault in (first, second):
        assert matters(fault)[Axis.KERNEL] is matters(fault)[Axis.MOUNT] is True


@pytest.mark.parametrize(("other", "faults"), [(2400, 1), (2300, 1), (600, 2)])
def test_two_kernels_with_all_else_equal_differ_by_their_rates(other: float, faults: int) -> None:
    found = find_faults(
        [judged("one i386 lzo", {PAGES: 2400}), judged("two i386 lzo", {PAGES: other})]
    )
    assert len(found) == faults


def test_what_leaks_with_any_of_two_options_is_one_fault() -> None:
    (found,) = find_faults(
        [
            judged("bad i386 lzo", {PAGES: 2400}),
            judged("bad i386 zlib", {PAGES: 600}),
            judged("bad x86_64 lzo", {PAGES: 2400}),
            judged("bad x86_64 zlib"),
        ]
    )
    assert len(found.cells) == 3


def test_kernels_whose_places_differ_are_told_apart() -> None:
    verdicts = [judged(f"{k} i386 lzo", {PAGES: 900}) for k in ("one", "two")]
    (fault,) = find_faults([*verdicts, judged("good i386 lzo")])
    one = of_kernels(fault, {"one"})
    assert where(one) == ["one i386 lzo"]
    assert matters(one)[Axis.KERNEL] is True


BUG: Final = Incident(kind=IncidentKind.BUG, t_s=1.0, title="BUG: x", function="evict", text="BUG")


def test_a_crash_and_a_leak() -> None:
    crash = judged("bad i386 zstd", verdict=Verdict.BROKEN, outcome=Outcome.CRASHED, incident=BUG)
    leak = judged("bad i386 lzo", {PAGES: 900})
    found = find_faults([replace(crash, classes={}), leak, judged("bad i386 none")])
    assert [fault_label(one) for one in found] == ["page-cache-reference", "broken in evict()"]
    assert matters(found[1])[Axis.MOUNT] is True
    both = replace(leak, outcome=Outcome.CRASHED, incident=BUG)
    found = find_faults([both, judged("bad i386 none")])
    assert [one.verdict for one in found] == [Verdict.LEAK, Verdict.BROKEN]
    assert where(found[0]) == where(found[1]) == ["bad i386 lzo"]


def test_what_ran_out_of_memory_without_a_floor_is_the_same_leak() -> None:
    oom = judged("bad i386 zlib", {PAGES: 1}, classes={}, rate_kib_per_round=None)
    (found,) = find_faults([judged("bad i386 lzo", {PAGES: 900}), oom])
    assert len(found.cells) == 2


def test_a_variation_is_judged_by_the_fault_alone() -> None:
    hidden = find_faults([judged("bad i386 lzo", {PAGES: 2400, SLAB: 240})])[1]
    assert shows(hidden, judged("bad i386 v", {PAGES: 600, SLAB: 60}))
    assert as_of(hidden, judged("bad i386 v", {PAGES: 600, SLAB: 60})).rate_kib_per_round == 60
    without = judged("bad i386 v", {PAGES: 2400})
    assert not shows(hidden, without)
    assert as_of(hidden, without).verdict is Verdict.CLEAN


def counted(where: str, grown: Grown | None = None, **rates: float) -> CellVerdict:
    """Return the verdict of a cell in which counts of objects grew, too small for any class."""
    objects = {
        ObjectSeries(kind=ObjectKind.SLAB, name=name.replace("_of_", "-")): ObjectRate(
            rate=rate, ci95=(rate - 0.1, rate + 0.1), at_most=rate + 0.1, grew=True
        )
        for name, rate in rates.items()
    }
    bound = ObjectBound(series=100, excluded=100 - len(objects), limit=1)
    made = judged(where, grown, objects=objects, object_bound=bound)
    if grown:
        return made
    return replace(made, verdict=Verdict.LEAK, signature=Signature.OBJECT)


def test_a_count_of_objects_hidden_behind_pages_is_heard() -> None:
    hidden = counted("bad i386 lzo", {PAGES: 2400}, kmalloc_of_32=14)
    verdicts = [hidden, counted("bad i386 zstd", kmalloc_of_32=14), judged("good i386 lzo")]
    pages, objects = find_faults(verdicts)
    assert (where(pages), where(objects)) == (
        ["bad i386 lzo"],
        ["bad i386 lzo", "bad i386 zstd"],
    )
    assert objects.cells[0].signature_detail == SlabCache(name="kmalloc-32", objects=14)
    assert fault_label(objects) == "object in kmalloc-32"
    assert matters(objects)[Axis.MOUNT] is False
    assert shows(objects, counted("bad i386 v", {PAGES: 600}, kmalloc_of_32=3))
    assert not shows(objects, judged("bad i386 v", {PAGES: 600}))


def test_what_belongs_to_a_page_is_no_leak_beside_it() -> None:
    (found,) = find_faults([counted("bad i386 lzo", {PAGES: 2400}, radix_tree_node=14)])
    assert found.signature is PAGES_LOST


def test_counts_tell_caches_apart() -> None:
    verdicts = [
        counted("bad i386 lzo", kmalloc_of_256=600, kmalloc_of_32=14),
        counted("bad i386 zstd", kmalloc_of_32=14),
    ]
    large, small = find_faults(verdicts)
    assert (large.subject, small.subject) == ("kmalloc-256", "kmalloc-32")
    assert (where(large), where(small)) == (
        ["bad i386 lzo"],
        ["bad i386 lzo", "bad i386 zstd"],
    )
    assert matters(large)[Axis.MOUNT] is True


def test_a_cache_that_is_a_small_share_of_one_cell_is_not_absent_there() -> None:
    verdicts = [
        judged("bad i386 lzo", caches={"a": 70, "b": 30}),
        judged("bad i386 zstd", caches={"a": 80, "b": 20}),
    ]
    assert len(find_faults(verdicts)) == 1


def test_random_caches_are_one() -> None:
    assert part_name("kmalloc-rnd-07-256") == part_name("kmalloc-256") == "kmalloc-256"
    assert part_name("btrfs_inode") == "btrfs_inode"


def test_nothing_guilty_is_no_fault() -> None:
    assert find_faults([judged("bad i386 lzo")]) == ()
    assert find_faults([]) == ()


KERNELS, MACHINES, MOUNTS = ("good", "bad", "worse"), ("i386", "x86_64"), ("none", "lzo", "zstd")
Oracle = Callable[[Cell], Grown]
UNIVERSE: Final = [
    Cell(kernel=k, machine=m, mkfs="d", mount=o, workload="w")
    for k, m, o in product(KERNELS, MACHINES, MOUNTS)
]


def hunt(oracle: Oracle, width: int = 2) -> list[CellVerdict]:
    """Return the verdicts of the cells that a hunt runs."""
    good = [one for one in UNIVERSE if one.kernel == "good"]
    verdicts: list[CellVerdict] = []
    while more := next_cells(UNIVERSE, good, verdicts, width):
        verdicts += [judged(one, oracle(one)) for one in more]
    return verdicts


def test_the_hunt_goes_on_until_each_fault_is_told() -> None:
    def oracle(one: Cell) -> Grown:
        grown: dict[MemoryClass, float] = {}
        if one.kernel == "bad" and one.mount == "lzo":
            grown[PAGES] = 2400
        if one.kernel != "good" and one.mount in ("lzo", "zstd"):
            grown[SLAB] = 240
        return grown

    verdicts = hunt(oracle)
    good = [one for one in UNIVERSE if one.kernel == "good"]
    pages, objects = sorted(find_faults(verdicts), key=lambda one: one.signature is not PAGES_LOST)
    takes = ([{"bad"}, {"lzo"}], [{"bad", "worse"}, {"lzo", "zstd"}])
    for fault, axes in zip((pages, objects), takes, strict=True):
        found = smallest_conjunction(fault, UNIVERSE, good)
        assert found.proven
        assert [set(one.value.split(" or ")) for one in found.conditions] == axes
    assert len(verdicts) < len(UNIVERSE)


@given(
    st.lists(
        st.tuples(
            st.sets(st.sampled_from(KERNELS), min_size=1),
            st.sets(st.sampled_from(MOUNTS), min_size=1),
        ),
        min_size=1,
        max_size=2,
    ),
    st.integers(1, 3),
)
def test_every_kind_of_any_planted_pair_is_found(
    planted: Sequence[tuple[set[str], set[str]]], width: int
) -> None:
    kinds = dict(zip((PAGES, SLAB), planted, strict=False))

    def oracle(one: Cell) -> Grown:
        return {
            name: 2400.0 if name is PAGES else 240.0
            for name, (kernels, mounts) in kinds.items()
            if one.kernel in kernels and one.mount in mounts
        }

    verdicts = [judged(one, oracle(one)) for one in UNIVERSE]
    found = find_faults(verdicts)
    for name, (kernels, mounts) in kinds.items():
        own = [one for one in found if one.memory_class is name]
        cells = {one.cell for fault in own for one in fault.cells}
        # Every cell that leaks it shows it, no other does, whatever else leaks there.
        assert cells == {c for c in UNIVERSE if c.kernel in kernels and c.mount in mounts}
        for fault in own:
            seen = matters(fault)
            assert seen[Axis.MACHINE] is False
            assert seen[Axis.KERNEL] is (len(kernels) < len(KERNELS))
            assert seen[Axis.MOUNT] is (len(mounts) < len(MOUNTS))
            for one in fault.verdicts:
                shown = kind(one) == (fault.verdict, fault.signature)
                assert shown != all(innocent_beside(one, other) for other in fault.cells)
    hunted = find_faults(hunt(oracle, width))
    assert {one.memory_class for one in hunted} <= {one.memory_class for one in found}
