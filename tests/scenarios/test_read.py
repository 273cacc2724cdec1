from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import get_args

import pytest

from anyclue.model.debian import RELEASES
from anyclue.model.errors import ExitCode, RequestError
from anyclue.model.scenario import (
    Arch,
    DebianKernel,
    DebugOption,
    Edit,
    GitKernel,
    KernelBuild,
    KernelFiles,
    Limits,
    Machine,
    ModuleVariant,
    Scenario,
    Sensitivity,
    WorkloadChoice,
    WorkloadRules,
)
from anyclue.scenarios.read import load_scenario, read_scenario
from anyclue.scenarios.schema import Release, Suite

Read = Callable[[str], Scenario]


def test_the_smallest_scenario_has_one_cell_and_all_defaults(read: Read, smallest: str) -> None:
    scenario = read(smallest)
    assert [cell.id for cell in scenario.cells] == ["k.m.default.default.w"]
    assert scenario.references == ()
    assert scenario.mkfs == {"default": ""}
    assert scenario.mount == {"default": ""}
    assert scenario.limits == Limits()
    assert scenario.sensitivity == Sensitivity()
    assert scenario.kernels["k"].source == DebianKernel(series="6.1")
    assert scenario.machines["m"] == Machine(name="m", arch=Arch.I386, ram_mib=2048, cpus=1)
    assert scenario.workloads["w"] == WorkloadChoice(
        name="w",
        use="enospc-small-files",
        parameters={"files": 600, "ratio": 0.5, "fsync": False, "data": "text"},
    )


def test_parameters_are_set_and_whole_numbers_do_for_fractions(read: Read, smallest: str) -> None:
    scenario = read(smallest + 'files = 7\nratio = 1\nfsync = true\ndata = "random"\n')
    parameters = scenario.workloads["w"].parameters
    assert parameters == {"files": 7, "ratio": 1.0, "fsync": True, "data": "random"}
    assert isinstance(parameters["ratio"], float)


def test_limits_and_sensitivity_are_read(read: Read, smallest: str) -> None:
    scenario = read(
        smallest
        + "[limits]\nrounds = 3\ntrials = 2\nround_seconds = 9\nboot_seconds = 8.5\n"
        + "sample_hz = 20\n[sensitivity]\nleak_kib_per_round = 4\nsurge_percent = 1\n"
    )
    assert scenario.limits == Limits(
        rounds=3, trials=2, round_seconds=9.0, boot_seconds=8.5, sample_hz=20.0
    )
    assert scenario.sensitivity == Sensitivity(leak_kib_per_round=4.0, surge_percent=1.0)


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("6.1", DebianKernel(series="6.1")),
        ("6.1.176-1", DebianKernel(series="6.1", version="6.1.176-1")),
        ("6.12.9-1~bpo12+1", DebianKernel(series="6.12", version="6.12.9-1~bpo12+1")),
        ("6.15~rc7-1~exp1", DebianKernel(series="6.15", version="6.15~rc7-1~exp1")),
    ],
)
def test_debian_versions(read: Read, smallest: str, text: str, source: DebianKernel) -> None:
    assert read(smallest.replace('"6.1"', f'"{text}"')).kernels["k"].source == source


@pytest.mark.parametrize(
    ("text", "mib"),
    [("128 MiB", 128), ("2GiB", 2048), ("1.5 GiB", 1536), ("64 GiB", 65536), ("0.25 GiB", 256)],
)
def test_memory_sizes(read: Read, smallest: str, text: str, mib: int) -> None:
    assert read(smallest.replace("2 GiB", text)).machines["m"].ram_mib == mib


