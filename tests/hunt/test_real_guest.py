"""One real cell in a real guest: Debian's own 6.1 for i386, 512 MiB, the user's cache."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import platformdirs
import pytest

from anyclue.cli.main import main
from anyclue.model.recording import MarkName, Outcome, Recording
from anyclue.recordings.store import read_recording

pytestmark = [
    pytest.mark.guest,
    pytest.mark.skipif(not shutil.which("qemu-system-i386"), reason="no qemu-system-i386"),
]

ROOT = Path(__file__).parents[2]
ROUNDS = 3
FILES = 100
SCENARIO = f"""\
schema = 1
title = "one real cell"
[kernels.debian]
debian = "6.1"
[machines.small]
arch = "i386"
ram = "512 MiB"
[mount]
lzo = "compress=lzo"
[workloads.files]
use = "enospc-small-files"
files = {FILES}
[limits]
rounds = {ROUNDS}
trials = 1
extra_trials = 0
"""


@dataclass(frozen=True, kw_only=True)
class Run:
    status: int
    out: str
    err: str
    path: Path

    @property
    def trial(self) -> Path:
        (found,) = self.path.glob("cells/*/trial-1")
        return found


def anyclue(*arguments: str, run: Path) -> Run:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(arguments)
    return Run(status=status, out=out.getvalue(), err=err.getvalue(), path=run)


def hunt(directory: Path, text: str = SCENARIO, name: str = "run") -> Run:
    scenario = directory / "cell.toml"
    scenario.write_text(text)
    return anyclue("hunt", str(scenario), "--out", str(directory / name), run=directory / name)


@pytest.fixture(scope="module")
def hunted(tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = hunt(tmp_path_factory.mktemp("real"))
    assert (run.path / "verdicts.json").is_file(), run.err
    return run


@pytest.fixture(scope="module")
def recording(hunted: Run) -> Recording:
    return read_recording(hunted.trial)


def link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copyfile(source, target)


@pytest.fixture
def private_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hunted: Run) -> Path:
    """A cache with everything of the user's in it, and snapshots that may be damaged."""
    users = Path(platformdirs.user_cache_dir("anyclue"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    cache = Path(platformdirs.user_cache_dir("anyclue"))
    (cache / "store").mkdir(parents=True)
    for name in ("apt", "workbenches"):
        (users / name).mkdir(exist_ok=True)
        (cache / name).symlink_to(users / name)
    shutil.copy(users / "accelerator.json", cache)
    for kind in ("packages", "tools"):
        (cache / "store" / kind).symlink_to(users / "store" / kind)
    for kind in ("kernel", "initramfs"):
        shutil.copytree(users / "store" / kind, cache / "store" / kind, copy_function=link)
    for manifest in (users / "store/snapshot").glob("*/manifest.json"):
        inputs = json.loads(manifest.read_text())["inputs"]
        if (inputs["ram_mib"], inputs["arch"]) == (512, "i386"):
            shutil.copytree(manifest.parent, cache / "store/snapshot" / manifest.parent.name)
    assert hunted.status != 2
    return cache


def test_it_passed(hunted: Run, recording: Recording) -> None:
    assert recording.outcome is Outcome.PASSED, recording.detail
    assert recording.incident is None
    assert hunted.status in (0, 3)  # three rounds may prove little
    assert "report:" in hunted.out
    assert "trial 1/1" in hunted.err


def test_marks_are_complete(recording: Recording) -> None:
    in_round = list(MarkName)[1:-1]
    expected = [(name, number) for number in range(1, ROUNDS + 1) for name in in_round]
    whole = [(MarkName.TRIAL_BEGIN, 0), *expected, (MarkName.TRIAL_END, 0)]
    assert [(mark.name, mark.round) for mark in recording.marks] == whole
    times = [mark.t_s for mark in recording.marks]
    assert times == sorted(times)


def test_samples_come_at_the_rate(recording: Recording) -> None:
    """At 5 Hz; the agent does not sample while it quiesces, nor when the host is busy."""
    begin, end = recording.marks[0].t_s, recording.marks[-1].t_s
    during = [sample for sample in recording.timeline if begin <= sample.t_s <= end]
    explicit = ROUNDS * 4
    most = (end - begin) * 5 + 2 + explicit
    assert explicit + ROUNDS <= len(during) <= most
    for sample in during:
        assert {"meminfo.MemFree", "pcp.total", "vmstat.nr_free_pages"} <= sample.counters.keys()
        assert any(name.startswith("slab_objects.btrfs") for name in sample.counters)
        assert any(name.startswith("vmalloc_kib.") for name in sample.counters)


def test_floors_are_read(recording: Recording) -> None:
    assert [r.number for r in recording.rounds] == [1, 2, 3]
    for r in recording.rounds:
        assert r.floor is not None
        assert r.settled is not None
        free = r.floor.counters["meminfo.MemFree"]
        assert 0 < free < r.floor.counters["meminfo.MemTotal"] <= 512 * 1024


def test_the_cell_did_what_it_claims(recording: Recording) -> None:
    for r in recording.rounds:
        assert r.facts["files"] == FILES
        assert r.facts["enospc"] == 0
        assert int(r.facts["extents_lzo"]) > 0
        assert "compress=lzo" in str(r.facts["mount_options"]).split(",")
        assert r.facts["quiesced"] == 1


def test_a_check_that_fails_would_have_been_seen(recording: Recording) -> None:
    """`btrfs check` ran in the last round: a trial that passed has its last round's end."""
    assert recording.rounds[-1].end_s is not None
    assert any("BTRFS" in line.text or "btrfs" in line.text for line in recording.kernel_log)


def test_verdicts_are_of_the_published_form(hunted: Run) -> None:
    schema: dict[str, Any] = json.loads((ROOT / "docs/verdicts.schema.json").read_text())
    verdicts = json.loads((hunted.path / "verdicts.json").read_text())
    jsonschema.validate(verdicts, schema)
    (cell,) = verdicts["cells"]
    assert cell["outcome"] == "passed"
    assert cell["verdict"] in ("clean", "unproven")


def test_nothing_is_left_but_the_recording(hunted: Run) -> None:
    names = {"samples.parquet", "marks.jsonl", "kmsg.log", "console.log", "qemu.log"}
    assert {file.name for file in hunted.trial.iterdir()} == names | {"outcome.json"}
    assert [path.name for path in hunted.trial.parent.iterdir()] == ["trial-1"]
    assert not processes_about(hunted.path)


def test_a_kernel_that_does_not_boot(private_cache: Path, tmp_path: Path) -> None:
    assert private_cache.is_dir()
    (tmp_path / "image").write_text("this is no kernel\n" * 2000)
    text = SCENARIO.replace('debian = "6.1"', f'image = "{tmp_path}/image"')
    run = hunt(tmp_path, text.replace("[limits]", "[limits]\nboot_seconds = 20"))
    assert run.status == 3
    assert run.out == ""
    (error,) = [line for line in run.err.splitlines() if line.startswith("anyclue: error:")]
    assert "boot" in error or "QEMU did not start" in error
    assert "Traceback" not in run.err


def test_a_damaged_snapshot(private_cache: Path, tmp_path: Path) -> None:
    states = list(private_cache.glob("store/snapshot/*/state"))
    assert states
    for state in states:
        with state.open("r+b") as file:
            file.seek(state.stat().st_size // 2)
            file.write(b"\xff" * 64)
    first = hunt(tmp_path)
    assert first.status == 3
    assert "the cached snapshot is damaged: state" in first.err
    assert "run again" in first.err
    again = anyclue("hunt", "--resume", str(first.path), run=first.path)
    assert again.status in (0, 3)
    assert read_recording(again.trial).outcome is Outcome.PASSED


def processes_about(path: Path) -> list[int]:
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if str(path).encode() in (directory / "cmdline").read_bytes():
                found.append(int(directory.name))
    return found


@contextlib.contextmanager
def hunting(scenario: Path, run: Path) -> Iterator[subprocess.Popen[str]]:
    argv = ["-c", "from anyclue.cli.main import entry; entry()", "hunt", str(scenario)]
    with subprocess.Popen(
        [sys.executable, *argv, "--out", str(run)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_sigterm_and_resume(hunted: Run, tmp_path: Path) -> None:
    assert hunted.status != 2
    scenario, run = tmp_path / "cell.toml", tmp_path / "run"
    scenario.write_text(SCENARIO.replace(f"rounds = {ROUNDS}", "rounds = 4"))
    with hunting(scenario, run) as process:
        deadline = time.monotonic() + 90
        while not any(run.glob("cells/*/.trial-1.*/telemetry")):  # a guest is running
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert out == ""
    assert f"--resume {run}" in err
    assert "Traceback" not in err
    assert processes_about(run) == []
    assert list(run.glob("cells/*/*")) == []
    resumed = anyclue("hunt", "--resume", str(run), run=run)
    assert resumed.status in (0, 3)
    assert read_recording(resumed.trial).outcome is Outcome.PASSED
