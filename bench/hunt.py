"""Measure the hunt: `make hunt` in a fresh clone, cold and warm, and the smallest leak found.

    make bench-hunt

Cold: a fresh clone and empty caches (anyclue's and pip's); Debian's packages that `make setup`
installs are installed already, unless the machine is new. Warm: the same clone again. The last line
is one JSON object; see docs/bench.md for its fields.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from anyclue.model.recording import Recording
from anyclue.model.scenario import Cell, Scenario
from anyclue.model.verdict import Verdict
from anyclue.recordings.run_directory import RunDirectory
from anyclue.scenarios.plan_document import scenario_from_json
from anyclue.verdicts.judge import judge_cells

ROOT = Path(__file__).parent.parent
ROUNDS = (5, 10, 20)
PAGE_KIB = 4
# What is planted in scenarios/lzo-leak.toml: the bad kernel leaks under lzo, and only there.
PLANTED = {("bad", "lzo")}


def main() -> None:
    """Measure, telling what is going on on stderr; print the result."""
    with tempfile.TemporaryDirectory(prefix="anyclue-bench-") as name:
        directory = Path(name)
        clone, environment = directory / "clone", {"XDG_CACHE_HOME": str(directory / "cache")}
        run(["git", "clone", "-q", str(ROOT), str(clone)])
        cold_s = timed(["make", "-C", str(clone), "hunt"], environment)
        warm_s = timed(["make", "-C", str(clone), "hunt"], environment)
        run_directories = sorted((clone / "runs").iterdir())
        cells = [cell for run in run_directories for cell in verdicts(run)["cells"]]
        smallest = smallest_leaks(clone, directory / "smallest", environment)
    leaks = [cell for cell in cells if cell["verdict"] == "leak"]
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}"
    print(f"machine: {machine}", file=sys.stderr)
    result = {
        "cold_s": round(cold_s, 1),
        "warm_s": round(warm_s, 1),
        "cells": len(cells) // len(run_directories),
        "guilty": sorted({cell["cell"] for cell in leaks}),
        "false_leaks": sorted(
            cell["cell"] for cell in leaks if (cell["kernel"], cell["mount"]) not in PLANTED
        ),
        "smallest_leak_kib_per_round": smallest,
    }
    print(json.dumps(result))


def run(argv: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    """Run a command; its output goes to stderr."""
    subprocess.run(argv, check=True, stdout=sys.stderr, env={**os.environ, **(environment or {})})


def timed(argv: Sequence[str], environment: Mapping[str, str]) -> float:
    """Run a command; return its wall-clock time in seconds."""
    begin = time.monotonic()
    run(argv, environment)
    return time.monotonic() - begin


def verdicts(directory: Path) -> dict[str, Any]:
    """Read a run's ``verdicts.json``."""
    document: dict[str, Any] = json.loads((directory / "verdicts.json").read_text())
    return document


def smallest_leaks(
    clone: Path, out: Path, environment: Mapping[str, str]
) -> dict[str, float | None]:
    """Return, by number of rounds, the smallest planted rate above which every leak is found."""
    subprocess.run(
        [
            *(str(clone / ".venv/bin/anyclue"), "hunt"),
            *(str(clone / "bench/smallest-leak.toml"), "--no-clue", "--out", str(out)),
        ],
        check=False,
        stdout=sys.stderr,
        env={**os.environ, **environment},
    )
    directory = RunDirectory(out)
    scenario = scenario_from_json(directory.plan_text())
    recordings = directory.recordings(scenario.cells)
    return {str(rounds): smallest_leak(scenario, recordings, rounds) for rounds in ROUNDS}


def smallest_leak(
    scenario: Scenario, recordings: Mapping[Cell, Sequence[Recording]], rounds: int
) -> float | None:
    """Judge the first ``rounds`` rounds of every trial; None when not even the largest is found."""
    cut = {
        cell: [replace(trial, rounds=trial.rounds[:rounds]) for trial in trials]
        for cell, trials in recordings.items()
    }
    found = {
        int(scenario.workloads[verdict.cell.workload].parameters["files"]): verdict.verdict
        for verdict in judge_cells(scenario, cut)
        if verdict.cell.kernel == "bad"
    }
    smallest = None
    for files, verdict in sorted(found.items(), reverse=True):
        print(f"{rounds} rounds, {files * PAGE_KIB} KiB a round: {verdict}", file=sys.stderr)
        if verdict is not Verdict.LEAK:
            break
        smallest = float(files * PAGE_KIB)
    return smallest


if __name__ == "__main__":
    main()
