from __future__ import annotations

from typing import TYPE_CHECKING

from anyclue.hunt.clue.model import Condition
from anyclue.hunt.select.conjunction import smallest_conjunction
from anyclue.model.scenario import Axis
from anyclue.model.verdict import Verdict

if TYPE_CHECKING:
    from tests.hunt.conftest import Tools


def test_the_mails_case(tools: Tools) -> None:
    verdicts = tools.default()
    found = smallest_conjunction(verdicts, [v.cell for v in verdicts], [])
    assert found is not None
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
    found = smallest_conjunction(verdicts, universe, [])
    assert found is not None
    assert not found.proven
    assert found.because.startswith("mount: ")


def test_two_values_that_are_guilty_alike(tools: Tools) -> None:
    verdicts = [
        tools.verdict("bad i386 lzo", *tools.leak, rate=2400.0),
        tools.verdict("bad i386 zlib", *tools.leak, rate=2400.0),
        tools.verdict("bad i386 none"),
    ]
    found = smallest_conjunction(verdicts, [v.cell for v in verdicts], [])
    assert found is not None
    assert found.conditions == (Condition(axis=Axis.MOUNT, value="lzo or zlib"),)


def test_nothing_guilty(tools: Tools) -> None:
    verdicts = [tools.verdict("bad i386 lzo", Verdict.UNPROVEN)]
    assert smallest_conjunction(verdicts, [v.cell for v in verdicts], []) is None
