"""What bench-fstests makes of a run: check's own words read again, leaks where none was planted."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bench.fstests import evaluate
from bench.record import measure

SAID = "\n{0}    3s\nRan: {0}\nPassed all 1 tests\n"


def put(run: Path, kernel: str, mount: str, **test: str) -> dict[str, object]:
    """A cell with one test of which check printed a pass."""
    cell = f"{kernel}.m.d.{mount}.few"
    results = run / "cells" / cell / "trial-1" / "results"
    results.mkdir(parents=True)
    (results / "check-0001.out").write_text(SAID.format("btrfs/057"))
    of = {"test": "btrfs/057", "check": "passed", "disagreement": "", "seconds": 3.0, **test}
    return {
        "cell": cell, "kernel": kernel, "mount": mount, "workload": "few",
        "verdict": "clean", "tests": [of],
    }  # fmt: skip


def test_only_what_was_not_planted_is_a_false_leak(tmp_path: Path) -> None:
    cells = [
        put(tmp_path, "bad", "lzo", memory="leak"),
        put(tmp_path, "bad", "zstd", memory="clean"),
        put(tmp_path, "good", "lzo", memory="leak"),
    ]
    (tmp_path / "verdicts.json").write_text(json.dumps({"cells": cells}))
    found = evaluate(tmp_path)
    assert found["guilty"] == ["btrfs/057"]
    assert [(t["kernel"], t["option"]) for t in found["false_leaks"]] == [("good", "lzo")]
    assert found["disagreements"] == []
    assert found["tests"][0]["check"] == "passed"


def test_what_contradicts_check_is_a_disagreement(tmp_path: Path) -> None:
    cells = [
        put(tmp_path, "good", "none", memory="clean", check="failed"),
        put(tmp_path, "good", "lzo", memory="clean", disagreement="check left no report"),
        put(tmp_path, "good", "zstd", memory="clean"),
    ]
    (tmp_path / "verdicts.json").write_text(json.dumps({"cells": cells}))
    assert [t["option"] for t in evaluate(tmp_path)["disagreements"]] == ["none", "lzo"]


def test_the_cost_of_recording_is_measured_beside_a_run_of_the_bench(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "plan.json").write_text("{}")
    assert measure(sys.executable, 10.0, 0.1, tmp_path)["samples"] > 0
