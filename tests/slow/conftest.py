from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
ANYCLUE = ROOT / ".venv/bin/anyclue"


class Hunts:
    """Runs the real command in a subprocess, with the user's cache."""

    root = ROOT

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def start(self, *arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [ANYCLUE, *arguments],
            cwd=self.directory,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment},
        )

    def run(self, *arguments: str | Path, **environment: str) -> tuple[int, str, str]:
        process = self.start(*arguments, **environment)
        out, err = process.communicate()
        return process.returncode, out, err

    @staticmethod
    def verdicts(run: Path) -> dict[str, dict[str, Any]]:
        document = json.loads((run / "verdicts.json").read_text())
        return {cell["cell"]: cell for cell in document["cells"]}

    @staticmethod
    def guests_of(run: Path) -> list[int]:
        """Processes whose command line names the run directory."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                line = (process / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if "qemu-system" in line and str(run) in line:
                found.append(int(process.name))
        return found


@pytest.fixture
def hunts(tmp_path: Path) -> Hunts:
    return Hunts(tmp_path)
