"""The command: exit codes, what goes where, and what may reach a terminal."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer.main

import anyclue.cli.main
from anyclue.cli.main import app, main
from anyclue.cli.output import run_until_stopped
from anyclue.model.errors import InfrastructureError
from anyclue.model.scenario import Arch
from anyclue.system.debian_archive import Mirror, MirrorOrigin
from anyclue.trial import doctor as trial_doctor
from anyclue.trial.doctor import Check, CheckState
from anyclue.trial.kernels.catalogue import Catalogue, CatalogueEntry
from anyclue.trial.kernels.preparation import Kernels
from anyclue.version import __version__

SCENARIO = """\
schema = 1
title = "two kernels"
[kernels.bad]
debian = "6.1"
[kernels.good]
debian = "6.1"
[machines.small]
arch = "i386"
ram = "512 MiB"
[workloads.files]
use = "enospc-small-files"
[plan]
reference = { kernel = "good" }
"""
COMMAND: Any = typer.main.get_command(app)
VERBS = list(COMMAND.commands)
MODULES_OF_NO_VERB = {"__init__", "main", "output"}
HEAVY = {"altair", "anyclue.hunt", "anyclue.trial", "numpy", "polars", "pydantic", "scipy"}
"""What a verb imports when it runs, and no help waits for."""
Output = pytest.CaptureFixture[str]
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: Output, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Call the command in an empty directory, with an empty cache; return status and output."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def run(*arguments: object) -> tuple[int, str, str]:
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    file = tmp_path / "s.toml"
    file.write_text(SCENARIO)
    return file


def test_version(call: Call) -> None:
    assert call("--version") == (0, f"anyclue {__version__}\n", "")


def test_help(call: Call) -> None:
    status, out, err = call("--help")
    assert (status, err) == (0, "")
    assert out.startswith("Usage: ")
    assert out == call("-h")[1]
    listed = re.findall(r"^  (\w+) {2,}\S", out.partition("Commands:")[2], re.MULTILINE)
    assert listed == VERBS


def test_every_module_of_the_command_is_a_verb() -> None:
    modules = {file.stem for file in Path(anyclue.cli.main.__file__).parent.glob("*.py")}
    assert modules - MODULES_OF_NO_VERB == set(VERBS)


def test_help_imports_no_more_than_options_need() -> None:
    code = (
        "import sys; from anyclue.cli.main import main; main(['--help']);"
        "print(*sys.modules, file=sys.stderr)"
    )
    argv = [sys.executable, "-c", code]
    done = subprocess.run(argv, check=True, capture_output=True, text=True)
    assert not HEAVY & set(done.stderr.split())


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_a_verb(call: Call, verb: str) -> None:
    status, out, err = call(verb, "--help")
    assert (status, err) == (0, "")
    assert re.match(rf"Usage: .*\b{verb}\b", out)
    assert out == call(verb, "-h")[1]
    command = COMMAND.commands[verb]
    assert " ".join(command.help.split()) in " ".join(out.split())
    assert f"Example: {command.epilog.removeprefix('Example: ')}" in " ".join(out.split())
    assert verb in command.epilog.split()
    for parameter in command.params:
        assert parameter.help, f"{verb} {parameter.name}"
        name = parameter.opts[0] if parameter.param_type_name == "option" else None
        assert name is None or name in out


@pytest.mark.parametrize(
    "arguments",
    [
        ["dance"],
        ["--dance"],
        ["hunt", "--dance"],
        ["hunt", "s.toml", "more"],
        ["hunt"],
        ["hunt", "s.toml", "--resume", "run"],
        ["hunt", "--resume", "run", "--out", "other"],
        ["hunt", "s.toml", "--jobs", "0"],
        ["hunt", "s.toml", "--follow-ups", "-1"],
        ["hunt", "s.toml", "--jobs", "many"],
        ["hunt", "nowhere.toml"],
        ["plan"],
        ["plan", "nowhere.toml"],
        ["judge", "nowhere"],
        ["report", "."],
        ["hunt", "--resume", "nowhere"],
        ["shell", "no.such.cell", "--scenario", "s.toml"],
    ],
)
def test_a_wrong_request(call: Call, scenario: Path, arguments: list[str]) -> None:
    assert scenario.is_file()
    status, out, err = call(*arguments)
    assert (status, out) == (2, "")
    assert err
    assert "Traceback" not in err
    assert {path.name for path in scenario.parent.iterdir()} <= {"s.toml", "cache"}


def test_every_mistake_in_options_and_scenario_is_told_at_once(call: Call, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(SCENARIO.replace("ram", "rma"))
    options = ("--jobs", "0", "--follow-ups", "-1", "--time", "soon")
    status, out, err = call("hunt", "bad.toml", *options)
    assert (status, out) == (2, "")
    assert "--jobs: must be at least 1, not 0" in err
    assert "--follow-ups: must be at least 0, not -1" in err
    assert "'soon' is no time" in err
    assert "rma" in err


def test_a_bad_scenario_tells_every_mistake(call: Call, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(SCENARIO.replace("ram", "rma") + "[limits]\nrounds = 0\n")
    status, out, err = call("plan", "bad.toml")
    assert (status, out) == (2, "")
    assert "rma" in err
    assert "rounds" in err
    for content in (b"\xff\xfe", b"", b"[", b"\0" * 100):
        (tmp_path / "bad.toml").write_bytes(content)
        for verb in ("plan", "hunt"):
            status, out, err = call(verb, "bad.toml")
            assert (status, out) == (2, "")
            assert err.startswith("anyclue: error: ")


def test_plan(call: Call, scenario: Path) -> None:
    status, out, err = call("plan", scenario)
    assert (status, err) == (0, "")
    assert "bad.small.default.default.files" in out
    status, out, err = call("plan", scenario, "--json")
    assert (status, err) == (0, "")
    assert json.loads(out)


def test_hostile_text_in_an_error_is_cleaned(call: Call) -> None:
    status, out, err = call("plan", "a\x1b]0;title\x07\x1b[2J\x9b31m\u202eb.toml")
    assert (status, out) == (2, "")
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(err)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"{", b"[]", b"{}", b'{"schema": "x"}'])
def test_a_damaged_plan(call: Call, tmp_path: Path, content: bytes) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "plan.json").write_bytes(content)
    for arguments in (("judge", run), ("report", run), ("hunt", "--resume", run)):
        status, out, err = call(*arguments)
        assert (status, out) == (2, "")
        assert err.startswith("anyclue: error: ")


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody ask the archive, or install a thing."""

    async def catalogue(_: object, _arches: object) -> Catalogue:
        return replace(CATALOGUE, entries=())

    async def install(packages: Sequence[str]) -> None:
        raise InfrastructureError(f"would install {' '.join(packages)}")

    monkeypatch.setattr(Kernels, "catalogue", catalogue)
    monkeypatch.setattr(trial_doctor, "install", install)