def test_paths_are_relative_to_the_scenario_and_become_absolute(
    read: Read, smallest: str, tmp_path: Path
) -> None:
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "bzImage").write_bytes(b"x")
    (tmp_path / "mods" / "6.12.0").mkdir(parents=True)
    (tmp_path / "x.patch").write_text("")
    (tmp_path / "linux/fs/btrfs").mkdir(parents=True)
    scenario = read(
        smallest
        + '[kernels.mine]\nimage = "build/bzImage"\nmodules = "mods/6.12.0"\n'
        + f'[kernels.absolute]\nimage = "{tmp_path}/build/bzImage"\n'
        + '[kernels.patched]\ndebian = "6.1"\nmodule = "fs/btrfs/"\npatches = ["x.patch"]\n'
        + '[[kernels.patched.edits]]\nfile = "fs/btrfs/lzo.c"\nfind = "a"\nreplace = "b"\n'
        + '[kernels.tree]\ndebian = "6.1"\nmodule = "fs/btrfs"\ntree = "linux"\n'
    )
    assert scenario.kernels["mine"].source == KernelFiles(
        image=str(tmp_path / "build/bzImage"), modules=str(tmp_path / "mods/6.12.0")
    )
    assert scenario.kernels["absolute"].source == KernelFiles(image=f"{tmp_path}/build/bzImage")
    assert scenario.kernels["patched"].variant == ModuleVariant(
        directory="fs/btrfs",
        edits=(Edit(file="fs/btrfs/lzo.c", function=None, find="a", replace="b", times=1),),
        patches=(str(tmp_path / "x.patch"),),
    )
    assert scenario.kernels["tree"].variant == ModuleVariant(
        directory="fs/btrfs", tree=str(tmp_path / "linux")
    )


def test_home_is_known(
    read: Read, smallest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "bzImage").write_bytes(b"x")
    source = read(smallest.replace('debian = "6.1"', 'image = "~/bzImage"')).kernels["k"].source
    assert source == KernelFiles(image=str(tmp_path / "bzImage"))


def test_two_names_may_mean_the_same(read: Read, smallest: str) -> None:
    """Good against good is how a user measures what anyclue itself would call a leak."""
    assert len(read(smallest + '[kernels.k2]\ndebian = "6.1"\n').cells) == 2


def problem(path: Path, rules: Mapping[str, WorkloadRules]) -> str:
    with pytest.raises(RequestError) as caught:
        load_scenario(path, workloads=rules)
    assert caught.value.exit_code is ExitCode.BAD_REQUEST
    return str(caught.value)


def test_a_file_is_read_relative_to_itself(
    tmp_path: Path, smallest: str, rules: Mapping[str, WorkloadRules]
) -> None:
    (tmp_path / "bzImage").write_bytes(b"x")
    file = tmp_path / "s.toml"
    text = smallest.replace('debian = "6.1"', 'image = "bzImage"').replace("\n", "\r\n")
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    scenario = load_scenario(file, workloads=rules)
    assert scenario.kernels["k"].source == KernelFiles(image=str(tmp_path / "bzImage"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"schema = 1\ntitle = caf\xe9\n", ":2:12: is not UTF-8: the byte 0xe9"),
        ("é = 'é\n".encode() + b"\xff", ":2:1: is not UTF-8: the byte 0xff"),
        (b"schema = 1\ntitle = text\n", ":2:9: is not TOML: Invalid value\n  text needs quotes"),
        (b"schema = 1\ntitle = [", ":2:10: is not TOML: Invalid value"),
        (b"[kernels.k]\n[kernels.k]\n", ":2:11: is not TOML: Cannot declare ('kernels', 'k')"),
        (b"a = 1\na = 2\n", ":2:6: is not TOML: Cannot overwrite a value\n  this name is used"),
        (b"a = " + b"9" * 5000, ": is not TOML: Exceeds the limit"),
        (b"a = " + b"[" * 3000 + b"]" * 3000, ": is nested too deeply"),
        (b"#" * (1 << 20) + b"#", ": is larger than 1 MiB"),
    ],
)
def test_bad_files(
    tmp_path: Path, rules: Mapping[str, WorkloadRules], content: bytes, message: str
) -> None:
    file = tmp_path / "s.toml"
    file.write_bytes(content)
    assert problem(file, rules).startswith(f"{file}{message}")


@pytest.mark.parametrize("depth", range(50, 1000, 75))
def test_no_depth_of_nesting_is_too_much(depth: int, wrong: Callable[[str], list[str]]) -> None:
    assert wrong("a = " + "[" * depth + "]" * depth)
    assert wrong("a = " + "{b=" * depth + "1" + "}" * depth)
    assert wrong("a" + ".a" * depth + " = 1")


def test_a_file_that_is_not_there(tmp_path: Path, rules: Mapping[str, WorkloadRules]) -> None:
    assert "no such file" in problem(tmp_path / "s.toml", rules)
    assert "is a directory" in problem(tmp_path, rules)
    assert "cannot be read" in problem(tmp_path / "s.toml" / "\0", rules)
    assert "cannot be read" in problem(tmp_path / ("s" * 300), rules)


