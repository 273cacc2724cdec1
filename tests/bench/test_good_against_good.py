"""What bench-aa hunts, and what it makes of the verdicts."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest
from bench.good_against_good import interval, kept, moved, scenario_text, summary

from anyclue.hunt.driver import plan
from anyclue.hunt.judge import judge
from anyclue.model.scenario import Scenario
from anyclue.recordings.run_directory import RunDirectory
from bench import good_against_good


@pytest.fixture(scope="module")
def hunted(tmp_path_factory: pytest.TempPathFactory) -> list[Scenario]:
    """The scenarios of 200 cells."""
    scenarios = []
    for number in range(1, 35):
        file = tmp_path_factory.mktemp("hunt") / "scenario.toml"
        file.write_text(scenario_text(number))
        scenarios.append(plan(file))
    return scenarios


def test_no_kernel_is_changed_and_every_cell_has_a_reference(hunted: list[Scenario]) -> None:
    compared = 0
    for scenario in hunted:
        for kernel in scenario.kernels.values():
            assert kernel.variant is None or not (kernel.variant.edits or kernel.variant.patches)
        for cell in set(scenario.cells) - set(scenario.planned_references):
            assert scenario.reference_for(cell) in scenario.planned_references
            compared += 1
    assert compared >= good_against_good.CELLS


def test_all_options_machines_and_workloads_are_met(hunted: list[Scenario]) -> None:
    met = Counter(name for scenario in hunted for name in scenario.mount)
    assert set(met) == set(good_against_good.MOUNTS)
    assert {name for s in hunted for name in s.mkfs} == set(good_against_good.MKFS)
    assert {m.arch.value for s in hunted for m in s.machines.values()} == {"i386", "x86_64"}
    work = {str(s.workloads["work"].parameters) for s in hunted}
    assert len(work) == len(good_against_good.WORKLOADS)


def test_a_number_draws_the_same_hunt_again() -> None:
    assert scenario_text(7) == scenario_text(7) != scenario_text(8)


def test_hunts_that_began_are_kept_in_order(tmp_path: Path) -> None:
    for name in ("hunt-010", "hunt-002", "hunt-001"):
        (tmp_path / name / "run").mkdir(parents=True)
    for name in ("hunt-010", "hunt-002"):
        (tmp_path / name / "run/plan.json").write_text("{}")
    assert [one.name for one in kept(tmp_path)] == ["hunt-002", "hunt-010"]


def test_an_interval_of_none_in_two_hundred() -> None:
    found = interval(0, 200)
    assert found is not None
    assert found[0] == 0.0
    assert found[1] == pytest.approx(0.0183, abs=1e-4)
    assert interval(0, 0) is None


def test_what_grew_and_what_nearly_did() -> None:
    found = moved(
        [
            ("used", False, (-1.0, 4.0), 1.5),
            ("used", False, (0.5, 4.0), 2.0),
            ("slab", True, (3.0, 5.0), 4.0),
            ("slab", False, None, None),
        ]
    )
    assert list(found) == ["slab", "used"]
    assert found["slab"] == {"cells": 2, "grew": 1, "nearly": 0, "most": 4.0}
    assert found["used"] == {"cells": 2, "grew": 0, "nearly": 1, "most": 2.0}


def test_a_cell_without_a_guest_is_counted_as_not_run(tmp_path: Path) -> None:
    golden = Path(__file__).parent.parent / "hunt/data/lzo-leak"
    run = tmp_path / "hunt-001/run"
    shutil.copytree(golden, run)
    whole = summary([judge(RunDirectory(run))])
    assert whole["not_run"] == 0
    assert [one["cell"].partition(": ")[0] for one in whole["leak"]] == ["hunt-001"] * 2
    shutil.rmtree(run / "cells" / whole["leak"][0]["cell"].partition(": ")[2])
    found = summary([judge(RunDirectory(run))])
    assert found["not_run"] == 1
    assert len(found["leak"]) == 1
    assert found["unproven"] == []
    assert found["cells"] == whole["cells"] - 1
