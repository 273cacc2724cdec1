"""What a hunt leaves when it is killed, told to stop, or runs out of disk."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.slow.conftest import Hunts

pytestmark = pytest.mark.slow

GONE_S = 120
"""How long something is waited for; it takes a second, on a machine that has time for it."""


def outcomes(run: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in run.glob("cells/*/trial-*/outcome.json")}


def until(condition: object, seconds: float = GONE_S) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if callable(condition) and condition():
            return True
        time.sleep(0.1)
    return False


def test_kill_9_at_random_moments_then_resume(hunts: Hunts, tmp_path: Path) -> None:
    scenario = hunts.root / "scenarios/lzo-leak.toml"
    run = tmp_path / "run"
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    moments = random.Random(seed)
    arguments: tuple[str | Path, ...] = (scenario, "--out", run)
    for _ in range(3):
        process = hunts.start("hunt", *arguments)
        time.sleep(moments.uniform(8, 30))
        process.kill()
        process.communicate()
        assert until(lambda: not hunts.guests_of(run)), "a guest outlived its hunt"
        before = outcomes(run)
        if (run / "plan.json").exists():  # else it was killed before it was a run
            arguments = ("--resume", run)
    status, _, err = hunts.run("hunt", *arguments)
    assert status == 1, err
    after = outcomes(run)
    assert {path: after[path] for path in before} == before, "a trial with an outcome was repeated"
    assert not list(run.glob("cells/*/.trial-*"))
    verdicts = {name: cell["verdict"] for name, cell in hunts.verdicts(run).items()}
    leaks = {name for name, verdict in verdicts.items() if verdict == "leak"}
    assert leaks == {f"bad.{m}.default.lzo.small-files" for m in ("i386-2g", "x86_64-2g")}
    assert set(verdicts.values()) == {"leak", "clean"}


SHORT = """\
schema = 1
title = "A guest that is stopped for a while"
[kernels.good]
debian = "6.1"
[machines.small]
arch = "i386"
ram = "512 MiB"
[mount]
none = ""
[workloads.files]
use = "enospc-small-files"
files = 100
[limits]
rounds = 5
round_seconds = 30
extra_trials = 0
"""


def test_a_guest_that_is_stopped_longer_than_a_round_may_take(hunts: Hunts, tmp_path: Path) -> None:
    """Nor does it say anything of its kernel."""
    scenario, run = tmp_path / "short.toml", tmp_path / "run"
    scenario.write_text(SHORT)
    process = hunts.start("hunt", scenario, "--out", run, "--no-clue")
    assert until(lambda: hunts.guests_of(run), seconds=GONE_S * 5), "no guest was started"
    guests = hunts.guests_of(run)
    for guest in guests:
        os.kill(guest, signal.SIGSTOP)
    time.sleep(45)
    for guest in guests:
        os.kill(guest, signal.SIGCONT)
    _, err = process.communicate()
    assert process.returncode == 0, err
    assert [cell["verdict"] for cell in hunts.verdicts(run).values()] == ["clean"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_told_to_stop(hunts: Hunts, tmp_path: Path, number: signal.Signals) -> None:
    run = tmp_path / "run"
    process = hunts.start("hunt", hunts.root / "scenarios/lzo-leak.toml", "--out", run)
    assert until(lambda: bool(hunts.guests_of(run)), seconds=400)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "--resume" in err
    assert not hunts.guests_of(run)
    assert not list(run.glob("cells/*/.trial-*"))


@pytest.mark.parametrize("mib", [1, 8])
def test_disk_full(hunts: Hunts, tmp_path: Path, mib: int) -> None:
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "small", place], check=False
    )
    if mounted.returncode != 0:
        pytest.skip("only root can mount a small tmpfs")
    try:
        run = place / "run"
        scenario = hunts.root / "scenarios/lzo-leak.toml"
        status, _, err = hunts.run("hunt", scenario, "--no-clue", "--out", run)
        assert status == 3
        assert "No space left" in err or "disk cannot be written" in err
        assert "Traceback" not in err
        subprocess.run(["mount", "-o", "remount,size=512m", place], check=True)
        assert hunts.run("hunt", "--no-clue", "--resume", run)[0] == 1
    finally:
        subprocess.run(["umount", place], check=True)


def test_without_root(hunts: Hunts, tmp_path: Path) -> None:
    """A lean guest needs no root: no privilege at all, and a cache of its own."""
    unprivileged = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--")
    if subprocess.run([*unprivileged, "true"], check=False).returncode != 0:
        pytest.skip("no user namespace can be made here")
    text = (hunts.root / "scenarios/good-against-good.toml").read_text()
    only = 'include = [{ kernel = "as-packaged", machine = "i386-2g", mount = "lzo" }]\n'
    scenario = tmp_path / "scenario.toml"
    scenario.write_text(text[: text.index("reference =")] + only)
    command = (hunts.root / ".venv/bin/anyclue", "hunt", scenario, "--out", tmp_path / "run")
    ran = subprocess.run(
        [*unprivileged, *command],
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
        check=False,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
