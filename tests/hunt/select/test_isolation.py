from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from anyclue.hunt.clue.model import Condition
from anyclue.hunt.model import Fault
from anyclue.hunt.select.factors import find_factors
from anyclue.hunt.select.faults import find_faults
from anyclue.hunt.select.isolation import next_cells, smallest_conjunction, undecided_factors
from anyclue.model.scenario import Axis, Cell
from anyclue.model.verdict import CellVerdict, Signature, Verdict

if TYPE_CHECKING:
    from tests.hunt.conftest import Tools

KINDS = ((Verdict.LEAK, Signature.PAGE_CACHE_REFERENCE), (Verdict.LEAK, Signature.OBJECT))
Oracle = Callable[[Cell], tuple[Verdict, Signature | None]]
Sizes = Mapping[Axis, int]


def fault_of(verdicts: Sequence[CellVerdict]) -> Fault:
    (fault,) = find_faults(verdicts)
    return fault


def universe_of(sizes: Sizes) -> list[Cell]:
    values = [[f"{axis.value[:2]}{n}" for n in range(sizes[axis])] for axis in Axis]
    return [
        Cell(**{axis.value: name for axis, name in zip(Axis, names, strict=True)})
        for names in product(*values)
    ]


def isolate(
    tools: Tools, universe: Sequence[Cell], references: Sequence[Cell], oracle: Oracle, width: int
) -> list[CellVerdict]:
    verdicts: list[CellVerdict] = []
    while more := next_cells(universe, references, verdicts, width):
        assert len(more) <= width
        assert len(set(more)) == len(more)
        assert not {v.cell for v in verdicts} & set(more)
        verdicts += [tools.of(cell, *oracle(cell)) for cell in more]
    return verdicts


def the_mails(cell: Cell) -> tuple[Verdict, Signature | None]:
    guilty = cell.kernel == "bad" and cell.mount == "lzo"
    return KINDS[0] if guilty else (Verdict.CLEAN, None)


def the_mails_universe(tools: Tools) -> list[Cell]:
    return [
        tools.cell(kernel, machine, mount)
        for kernel in ("good", "bad")
        for machine in ("i386", "x86_64")
        for mount in ("none", "zlib", "lzo", "zstd")
    ]


def test_the_mails_case_takes_less_than_half_of_the_cells(tools: Tools) -> None:
    universe = the_mails_universe(tools)
    references = [cell for cell in universe if cell.kernel == "good"]
    verdicts = isolate(tools, universe, references, the_mails, 2)
    assert len(verdicts) <= len(universe) // 2
    factors = {factor.factor: factor for factor in find_factors(verdicts)}
    assert factors[Axis.KERNEL].matters
    assert factors[Axis.MOUNT].matters
    assert factors[Axis.MACHINE].matters is False
    innocent = {other.mount for _, other in factors[Axis.MOUNT].evidence}
    assert innocent == {"none", "zlib", "zstd"}


def test_without_guilt_everything_runs_references_last(tools: Tools) -> None:
    universe = the_mails_universe(tools)
    references = [cell for cell in universe if cell.kernel == "good"]
    verdicts = isolate(tools, universe, references, lambda _: (Verdict.CLEAN, None), 3)
    assert {v.cell for v in verdicts} == set(universe)
    assert all(v.cell.kernel == "bad" for v in verdicts[:8])
    assert {v.cell.mount for v in verdicts[:4]} == {"none", "zlib", "lzo", "zstd"}


def test_a_cell_that_proves_nothing_is_asked_around(tools: Tools) -> None:
    universe = the_mails_universe(tools)

    def oracle(cell: Cell) -> tuple[Verdict, Signature | None]:
        unproven = cell == tools.cell("bad", "i386", "zstd")
        return (Verdict.UNPROVEN, None) if unproven else the_mails(cell)

    verdicts = isolate(tools, universe, [], oracle, 1)
    assert tools.cell("bad", "x86_64", "zstd") in {v.cell for v in verdicts}


def test_each_kind_of_guilt_is_isolated(tools: Tools) -> None:
    universe = the_mails_universe(tools)

    def oracle(cell: Cell) -> tuple[Verdict, Signature | None]:
        return KINDS[1] if cell.mount == "zlib" else the_mails(cell)

    good = [cell for cell in universe if cell.kernel == "good"]
    ran = {v.cell for v in isolate(tools, universe, good, oracle, 2)}
    # zlib leaks objects on every kernel: it takes the good one to see that.
    assert {c.kernel for c in ran if c.mount == "zlib"} == {"good", "bad"}
    assert {c.kernel for c in ran if c.mount == "lzo"} == {"good", "bad"}


