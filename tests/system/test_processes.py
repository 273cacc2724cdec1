"""Commands: status, output, deadline, and an end with us."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from anyclue.system.processes import CommandError, Completed, run, start, stop


def do(*argv: str, **options: object) -> Completed:
    settings = {"deadline_s": 20.0, **options}
    return asyncio.run(run(argv, **settings))  # type: ignore[arg-type]


def sh(script: str, **options: object) -> Completed:
    return do("sh", "-c", script, **options)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def gone(pid: int) -> bool:
    """Wait for a process to end; a deadline, so that a failure ends."""
    deadline = time.monotonic() + 20
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def test_output_and_status() -> None:
    done = sh("echo out; echo err >&2; exit 3", check=False)
    assert done == Completed(argv=done.argv, status=3, stdout="out\n", stderr="err\n")
    assert sh("kill -9 $$", check=False).status == -signal.SIGKILL


def test_a_failure_shows_the_command_and_the_tail_of_its_output() -> None:
    with pytest.raises(CommandError) as caught:
        sh("for i in $(seq 100); do echo line $i; done; echo why >&2; exit 7")
    text = str(caught.value)
    assert text.startswith("exit status 7: sh -c 'for i in")
    assert "line 100" in text
    assert "why" in text
    assert "line 80\n" not in text
    assert caught.value.argv[0] == "sh"


def test_arguments_are_never_a_shell_line() -> None:
    assert do("printf", "%s|", "a b", "$(id)", ";", "*").stdout == "a b|$(id)|;|*|"


def test_output_that_is_no_text() -> None:
    assert sh(r"printf '\377\0a'").stdout == "\ufffd\0a"


def test_what_cannot_start(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no-such-program-of-anyclue"):
        do("no-such-program-of-anyclue")
    with pytest.raises(CommandError, match="cannot start"):
        do("true", cwd=tmp_path / "nowhere")


def test_environment_directory_and_input(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("from a file")
    done = sh('echo "$X $LC_ALL"; pwd; cat', env={"X": "1"}, cwd=tmp_path, stdin=tmp_path / "in")
    assert done.stdout == f"1 C.UTF-8\n{tmp_path}\nfrom a file"
    assert sh("cat").stdout == ""


def test_a_deadline_ends_the_whole_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anyclue.system.processes.SOFT_STOP_S", 0.3)
    script = "trap '' TERM; sleep 300 & echo $! >pids; echo $$ >>pids; wait; sleep 300"
    with pytest.raises(CommandError, match="still running after 1 s"):
        sh(script, deadline_s=1, cwd=tmp_path)
    pids = [int(line) for line in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 2
    assert all(map(gone, pids))


def test_a_background_job_that_holds_the_output_ends_too(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="still running"):
        sh("sleep 300 & echo $! >pid", deadline_s=1, cwd=tmp_path)
    assert gone(int((tmp_path / "pid").read_text()))


def test_stopping_is_soft_first(tmp_path: Path) -> None:
    async def soft() -> int | None:
        script = "trap 'echo bye >said; exit 5' TERM; echo x >ready; while :; do sleep 0.05; done"
        process = await start(("sh", "-c", script), stdout=None, stderr=None, cwd=tmp_path)
        while not (tmp_path / "ready").exists():
            await asyncio.sleep(0.02)
        await stop(process)
        await stop(process)  # again is harmless
        return process.returncode

    assert asyncio.run(soft()) == 5
    assert (tmp_path / "said").read_text() == "bye\n"


PARENT = """
import asyncio, sys
from anyclue.system.processes import start
async def main():
    process = await start(("sleep", "300"), stdout=None, stderr=None)
    while b"sleep" not in open(f"/proc/{process.pid}/cmdline", "rb").read().split(b"\\0")[0]:
        await asyncio.sleep(0.01)
    print(process.pid, flush=True)
    await process.wait()
asyncio.run(main())
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_children_die_with_us(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert alive(child)
        os.kill(parent.pid, number)
        parent.wait()
        assert gone(child)
