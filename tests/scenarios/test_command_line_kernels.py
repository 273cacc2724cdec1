"""Kernels from the command line, in a scenario that is right."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from anyclue.model.errors import RequestError
from anyclue.model.scenario import DebianKernel, GitKernel, KernelBuild
from anyclue.scenarios.read import load_with, read_scenario

TEXT = """\
schema = 1
title = "two kernels"
[kernels.good]
debian = "6.1"
[kernels.bad]
debian = "6.1"
module = "fs/btrfs"
[machines.m]
arch = "i386"
ram = "512 MiB"
[mount]
lzo = "compress=lzo"
[fstests.few]
tests = ["generic/001"]
[plan]
reference = { kernel = "good" }
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    file = tmp_path / "beside" / "s.toml"
    file.parent.mkdir()
    file.write_text(TEXT)
    return file


def test_kernels_take_the_place_of_others(
    scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "linux").mkdir()
    given = ("bad=git:linux@v6.1@{1}", "built=build:./linux", "good=debian:6.12")
    found, text = load_with(scenario, given, workloads={})
    at = str(tmp_path / "linux")
    bad, built = found.kernels["bad"], found.kernels["built"]
    assert bad.source == GitKernel(repository=at, revision="v6.1@{1}")
    assert bad.variant is None
    assert built.source == KernelBuild(build=at)
    assert found.kernels["good"].source == DebianKernel(series="6.12")
    assert {cell.kernel for cell in found.cells} == {"good", "bad", "built"}
    again = read_scenario(text, origin="run", base=tmp_path / "elsewhere", workloads={})
    assert again.kernels == found.kernels


def test_the_current_directory_is_a_repository(
    scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found, _ = load_with(scenario, ["bad=git:.@HEAD"], workloads={})
    assert found.kernels["bad"].source == GitKernel(repository=str(tmp_path), revision="HEAD")


def test_without_any_the_text_is_as_it_was(scenario: Path) -> None:
    assert load_with(scenario, (), workloads={})[1] == TEXT


@pytest.mark.parametrize(
    "given", ["bad", "bad=", "=git:x@y", "bad=v6.1", "bad=rpm:6.1", "bad=git:", "b=git:\x1b[2J"]
)
def test_what_is_no_kernel(scenario: Path, given: str) -> None:
    with pytest.raises(RequestError) as error:
        load_with(scenario, [given, "other=debian:6.1"], workloads={})
    (problem,) = error.value.problems
    assert problem.where.startswith("--kernel")
    assert "\x1b" not in str(error.value)


def test_all_mistakes_at_once(scenario: Path) -> None:
    with pytest.raises(RequestError) as error:
        load_with(scenario, ["a=build:/no/such", "b c=debian:6.1", "d=git:/no@v1"], workloads={})
    wheres = [problem.where for problem in error.value.problems]
    assert wheres == [
        "--kernel: kernels.a.build",
        '--kernel: kernels."b c"',
        "--kernel: kernels.d.git",
    ]


def test_one_name_twice(scenario: Path) -> None:
    with pytest.raises(RequestError, match="twice"):
        load_with(scenario, ["a=debian:6.1", "a=debian:6.12"], workloads={})


def test_the_file_has_to_be_right(scenario: Path) -> None:
    scenario.write_text(TEXT.replace('arch = "i386"', 'arch = "z80"'))
    with pytest.raises(RequestError) as error:
        load_with(scenario, ["bad=debian:6.1"], workloads={})
    assert str(scenario) in str(error.value)


def test_toml_is_kept(scenario: Path) -> None:
    _, text = load_with(scenario, ["bad=debian:6.12"], workloads={})
    assert tomllib.loads(text)["kernels"]["bad"] == {"debian": "6.12"}