@pytest.mark.usefixtures("offline")
def test_a_machine_without_kernels_cannot_hunt(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    async def examine(_: object) -> tuple[Check, ...]:
        return (Check(name="qemu", state=CheckState.OK, detail="/usr/bin/qemu"),)

    monkeypatch.setattr(trial_doctor, "examine", examine)
    status, out, _ = call("doctor")
    assert status == 3
    assert "This machine can hunt" not in out
    assert "no package lists of sid" in out
    assert "anyclue kernels --mirror URI" in out


@pytest.mark.usefixtures("offline")
def test_doctor_installs_what_is_missing_when_told_to(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def examine(_: object) -> tuple[Check, ...]:
        return tuple(
            Check(name=name, state=state, detail="", remedy="x", package=package)
            for name, state, package in (
                ("make", CheckState.MISSING, "make"),
                ("cache", CheckState.MISSING, ""),
                ("git", CheckState.NOTE, "git"),
            )
        )

    monkeypatch.setattr(trial_doctor, "examine", examine)
    assert call("doctor")[0] == 3
    status, _, err = call("doctor", "--fix")
    assert status == 3
    assert "would install make\n" in err


@pytest.mark.usefixtures("offline")
def test_doctor(call: Call) -> None:
    status, out, _ = call("doctor", "--json")
    document = json.loads(out)
    missing = [check for check in document["checks"] if check["state"] == "missing"]
    assert status == (3 if missing else 0)
    assert document["schema"] == "anyclue.doctor/1"
    assert {check["state"] for check in document["checks"]} <= {"ok", "note", "missing"}
    assert all(check["remedy"] for check in missing)


def test_a_reader_that_went_away(scenario: Path) -> None:
    argv = [sys.executable, "-c", "from anyclue.cli.main import entry; entry()", "plan"]
    with subprocess.Popen(
        [*argv, str(scenario)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
    assert "Traceback" not in err


def test_being_stopped_is_told() -> None:
    async def work() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(60)

    with pytest.raises(InfrastructureError, match="every finished trial is kept") as caught:
        run_until_stopped(work(), Path("runs/x"))
    assert "--resume runs/x" in str(caught.value)
    with pytest.raises(InfrastructureError) as caught:
        run_until_stopped(work())
    assert str(caught.value) == "stopped"  # there is no run to go on with


@pytest.mark.parametrize("arguments", [["step"], ["step", "--no-such"], ["-q", "step", "no.toml"]])
def test_a_step_that_fails_cannot_tell(arguments: list[str]) -> None:
    assert main(arguments) == 125


CATALOGUE = Catalogue(
    mirror=Mirror(
        main="http://m/debian", security="http://m/debian-security", origin=MirrorOrigin.HOST
    ),
    host="bookworm",
    entries=tuple(
        CatalogueEntry(
            series=series,
            version=f"{series}.9-1",
            suites=(suite,),
            arches=arches,
            from_source=(),
            cached=arches[:1],
            of=of,
            compilers=("gcc-14",) if arches else (),
            newest=bool(arches),
        )
        for series, suite, of, arches in (
            ("6.1", "bookworm-security", "bookworm", (Arch.I386, Arch.X86_64)),
            ("6.12", "trixie", "trixie", (Arch.X86_64,)),
            ("7.0", "trixie-backports", None, ()),
        )
    ),
    missing_suites=("forky-backports",),
    failures=("no package lists of sid",),
)


def test_kernels_on_offer(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    async def catalogue(_: object, _arches: object) -> Catalogue:
        return CATALOGUE

    monkeypatch.setattr(Kernels, "catalogue", catalogue)
    status, out, _ = call("kernels")
    assert status == 0
    rows = [line.split() for line in out.splitlines()]
    own = ["6.1", "6.1.9-1", "bookworm", "bookworm-security", "i386,", "x86_64", "i386"]
    assert rows[1] == [*own, "gcc-14,", "the", "host's"]
    assert rows[2] == [
        *("6.12", "6.12.9-1", "trixie", "trixie", "x86_64", "x86_64", "gcc-14", "of", "trixie")
    ]
    assert "7.0" not in out
    assert "http://m/debian, http://m/debian-security (host)" in out
    assert "forky-backports" in out
    assert "not asked: no package lists of sid" in out
    assert "headers or source are gone" in call("kernels", "--all")[1]
    document = json.loads(call("kernels", "--json")[1])
    assert document["schema"] == "anyclue.kernels/1"
    assert [entry["version"] for entry in document["entries"]] == [
        *("6.1.9-1", "6.12.9-1", "7.0.9-1")
    ]


def test_a_mirror_that_is_none(call: Call) -> None:
    status, out, err = call("kernels", "--mirror", "nonsense")
    assert (status, out) == (2, "")
    assert "no address of a mirror" in err
