"""Exit status 1 means "regression found": nothing that goes wrong with a stream may give it."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
ANYCLUE = ROOT / ".venv/bin/anyclue"
PLAN = f"{ANYCLUE} plan --json {ROOT}/scenarios/lzo-leak.toml"


def shell(command: str) -> tuple[int, str]:
    ran = subprocess.run(
        ["bash", "-c", command], check=False, capture_output=True, text=True, cwd=ROOT
    )
    return ran.returncode, ran.stderr


def test_a_full_device() -> None:
    status, said = shell(f"{PLAN} >/dev/full")
    assert status == 3
    assert said.startswith("anyclue: error: stdout: cannot write the result")
    assert "Traceback" not in said


def test_a_closed_stdout() -> None:
    assert shell(f"{PLAN} >&-")[0] == 3


def test_a_reader_that_went_away() -> None:
    """It has seen what it wanted; the verdict stands."""
    assert shell(f"{PLAN} | true; exit ${{PIPESTATUS[0]}}") == (0, "")
