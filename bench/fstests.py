"""Measure upstream fstests in guests: agreement with check, false leaks, the mail's bug by tests.

    make bench-fstests FSTESTS_DIR=~/xfstests

Runs bench/fstests.toml, and records a sleeping command for what recording costs. The last line is
one JSON object; see docs/bench.md for its fields.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import record

ROOT = Path(__file__).parent.parent
SCENARIO = ROOT / "bench/fstests.toml"
# What is planted in it: the bad kernel leaks under lzo, and only there.
PLANTED = {("bad", "lzo")}


def main() -> None:
    """Measure, telling what is going on on stderr; print the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fstests", type=Path, help="a checkout of upstream fstests")
    parser.add_argument("--scenario", type=Path, default=SCENARIO)
    parser.add_argument(
        "--run", type=Path, help="the run to make and keep; one that is there is only evaluated"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="anyclue-bench-") as name:
        run = options.run or Path(name) / "run"
        if not run.exists():
            command = [ROOT / ".venv/bin/anyclue", "hunt", options.scenario, "--out", run]
            command += ["--fstests", options.fstests, "--no-clue"]
            subprocess.run(command, check=False, stdout=sys.stderr)
            if not (run / "verdicts.json").exists():
                sys.exit("the hunt did not come to its end")
        result = evaluate(run)
        cost = record.measure(sys.executable, 5.0, 60.0, Path(name))
    result["record_cpu_percent"] = cost["record_cpu_percent"]
    print(json.dumps(result))


def evaluate(run: Path) -> dict[str, Any]:
    """Return what a run shows, each test beside what check itself printed of it."""
    cells = json.loads((run / "verdicts.json").read_text())["cells"]
    tests = [
        {
            "name": test["test"],
            "kernel": cell["kernel"],
            "option": cell["mount"],
            "workload": cell["workload"],
            "check": summary_status(run, cell["cell"], test["test"]),
            "ours": test["check"],
            "contradiction": test["disagreement"],
            "verdict": test["memory"],
            "seconds": test["seconds"],
        }
        for cell in cells
        for test in cell["tests"] or ()
    ]
    leaks = [test for test in tests if test["verdict"] == "leak"]
    return {
        "tests": tests,
        "cells": {cell["cell"]: cell["verdict"] for cell in cells},
        "disagreements": [
            test for test in tests if test["check"] != test["ours"] or test["contradiction"]
        ],
        "false_leaks": [test for test in leaks if (test["kernel"], test["option"]) not in PLANTED],
        "guilty": sorted({test["name"] for test in leaks} - {""}),
    }


def summary_status(run: Path, cell: str, test: str) -> str:
    """Return what check's own last lines say of a test, read without anyclue; the worst of all."""
    words = {word for text in outputs(run, cell) for word in summary(text, test)}
    return next((w for w in ("failed", "passed", "not-run", "expunged") if w in words), "lost")


def outputs(run: Path, cell: str) -> Iterator[str]:
    """Give what check printed in every trial of a cell."""
    for path in sorted((run / "cells" / cell).glob("trial-*/results/check-*.out")):
        yield path.read_text(errors="replace")


def summary(text: str, test: str) -> Iterator[str]:
    """Give the words that check's lists (Ran, Not run, Failures) have for a test."""
    lists = {
        name: set(names.split())
        for name, names in re.findall(r"^(Ran|Not run|Failures): (.*)$", text, re.MULTILINE)
    }
    if test in lists.get("Failures", set()):
        yield "failed"
    elif test in lists.get("Not run", set()):
        yield "not-run"
    elif test in lists.get("Ran", set()):
        yield "passed"


if __name__ == "__main__":
    main()
