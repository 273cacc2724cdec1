from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyclue.model.errors import RequestError
from anyclue.model.scenario import (
    Arch,
    Cell,
    DebianKernel,
    DebugOption,
    Edit,
    GitKernel,
    Kernel,
    KernelBuild,
    KernelFiles,
    Limits,
    Machine,
    ModuleVariant,
    Scenario,
    Sensitivity,
    WorkloadChoice,
)
from anyclue.scenarios.plan_document import (
    plan_json,
    scenario_from_json,
    scenario_from_plan,
    scenario_to_json,
)

NAMES = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,31}", fullmatch=True)
TEXTS = st.text(max_size=20)
FLOATS = st.floats(min_value=0.1, max_value=1e6)
SCALARS = st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
EDITS = st.builds(
    Edit, file=TEXTS, function=st.none() | TEXTS, find=TEXTS, replace=TEXTS, times=st.integers(1, 9)
)
VARIANTS = st.builds(
    ModuleVariant,
    directory=TEXTS,
    tree=st.none() | TEXTS,
    edits=st.lists(EDITS, max_size=2).map(tuple),
    patches=st.lists(TEXTS, max_size=2).map(tuple),
)
SOURCES = st.one_of(
    st.builds(DebianKernel, series=TEXTS, version=st.none() | TEXTS),
    st.builds(KernelFiles, image=TEXTS, modules=st.none() | TEXTS),
    st.builds(KernelBuild, build=TEXTS),
    st.builds(
        GitKernel,
        repository=TEXTS,
        revision=TEXTS,
        commit=st.none() | TEXTS,
        config=st.lists(TEXTS, max_size=2).map(tuple),
        debug=st.lists(st.sampled_from(DebugOption), max_size=2).map(tuple),
        base=st.none() | TEXTS,
    ),
)


def axis(values: Callable[[str], st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    names = st.lists(NAMES, min_size=1, max_size=3, unique=True)
    return names.flatmap(lambda keys: st.fixed_dictionaries({key: values(key) for key in keys}))


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    kernels = draw(
        axis(
            lambda name: st.builds(
                Kernel, name=st.just(name), source=SOURCES, variant=st.none() | VARIANTS
            )
        )
    )
    machines = draw(
        axis(
            lambda name: st.builds(
                Machine,
                name=st.just(name),
                arch=st.sampled_from(Arch),
                ram_mib=st.integers(128, 10**6),
                cpus=st.integers(1, 64),
            )
        )
    )
    mkfs = draw(axis(lambda _: TEXTS))
    mount = draw(axis(lambda _: TEXTS))
    workloads = draw(
        axis(
            lambda name: st.builds(
                WorkloadChoice,
                name=st.just(name),
                use=TEXTS,
                parameters=st.dictionaries(TEXTS, SCALARS, max_size=3),
            )
        )
    )
    every = [
        Cell(kernel=k, machine=m, mkfs=f, mount=o, workload=w)
        for k, m, f, o, w in product(kernels, machines, mkfs, mount, workloads)
    ]
    cells = draw(st.lists(st.sampled_from(every), unique=True, min_size=1, max_size=5))
    references = draw(st.lists(st.sampled_from(cells), unique=True, max_size=2))
    limits = st.builds(
        Limits,
        rounds=st.integers(3, 99),
        trials=st.integers(1, 9),
        round_seconds=FLOATS,
        boot_seconds=FLOATS,
        sample_hz=FLOATS,
    )
    sensitivity = st.builds(Sensitivity, leak_kib_per_round=FLOATS, surge_percent=FLOATS)
    return Scenario(
        title=draw(TEXTS),
        kernels=kernels,
        machines=machines,
        mkfs=mkfs,
        mount=mount,
        workloads=workloads,
        cells=tuple(cells),
        references=tuple(references),
        limits=draw(limits),
        sensitivity=draw(sensitivity),
    )


@given(scenarios())
@settings(max_examples=100)
def test_what_is_written_is_read_back_the_same(scenario: Scenario) -> None:
    again = scenario_from_json(scenario_to_json(scenario))
    assert again == scenario
    assert repr(again) == repr(scenario)  # tells 1 from 1.0 and true, and keeps the order of keys
    assert json.loads(scenario_to_json(scenario)) == plan_json(scenario)


@pytest.fixture
def plan(read: Callable[[str], Scenario], smallest: str) -> dict[str, Any]:
    text = smallest.replace("[machines.m]", '[kernels.good]\ndebian = "6.1"\n[machines.m]')
    return plan_json(read(text + '[plan]\nreference = { kernel = "good" }\n'))


def test_a_cell_says_all_that_it_is(plan: dict[str, Any]) -> None:
    assert plan["schema"] == "anyclue.plan/1"
    assert plan["references"] == ["good.m.default.default.w"]
    assert [cell["reference"] for cell in plan["cells"]] == ["good.m.default.default.w", None]
    assert plan["cells"][0] == {
        "cell": "k.m.default.default.w",
        "kernel": "k",
        "machine": "m",
        "mkfs": "default",
        "mount": "default",
        "workload": "w",
        "mkfs_options": "",
        "mount_options": "",
        "arch": "i386",
        "ram_mib": 2048,
        "cpus": 1,
        "use": "enospc-small-files",
        "parameters": {"files": 600, "ratio": 0.5, "fsync": False, "data": "text"},
        "is_reference": False,
        "reference": "good.m.default.default.w",
    }


def test_keys_of_a_later_version_are_ignored(plan: dict[str, Any]) -> None:
    scenario = scenario_from_plan(plan)
    plan["later"] = 1
    plan["cells"][0]["later"] = 1
    plan["kernels"]["k"]["later"] = 1
    assert scenario_from_plan(plan) == scenario


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"schema": "anyclue.plan/2"}', "[" * 9999]
)
def test_what_is_not_a_plan_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match=r"^run/plan\.json: is not "):
        scenario_from_json(text, origin="run/plan.json")


def spoil(plan: dict[str, Any], path: tuple[Any, ...], value: object) -> None:
    *parents, last = path
    for parent in parents:
        plan = plan[parent]
    plan[last] = value


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("cells", 0, "kernel"), "no", r'cells\[0\]\.kernel: there is no "no" in kernels'),
        (("cells", 0, "kernel"), None, r"cells\[0\]\.kernel: "),
        (("cells",), None, "plan.json: cells: "),
        (("references",), ["no"], r"references\[0\]"),
        (("references",), [[]], r"references\[0\]"),
        (("machines", "m", "arch"), "arm", r"machines\.m\.arch"),
        (("mkfs", "../../x"), "", 'mkfs."../../x": is not a valid name'),
        (("mkfs", "x\n"), "", "is not a valid name"),
        (("limits",), {"rounds": "many"}, "limits.rounds"),
        (("kernels", "k", "source"), {}, "kernels.k.source"),
    ],
)
def test_a_spoilt_plan_is_refused(
    plan: dict[str, Any], path: tuple[Any, ...], value: object, message: str
) -> None:
    spoil(plan, path, value)
    with pytest.raises(RequestError, match=message):
        scenario_from_json(json.dumps(plan))


KEYS = st.sampled_from(["schema", "cells", "references", "kernels", "cell"])
JSON = st.recursive(
    SCALARS | st.none(),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
    max_leaves=8,
)


@given(JSON)
def test_any_json_is_refused_politely(value: object) -> None:
    for plan in (value, {"schema": "anyclue.plan/1", "cells": value, "references": value}):
        with pytest.raises(RequestError):
            scenario_from_plan(plan)