@st.composite
def planted(draw: st.DrawFn) -> tuple[Sizes, dict[Axis, str], int, bool]:
    sizes = {axis: draw(st.integers(1, 4)) for axis in Axis}
    on = draw(st.sets(st.sampled_from([axis for axis in Axis if sizes[axis] > 1] or list(Axis))))
    conjunction = {
        axis: f"{axis.value[:2]}{draw(st.integers(0, sizes[axis] - 1))}" for axis in sorted(on)
    }
    return sizes, conjunction, draw(st.integers(1, 5)), draw(st.booleans())


@given(planted())
def test_any_one_conjunction_is_found(
    tools: Tools, case: tuple[Sizes, dict[Axis, str], int, bool]
) -> None:
    sizes, conjunction, width, with_references = case
    universe = universe_of(sizes)
    references = [c for c in universe if with_references and c.kernel == "ke0"]

    def oracle(cell: Cell) -> tuple[Verdict, Signature | None]:
        guilty = all(cell.value(axis) == value for axis, value in conjunction.items())
        return KINDS[0] if guilty else (Verdict.CLEAN, None)

    verdicts = isolate(tools, universe, references, oracle, width)
    for factor in find_factors(verdicts):
        if sizes[factor.factor] == 1:
            assert factor.matters is None
            continue
        assert factor.matters is (factor.factor in conjunction)
        if factor.matters:
            others = {other.value(factor.factor) for _, other in factor.evidence}
            assert len(others) == sizes[factor.factor] - 1


@settings(max_examples=25)  # nearly every cell runs, of up to 1024: each is judged again for each
@given(planted(), st.randoms(use_true_random=False))
def test_it_ends_whatever_the_verdicts(
    tools: Tools, case: tuple[Sizes, dict[Axis, str], int, bool], random: object
) -> None:
    sizes, _, width, _ = case
    every: Sequence[tuple[Verdict, Signature | None]] = (
        *KINDS,
        (Verdict.BROKEN, None),
        (Verdict.CLEAN, None),
        (Verdict.UNPROVEN, None),
    )
    isolate(tools, universe_of(sizes), [], lambda _: random.choice(every), width)  # type: ignore[attr-defined]


def test_the_smallest_conjunction_of_the_mails_case(tools: Tools) -> None:
    verdicts = tools.default()
    found = smallest_conjunction(fault_of(verdicts), [v.cell for v in verdicts], [])
    assert found.conditions == (
        Condition(axis=Axis.KERNEL, value="bad"),
        Condition(axis=Axis.MOUNT, value="lzo"),
    )
    assert found.irrelevant == (
        (Axis.MACHINE, (tools.cell("bad", "i386"), tools.cell("bad", "x86_64"))),
    )
    assert found.proven
    assert (found.cells_run, found.cells_full) == (7, 7)


def test_a_value_that_was_not_run_leaves_it_unproven(tools: Tools) -> None:
    verdicts = [v for v in tools.default() if v.cell.mount != "zstd"]
    universe = [v.cell for v in tools.default()]
    found = smallest_conjunction(fault_of(verdicts), universe, [])
    assert not found.proven
    undecided = undecided_factors(fault_of(verdicts), universe, [])
    assert [factor.factor for factor in undecided] == [Axis.MOUNT]


def test_two_values_that_are_guilty_alike(tools: Tools) -> None:
    verdicts = [
        tools.verdict("bad i386 lzo", *tools.leak, rate=2400.0),
        tools.verdict("bad i386 zlib", *tools.leak, rate=2400.0),
        tools.verdict("bad i386 none"),
    ]
    found = smallest_conjunction(fault_of(verdicts), [v.cell for v in verdicts], [])
    assert found.conditions == (Condition(axis=Axis.MOUNT, value="lzo or zlib"),)


def test_nothing_guilty_has_no_conjunction(tools: Tools) -> None:
    verdicts = [tools.verdict("bad i386 lzo", Verdict.UNPROVEN)]
    assert find_faults(verdicts) == ()


def test_a_surge_does_not_end_the_search(tools: Tools) -> None:
    """Of all combinations each is run, as where nothing is guilty; what it takes is known then."""
    universe = universe_of({axis: 2 if axis in (Axis.KERNEL, Axis.MOUNT) else 1 for axis in Axis})

    def oracle(cell: Cell) -> tuple[Verdict, Signature | None]:
        surges = (cell.kernel, cell.mount) == ("ke1", "mo1")
        return (Verdict.SURGE if surges else Verdict.CLEAN), None

    verdicts = isolate(tools, universe, [], oracle, 1)
    assert len(verdicts) == len(universe)
    found = smallest_conjunction(fault_of(verdicts), universe, [])
    assert found.proven
    assert [one.axis for one in found.conditions] == [Axis.KERNEL, Axis.MOUNT]
