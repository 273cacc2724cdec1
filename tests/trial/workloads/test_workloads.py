"""Every built-in workload: plans from defaults and extremes, rules that scenarios accept."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from anyclue.hunt.minimise.reproducer import check_script, reproducer_script
from anyclue.model.errors import RequestError
from anyclue.model.scenario import ParameterRule, Scalar, WorkloadChoice
from anyclue.scenarios.read import read_scenario
from anyclue.trial.filesystems.btrfs import BTRFS
from anyclue.trial.workloads.registry import FSLOAD_SOURCE, WORKLOADS
from anyclue.trial.workloads.workload import Workload, WorkloadPlan

RULES = {name: workload.rules for name, workload in WORKLOADS.items()}
VERBS = {"fill", "write", "overwrite", "truncate", "verify", "remove", "hold", "extents"}
VERBS |= {"names", "check-names", "ranges", "check-ranges"}
each = pytest.mark.parametrize("workload", WORKLOADS.values(), ids=list(WORKLOADS))


def extremes(workload: Workload) -> Iterator[dict[str, Scalar]]:
    def of(rule: ParameterRule) -> list[Scalar]:
        bounds = [bound for bound in (rule.minimum, rule.maximum) if bound is not None]
        kind = type(rule.default)
        return [*rule.choices, *(kind(bound) for bound in bounds)]

    yield {}
    for rule in workload.parameters:
        # A thousand loops make a long plan; that is not what this is about.
        yield from ({rule.name: value} for value in of(rule))


def plan_of(workload: Workload, parameters: dict[str, Scalar]) -> WorkloadPlan:
    choice = WorkloadChoice(name="w", use=workload.name, parameters=parameters)
    return workload.planned(choice)


@each
def test_every_extreme_gives_commands(workload: Workload) -> None:
    for parameters in extremes(workload):
        plan = plan_of(workload, parameters)
        assert plan.name == workload.name
        assert plan.size_mib == parameters.get("size_mib", plan_of(workload, {}).size_mib)
        assert plan.write
        for argv in chain(plan.write, plan.exercise, plan.remove):
            assert all(isinstance(word, str) and word for word in argv)
            if argv[0] == "fsload":
                assert argv[1] in VERBS
                assert argv[2].startswith("{mnt}")
                assert all(word.count("=") == 1 for word in argv[3:])
            else:
                assert argv[0] in ("sync", "sh", "env")
        if any("verify" in argv for argv in plan.exercise):
            assert plan.exercise[0][0] == "sh"  # dropped from the cache before it is read back


@each
def test_defaults_are_within_their_own_rules(workload: Workload) -> None:
    names = [rule.name for rule in workload.parameters]
    assert len(set(names)) == len(names)
    assert "size_mib" in names
    for rule in workload.parameters:
        assert rule.summary
        if isinstance(rule.default, int | float):
            assert rule.minimum is None or rule.minimum <= rule.default
            assert rule.maximum is None or rule.default <= rule.maximum


@each
def test_scenarios_accept_the_extremes_and_nothing_beyond(workload: Workload) -> None:
    def text(parameters: dict[str, Scalar]) -> str:
        keys = "".join(f"{name} = {value}\n" for name, value in parameters.items())
        head = 'schema = 1\ntitle = "t"\n[kernels.k]\ndebian = "6.1"\n'
        machine = '[machines.m]\narch = "i386"\nram = "2 GiB"\n'
        return f'{head}{machine}[workloads.w]\nuse = "{workload.name}"\n{keys}'

    def read(parameters: dict[str, Scalar]) -> WorkloadChoice:
        source = text(parameters)
        scenario = read_scenario(source, origin="s.toml", base=Path(), workloads=RULES)
        return scenario.workloads["w"]

    for parameters in extremes(workload):
        chosen = read(parameters)
        assert parameters.items() <= chosen.parameters.items()
        assert set(chosen.parameters) == {rule.name for rule in workload.parameters}
    for rule in workload.parameters:
        for bound, beyond in ((rule.minimum, -1), (rule.maximum, 1)):
            if bound is not None:
                with pytest.raises(RequestError, match=rule.name):
                    read({rule.name: int(bound) + beyond})


@pytest.mark.parametrize(
    ("name", "parameters", "files"),
    [
        ("enospc-small-files", {"files": 3, "file_bytes": 1000, "loops": 2}, 3),
        ("compression-mix", {"copies": 2, "sizes": "1000,4096", "modes": "buffered"}, 12),
        ("compression-mix", {"copies": 1, "sizes": "4096", "kinds": "random"}, 2),
    ],
)
def test_a_script_runs_in_any_shell(
    tmp_path: Path, name: str, parameters: dict[str, Scalar], files: int
) -> None:
    workload = WORKLOADS[name]
    assert workload.script is not None
    defaults = {rule.name: rule.default for rule in workload.parameters}
    script = workload.script({**defaults, **parameters})

    def sh(text: str) -> None:
        text = text.replace("echo 3 >/proc/sys/vm/drop_caches", "true")
        done = subprocess.run(
            ["sh", "-c", text], env={"MNT": str(tmp_path), "PATH": "/usr/bin:/bin"}, check=False
        )
        assert done.returncode == 0

    sh(script.write)
    made = list(tmp_path.iterdir())
    assert len(made) == files
    sizes = {int(size) for size in str(parameters.get("sizes", "1000")).split(",")}
    assert {file.stat().st_size for file in made} == sizes
    sh(script.exercise or "true")
    assert len(list(tmp_path.iterdir())) == files
    sh(script.remove)
    assert not list(tmp_path.iterdir())


def test_a_script_of_names_leaves_what_the_workload_leaves(tmp_path: Path) -> None:
    script = WORKLOADS["names"].script
    assert script is not None
    text = script({"dirs": 3, "files": 4}).write
    subprocess.run(["sh", "-c", text], env={"MNT": str(tmp_path), "PATH": "/bin"}, check=True)
    left = [path for path in tmp_path.rglob("*") if not path.is_dir() or path.is_symlink()]
    assert len(left) == 3 * 4 * 3
    assert {path.name for path in tmp_path.glob("d1/moved*")} == {"moved0-0", "moved0-2"}


def test_a_reproducer_is_a_script(tmp_path: Path) -> None:
    for name in ("enospc-small-files", "compression-mix", "shell"):
        make = WORKLOADS[name].script
        assert make is not None
        parameters = {rule.name: rule.default for rule in WORKLOADS[name].parameters}
        text = reproducer_script(
            make(parameters), file_system=BTRFS, size_mib=256, mkfs="-m dup", mount="x='$(y)'"
        )
        file = tmp_path / "reproducer.sh"
        file.write_text(text)
        subprocess.run(["sh", "-n", str(file)], check=True)
        assert "mkfs.btrfs -q -f -b 256M -m dup" in text
        if name != "compression-mix":
            assert max(map(len, text.split("\n"))) <= 72
        assert """mount -o 'x='"'"'$(y)'"'"''""" in text


def test_tests_are_a_script_too(tmp_path: Path) -> None:
    options = {"FSTYP": "btrfs", "MOUNT_OPTIONS": "-o compress=lzo"}
    text = check_script(["btrfs/001", "$(x)/1"], options=options, rounds=5)
    file = tmp_path / "reproducer.sh"
    file.write_text(text)
    subprocess.run(["sh", "-n", str(file)], check=True)
    assert "export FSTYP=btrfs MOUNT_OPTIONS='-o compress=lzo'" in text
    assert "./check btrfs/001; ./check '$(x)/1'" in text
    assert "for round in 1 2 3 4 5; do" in text


def test_commands_of_the_user_s_own() -> None:
    plan = plan_of(WORKLOADS["shell"], {"write": "touch $MNT/a\ntouch $MNT/b", "remove": " "})
    assert plan.write == (("env", "MNT={mnt}", "sh", "-c", "touch $MNT/a\ntouch $MNT/b"),)
    assert plan.remove == ()


def test_loops_remove_in_between() -> None:
    plan = plan_of(WORKLOADS["enospc-small-files"], {"loops": 3})
    assert [argv[1] for argv in plan.write] == ["fill", "remove", "fill", "remove", "fill"]
    assert [argv[1] for argv in plan.remove] == ["remove"]


@pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc")
def test_fsload_understands_every_command(tmp_path: Path) -> None:
    """The mix, as planned, on a directory of this host (but for dropping its caches)."""
    program = tmp_path / "fsload"
    subprocess.run(["gcc", "-O1", "-o", str(program), str(FSLOAD_SOURCE)], check=True)
    place = tmp_path / "mnt"
    place.mkdir()
    for name, parameters in (
        ("enospc-small-files", {"files": 20}),
        ("compression-mix", {"copies": 1}),
        ("cache-left-behind", {"mib": 1}),
    ):
        plan = plan_of(WORKLOADS[name], dict(parameters))
        for argv in chain(plan.write, plan.exercise, plan.remove):
            if argv[0] == "fsload":
                words = [word.replace("{mnt}", str(place)) for word in argv[1:]]
                done = subprocess.run(
                    [str(program), *words], capture_output=True, text=True, check=False
                )
                assert done.returncode == 0, (argv, done.stderr)
