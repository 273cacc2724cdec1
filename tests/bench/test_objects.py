"""The bench of counts of objects: what it plants, and what it makes of what was said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bench.objects import (
    MISSED,
    NOISE,
    REFERENCE,
    SERIES,
    Case,
    alone,
    cases,
    missed_text,
    row,
    scenario_text,
    smallest,
)

from anyclue.hunt.driver import RULES
from anyclue.scenarios.read import read_scenario


@pytest.mark.parametrize("quick", [True, False])
def test_each_case_has_a_cell_beside_the_reference(quick: bool, tmp_path: Path) -> None:
    wanted = cases(quick=quick)
    scenario = read_scenario(
        scenario_text(wanted, SERIES), origin="objects.toml", base=tmp_path, workloads=RULES
    )
    compared = {cell.id for cell in scenario.cells} - {REFERENCE}
    assert compared == {one.cell for one in wanted}
    assert len(compared) == len(wanted)


@pytest.mark.parametrize("kernel", MISSED)
def test_the_scenario_of_a_leak_that_was_missed(kernel: str, tmp_path: Path) -> None:
    text = missed_text(kernel, "7.3")
    scenario = read_scenario(text, origin="missed.toml", base=tmp_path, workloads=RULES)
    assert {cell.kernel for cell in scenario.combinations} == {"good", kernel}


@pytest.mark.parametrize("arch", ["i386", "x86_64"])
def test_the_scenario_of_noise(arch: str, tmp_path: Path) -> None:
    text = NOISE.format(series="6.12", arch=arch, rounds=10)
    scenario = read_scenario(text, origin="noise.toml", base=tmp_path, workloads=RULES)
    assert len(scenario.cells) == 1


def counted(name: str, *merged: str, grew: bool = True) -> dict[str, Any]:
    return {"name": name, "grew": grew, "objects_per_round": 1.0, "merged": list(merged)}


@pytest.mark.parametrize(
    ("leaks", "verdict", "objects", "right"),
    [
        (True, "leak", [counted("kmalloc-8"), counted("kmalloc-32")], True),
        (True, "leak", [counted("kmalloc-8")], False),
        (True, "leak", [counted("xfrm_dst_cache", "x", "kmalloc-32")], True),
        (True, "leak", [counted("kmalloc-32", grew=False)], False),
        (True, "unproven", [counted("kmalloc-32")], False),
        (True, "clean", [], False),
        (False, "clean", [], True),
        (False, "unproven", [], True),
        (False, "leak", [counted("kmalloc-32")], False),
    ],
)
def test_what_is_right(
    leaks: bool, verdict: str, objects: list[dict[str, Any]], right: bool
) -> None:
    case = Case(name="x", kernel="planted", leaks=leaks, caches=frozenset({"kmalloc-32"}))
    assert row(case, {"verdict": verdict, "objects": objects})["right"] is right


@pytest.mark.parametrize(
    ("right", "found"),
    [
        ({1: [True], 2: [True], 4: [True]}, 1),
        ({1: [True, False], 2: [True, True], 4: [True]}, 2),
        ({1: [True], 2: [False], 4: [True]}, 4),
        ({1: [True], 4: [True, False]}, None),
    ],
)
def test_the_smallest_from_which_up_all_are_found(
    right: dict[int, list[bool]], found: int | None
) -> None:
    rows = [{"objects": count, "right": one} for count, ones in right.items() for one in ones]
    assert smallest(rows) == found


def test_what_moves_with_the_threads() -> None:
    assert not alone([0, 2, 0, -4], [0, 1, 0, -2])
    assert alone([0, 2, 0, 1], [0, 1, 0, 0])
    assert not alone([0, 0], [1, 0])