def test_origin_is_part_of_every_place(rules: Mapping[str, WorkloadRules]) -> None:
    with pytest.raises(RequestError) as caught:
        read_scenario("schema = 1", origin="dir/x.toml", base=Path(), workloads=rules)
    assert {one.where for one in caught.value.problems} == {"dir/x.toml:1"}
    assert len(caught.value.problems) == 4


@pytest.mark.parametrize(
    ("text", "repository", "revision"),
    [
        ("linux@v6.1", "linux", "v6.1"),
        ("linux@HEAD@{1}", "linux", "HEAD@{1}"),
        ("linux@@{upstream}", "linux", "@{upstream}"),
        ("me@home@v6.1^{commit}", "me@home", "v6.1^{commit}"),
        ("/linux@v6.1..v6.2", "/linux", "v6.1..v6.2"),
    ],
)
def test_a_commit(
    read: Read, smallest: str, tmp_path: Path, text: str, repository: str, revision: str
) -> None:
    if not repository.startswith("/"):
        (tmp_path / repository).mkdir()
    else:
        text = text.replace("/linux", str(tmp_path))
        repository = str(tmp_path)
    source = read(smallest.replace('debian = "6.1"', f'git = "{text}"')).kernels["k"].source
    assert source == GitKernel(repository=str(tmp_path / repository), revision=revision)


def test_a_commit_with_configuration(read: Read, smallest: str, tmp_path: Path) -> None:
    (tmp_path / "a.config").write_text("")
    given = 'git = ".@v1"\nconfig = ["a.config"]\ndebug = ["lockdep", "kasan", "kasan"]'
    source = read(smallest.replace('debian = "6.1"', given)).kernels["k"].source
    assert isinstance(source, GitKernel)
    assert source.config == (str(tmp_path / "a.config"),)
    assert source.debug == (DebugOption.KASAN, DebugOption.LOCKDEP)


def test_a_build(read: Read, smallest: str, tmp_path: Path) -> None:
    source = read(smallest.replace('debian = "6.1"', 'build = "."')).kernels["k"].source
    assert source == KernelBuild(build=str(tmp_path))


def test_a_suite_and_a_user_space(
    read: Read, smallest: str, wrong: Callable[[str], list[str]]
) -> None:
    assert read(smallest).userspace is None
    narrow = 'debian = "7.3"\nsuite = "trixie-backports"'
    scenario = read(
        smallest.replace('debian = "6.1"', narrow).replace(
            "[kernels.k]", 'userspace = "sid"\n[kernels.k]'
        )
    )
    assert scenario.kernels["k"].source == DebianKernel(series="7.3", suite="trixie-backports")
    assert scenario.userspace == "sid"
    (unknown,) = wrong(smallest.replace('debian = "6.1"', narrow.replace("trixie", "trixe")))
    assert "trixie-backports" in unknown
    (nowhere,) = wrong(smallest.replace('debian = "6.1"', 'debian = "6.1"\nsuite = "nosuch"'))
    assert "write one of these, or leave it out" in nowhere
    (alone,) = wrong(smallest.replace('debian = "6.1"', 'git = ".@v6.1"\nsuite = "sid"'))
    assert "says where a kernel of Debian's packages is looked up" in alone


def test_every_suite_of_every_release_may_be_named() -> None:
    assert get_args(Suite) == tuple(suite for release in RELEASES for suite in release.suites)
    assert get_args(Release) == tuple(release.name for release in RELEASES)


def test_several_directories_to_rebuild(read: Read, smallest: str) -> None:
    text = smallest.replace('"6.1"', '"6.1"\nmodules = ["fs/jbd2/", "fs/ext4", "fs/jbd2"]')
    scenario = read(f"{text}[[kernels.k.edits]]\nfile = 'fs/ext4/a.c'\nfind = 'a'\nreplace = 'b'")
    variant = scenario.kernels["k"].variant
    assert variant is not None
    assert variant.directories == ("fs/jbd2", "fs/ext4")
    assert variant.directory == "fs/jbd2"


def test_the_file_system(read: Read, smallest: str) -> None:
    assert read(smallest).filesystem == "btrfs"
    named = read(f'filesystem = "ext4"\n{smallest}[fstests.t]\ntests = ["generic/001"]')
    assert named.filesystem == "ext4"
    tests = named.workloads["t"].tests
    assert tests is not None
    assert tests.fstyp == "ext4"
