"""Upstream fstests in real guests; wants a checkout of it in FSTESTS_DIR. An hour and more."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bench.fstests import SCENARIO, evaluate

if TYPE_CHECKING:
    from tests.slow.conftest import Hunts

DIRECTORY = os.environ.get("FSTESTS_DIR", "")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DIRECTORY, reason="FSTESTS_DIR names no checkout of upstream fstests"),
]


def test_real_tests_find_the_bug_and_accuse_nothing_else(hunts: Hunts, tmp_path: Path) -> None:
    run = tmp_path / "run"
    status, out, err = hunts.run(
        "hunt", SCENARIO, "--fstests", DIRECTORY, "--out", run, "--no-clue"
    )
    assert status == 1, err
    found = evaluate(run)
    assert found["disagreements"] == []
    assert found["false_leaks"] == []
    assert found["cells"]["bad.i386-2g.default.lzo.small"] == "leak"
    assert found["guilty"] == ["btrfs/057"]
    innocent = {name: verdict for name, verdict in found["cells"].items() if ".lzo." not in name}
    assert set(innocent.values()) <= {"clean", "unproven"}
    ours = {(t["name"], t["option"], t["workload"]): t["ours"] for t in found["tests"]}
    assert ours["generic/027", "lzo", "five"] == "not-run"
    assert ours["generic/002", "none", "ext4"] == "passed"
    assert ours["generic/002", "none", "xfs"] == "passed"
    assert "enospc-small-files" in out
    cells = hunts.verdicts(run)
    for cell in cells.values():
        for test in cell["tests"]:
            if test["check"] == "not-run":
                assert test["memory"] is None
    for name in ("report.html", "report.txt", "junit.xml"):
        assert "generic/001" in (run / name).read_text()
    assert "xfstests.global" in (run / "junit.xml").read_text()
