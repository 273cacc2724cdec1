"""scenarios/lzo-leak.toml: the case of the mail, and the first file that a newcomer reads."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from jsonschema import Draft202012Validator

from anyclue.model.scenario import Arch, DebianKernel, Edit, ModuleVariant, WorkloadRules
from anyclue.scenarios.read import load_scenario
from anyclue.scenarios.schema import json_schema

FILE = Path(__file__).parents[2] / "scenarios" / "lzo-leak.toml"


def test_the_hunt_chooses_among_sixteen_cells(rules: Mapping[str, WorkloadRules]) -> None:
    scenario = load_scenario(FILE, workloads=rules)
    assert scenario.chooses
    assert len(scenario.cells) == 2 * 2 * 4
    assert {cell.kernel for cell in scenario.references} == {"good"}


def test_it_is_the_case_of_the_mail(rules: Mapping[str, WorkloadRules]) -> None:
    scenario = load_scenario(FILE, workloads=rules)
    edit = Edit(
        file="fs/btrfs/lzo.c",
        function="lzo_compress_pages",
        find="if (page_in) put_page(page_in);",
        replace="",
    )
    assert scenario.kernels["bad"].variant == ModuleVariant(directory="fs/btrfs", edits=(edit,))
    assert scenario.kernels["good"].variant == ModuleVariant(directory="fs/btrfs")
    assert all(kernel.source == DebianKernel(series="6.1") for kernel in scenario.kernels.values())
    machines = [(one.arch, one.ram_mib, one.cpus) for one in scenario.machines.values()]
    assert machines == [(Arch.I386, 2048, 1), (Arch.X86_64, 2048, 1)]
    assert scenario.mount == {
        "none": "",
        "zlib": "compress=zlib",
        "lzo": "compress=lzo",
        "zstd": "compress=zstd",
    }
    assert scenario.workloads["small-files"].parameters["files"] == 600
    assert scenario.limits.rounds == 8


def test_it_keeps_to_the_published_schema() -> None:
    document = tomllib.loads(FILE.read_text(encoding="utf-8"))
    Draft202012Validator(json_schema()).validate(document)
