from __future__ import annotations

from collections.abc import Callable

import pytest

from anyclue.model.scenario import Scenario

Read = Callable[[str], Scenario]
Wrong = Callable[[str], list[str]]

AXES = """\
schema = 1
title = "t"
[kernels]
a = { debian = "6.1" }
b = { debian = "6.1" }
[machines]
x = { arch = "i386", ram = "1 GiB" }
y = { arch = "x86_64", ram = "1 GiB" }
[mount]
none = ""
lzo = "compress=lzo"
[workloads.w]
use = "compression-mix"
[plan]
"""


def short(scenario: Scenario) -> list[str]:
    return [f"{cell.kernel}{cell.machine}-{cell.mount}" for cell in scenario.cells]


ALL = ["ax-none", "ax-lzo", "ay-none", "ay-lzo", "bx-none", "bx-lzo", "by-none", "by-lzo"]


@pytest.mark.parametrize(
    ("plan", "cells"),
    [
        ("", ALL),
        ('include = [{ kernel = ["b", "a"] }]', ALL),
        ('include = [{ mount = "lzo" }]', [name for name in ALL if "lzo" in name]),
        ('include = [{ kernel = "b", machine = "y" }, { mount = "lzo", machine = "x" }]',
         ["ax-lzo", "bx-lzo", "by-none", "by-lzo"]),
        ('include = [{ kernel = "b" }, { kernel = "b", mount = "lzo" }]', ALL[4:]),
        ('exclude = [{ kernel = "a" }, { machine = "x", mount = "none" }]', ALL[5:]),
        ('include = [{ kernel = "a" }]\nexclude = [{ machine = ["y"], mount = ["none"] }]',
         ["ax-none", "ax-lzo", "ay-lzo"]),
    ],
)  # fmt: skip
def test_cells_are_in_the_order_of_the_file(read: Read, plan: str, cells: list[str]) -> None:
    assert short(read(AXES + plan)) == cells


def test_references_are_planned_cells_that_match(read: Read) -> None:
    scenario = read(
        AXES + 'reference = { kernel = "a" }\nexclude = [{ kernel = "a", mount = "lzo" }]'
    )
    references = [f"{cell.kernel}{cell.machine}-{cell.mount}" for cell in scenario.references]
    assert references == ["ax-none", "ay-none"]
    for cell in scenario.cells:
        nearest = scenario.reference_for(cell)
        assert (nearest is None) == (cell.kernel == "a")
        assert nearest is None or nearest.machine == cell.machine


@pytest.mark.parametrize(
    ("plan", "where", "what"),
    [
        ('reference = { kernel = "a" }\ninclude = [{ kernel = "b" }]', "15: plan.reference",
         "matches none of the planned cells"),
        ('exclude = [{ kernel = "a" }, { kernel = "b" }]', "15: plan.exclude", "every cell"),
        ('include = [{ kernel = "b" }]\nexclude = [{ mount = "lzo" },\n{ kernel = "a" }]',
         "17: plan.exclude[1]", "excludes nothing"),
        ('include = [{ kernel = "b" },\n{ mount = "lzo" }]\nexclude = [{ mount = "lzo" }]',
         "16: plan.include[1]", "includes nothing"),
    ],
)  # fmt: skip
def test_plans_without_effect(wrong: Wrong, plan: str, where: str, what: str) -> None:
    (problem,) = wrong(AXES + plan)
    assert problem.startswith(f"s.toml:{where}: ")
    assert what in problem


def many(count: int) -> str:
    mounts = "".join(f'm{index} = ""\n' for index in range(count))
    mkfs = "".join(f'm{index} = ""\n' for index in range(count))
    text = AXES.replace('none = ""\nlzo = "compress=lzo"\n', mounts)
    return text.replace("[mount]", f"[mkfs]\n{mkfs}[mount]")


def test_a_plan_has_a_most_size(read: Read, wrong: Wrong) -> None:
    assert len(read(many(22)).cells) == 22 * 22 * 4
    assert wrong(many(23)) == [
        "s.toml:59: plan: plans 2116 cells; at most 2000 can be run\n"
        "  name the combinations that matter in plan.include"
    ]
    (problem,) = wrong(many(5000))
    assert "plans 100000000 cells" in problem
    assert len(read(many(100) + 'include = [{ mkfs = "m1" }]').cells) == 400


def test_a_plan_is_checked_although_other_tables_are_wrong(wrong: Wrong) -> None:
    problems = wrong(AXES + 'exclude = [{ kernel = ["a", "b"] }]\n[limits]\nrounds = 0\n')
    assert len(problems) == 2
    assert "excludes every cell" in problems[0]
