"""`anyclue record` on this machine, with a small real workload and without QEMU."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anyclue.cli.main import main
from anyclue.model.machine_recording import WHOLE_COMMAND
from anyclue.model.verdict import Verdict
from anyclue.record.judge import judge
from anyclue.record.reader import read_machine_recording
from anyclue.record.render.notes import recording_notes

if TYPE_CHECKING:
    from tests.record.recorder.conftest import Run

CHECK = """
for test in generic/001 btrfs/024; do
    echo "run fstests $test at $(date '+%F %T')" >/dev/kmsg
    for k in $(seq 60); do head -c 3000 /dev/zero >$1/$k; done
    sync -f $1; rm $1/*; sleep 0.8
done
exit 3
"""


@contextmanager
def started(archive: Path, *arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """The recorder in the background; killed in the end if it still runs."""
    command = [sys.executable, "-I", str(archive), *map(str, arguments)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def samples(run: Path) -> int:
    return len(read_machine_recording(run).timeline) if (run / "stream.gz").exists() else 0


def test_a_check_on_btrfs_is_charged_by_test(
    recorder: Run, btrfs: Path, kmsg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del kmsg
    run = tmp_path / "run"
    done = recorder("--out", run, "--hz", "10", "--", "sh", "-c", CHECK, "sh", btrfs)
    assert done.returncode == 3, done.stderr
    tests = {test.test: test for test in judge(run).findings.tests}
    assert list(tests) == ["generic/001", "btrfs/024"]
    for test in tests.values():
        (only,) = test.runs
        assert test.verdict is Verdict.UNPROVEN
        assert only.step_kib is not None
        assert only.peak_kib is not None
        assert only.span.end_s is not None
        assert 0.5 < only.span.end_s - only.span.begin_s < 20
    assert main(["report", str(run)]) == 3
    out = capsys.readouterr().out
    assert "btrfs/024" in out
    assert f"report: {run / 'report.html'}" in out
    assert "generic/001" in (run / "report.txt").read_text()
    page = (run / "report.html").read_text()
    assert "generic/001" in page
    assert "<svg" in page


def test_quiesced_floors(recorder: Run, btrfs: Path, kmsg: Path, tmp_path: Path) -> None:
    del kmsg
    run = tmp_path / "run"
    options = ("--out", run, "--hz", "10", "--quiesce", "--")
    assert recorder(*options, "sh", "-c", CHECK, "sh", btrfs).returncode == 3
    recorded = read_machine_recording(run)
    assert len(recorded.floors) == 4  # before, one at each test, behind
    assert all(r.quiesced for test in judge(run).findings.tests for r in test.runs)


def test_without_tests_the_command_is_one_span(recorder: Run, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert recorder("--out", run, "--hz", "20", "--", "sleep", "0.5").returncode == 0
    (test,) = judge(run).findings.tests
    assert test.test == WHOLE_COMMAND
    assert test.runs[0].step_kib is not None


def test_kill_9_leaves_a_readable_run(archive: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with started(archive, "--out", run, "--hz", "20", "--", "sleep", "4") as process:
        wait_until(lambda: samples(run) > 30)  # after the quiet second, in the command
        process.kill()
        process.wait()
    recorded = read_machine_recording(run)
    assert recorded.ended is None
    assert len(recorded.timeline) > 30
    assert "meminfo.MemFree" in recorded.timeline[-1].counters
    findings = judge(run).findings
    assert all(test.verdict is Verdict.UNPROVEN for test in findings.tests)
    assert any("killed" in note for note in recording_notes(recorded))


def test_attached_until_the_process_ends(archive: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with subprocess.Popen(["sleep", "1.5"]) as beside:
        options = ("--attach", "--pid", str(beside.pid), "--hz", "20", "--out", run)
        with started(archive, *options) as process:
            assert process.wait(30) == 0
    assert read_machine_recording(run).ended == "ended"


def test_attached_until_ctrl_c(archive: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with started(archive, "--attach", "--hz", "20", "--out", run) as process:
        wait_until(lambda: samples(run) > 3)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    assert read_machine_recording(run).ended == "stopped"


def test_sigterm_is_handed_on(archive: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    ready = tmp_path / "ready"
    command = ("sh", "-c", "trap 'exit 9' TERM; >$1; while :; do sleep 0.1; done", "sh", ready)
    with started(archive, "--hz", "20", "--out", run, "--", *command) as process:
        wait_until(ready.exists)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 9


def state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "gone"


def test_kill_9_while_the_command_stands_still_does_not_leave_it_so(
    archive: Path, kmsg: Path, tmp_path: Path
) -> None:
    if os.geteuid() != 0:
        pytest.skip("--quiesce needs root")
    del kmsg
    pid_file = tmp_path / "pid"
    # Many tests, each with a quiesce before it: on a busy machine one of them is easily missed.
    begin = "echo run fstests generic/00$n at 2026 >/dev/kmsg"
    script = f"echo $$ >$1; for n in $(seq 60); do {begin}; sleep 0.5; done"
    options = ("--quiesce", "--hz", "5", "--out", tmp_path / "run", "--")
    with started(archive, *options, "sh", "-c", script, "sh", pid_file) as process:
        wait_until(lambda: pid_file.exists() and bool(pid_file.read_text()))
        pid = int(pid_file.read_text())
        wait_until(lambda: state(pid) == "T")
        process.kill()
        process.wait()
        wait_until(lambda: state(pid) != "T")
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def test_a_full_disk_ends_the_recording_and_not_the_command(recorder: Run, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    small, after = tmp_path / "small", tmp_path / "after"
    small.mkdir()
    mount: list[str | Path] = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", small]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("tmpfs cannot be mounted")
    try:
        command = ("sh", "-c", "sleep 2; >$1", "sh", after)
        done = recorder("--hz", "50", "--out", small / "run", "--", *command)
        recorded = read_machine_recording(small / "run")
    finally:
        subprocess.run(["umount", small], check=True)
    assert done.returncode == 3
    assert "the recording ends here, the command goes on: No space left" in done.stderr
    assert after.exists()
    assert recorded.ended is None
    assert recorded.timeline


def test_without_root_it_says_what_it_cannot_read() -> None:
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("becoming nobody needs root and setpriv")
    if not os.access("/usr/bin/python3", os.X_OK):
        pytest.skip("no Python that nobody may run")
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    open_to_all = Path(f"/tmp/anyclue-{os.getpid()}")
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    archive = open_to_all / "record.pyz"
    root = Path(__file__).parents[3]
    subprocess.run([root / "tools" / "build-zipapp", archive], check=True, capture_output=True)
    run = open_to_all / "run"
    try:
        command: list[str | Path] = [
            *nobody,
            "/usr/bin/python3",
            archive,
            "--out",
            run,
            "--",
            "true",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        for name in ("slabinfo", "vmallocinfo"):
            assert f"cannot read {name}: Permission denied; only root" in done.stderr
        recorded = read_machine_recording(run)
        assert {"slabinfo", "vmallocinfo"} <= recorded.machine.unread.keys()
        assert any("not read: slabinfo" in note for note in recording_notes(recorded))
    finally:
        shutil.rmtree(open_to_all)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "there is nothing to record"),
        (("--attach", "--", "true"), "not both"),
        (("--pid", "1", "--", "true"), "--pid goes with --attach"),
        (("--hz", "0", "--", "true"), "must be 0.5 to 50"),
        (("--", "no-such-command"), "there is no such command"),
        (("--attach", "--quiesce"), "--quiesce needs root and a command"),
        (("--attach", "--pid", "4194305"), "there is no process"),
    ],
)
def test_mistakes(
    arguments: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main(["record", "--out", str(run), *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not run.exists()


def test_a_directory_that_is_not_empty_is_kept(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    assert main(["record", "--out", str(tmp_path), "--", "true"]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
