"""The simulation of bisections, made small: its last line, and what docs/bench.md says of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_last_line_and_its_documentation() -> None:
    argv = [sys.executable, "-m", "bench.bisect_sim", "--generated", "--culprits", "3"]
    done = subprocess.run(
        [*argv, "--sizes", "40,80", "--workers", "1"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    *lines, last = done.stdout.splitlines()
    result = json.loads(last)
    assert len(lines) == len(result["table"]) == 50
    section = (ROOT / "docs/bench.md").read_text().partition("## `make bench-bisect-sim`")[2]
    words = set(re.findall(r"`(\w+)`", section.partition("\n## ")[0]))
    fields = set(result) | set(result["table"][0]) | set(next(iter(result["evidence"].values())))
    assert fields - words == {"strategy"}
    without_errors = [row for row in result["table"] if not row["false_good"]]
    assert all(row["right"] == 1 for row in without_errors)
