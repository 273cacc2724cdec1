"""What evidence is worth: measured on a small history whose fixes name what they fix."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from bench.merge_bench.forge import Forge

from bench import bisect_evidence


def test_a_fix_gives_a_bisection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    forge = Forge.new(tmp_path / "tree")
    root = forge.commit("main", None, {"fs/x/a.c": "int a;\n", "mm/m.c": "int m;\n"})
    forge.git("tag", "v1")
    for number in range(5):
        forge.commit("main", None, {"mm/m.c": f"int m_{number};\n"})
    culprit = forge.commit("main", None, {"fs/x/a.c": "int wrong;\n"})
    for number in range(5):
        forge.commit("main", None, {"mm/m.c": f"int n_{number};\n"})
    forge.write({"fs/x/a.c": "int right;\n"})
    forge.git("commit", "-qam", f'mended\n\nFixes: {culprit[:12]} ("wrong")')
    forge.write({"fs/x/a.c": "int other;\n"})
    forge.git("commit", "-qam", f'of a commit before v1\n\nFixes: {root[:12]} ("first")')
    monkeypatch.setattr(bisect_evidence, "FEWEST", 5)
    monkeypatch.setattr(sys, "argv", ["", "--repository", str(forge.path), "--directory", "fs"])
    bisect_evidence.main()
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (found["fixes"], found["median_commits"]) == (1, 11)
    assert (found["inside"], found["auc"]) == (1, 1)
    assert found["others"] == pytest.approx(1 / 11, abs=1e-3)
    assert found["bits"] > 2
    for row in found["table"]:
        assert row["right_with"] == 1
        assert row["runs_with"] < row["runs_without"]


def test_a_history_without_fixes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forge = Forge.new(tmp_path / "tree")
    forge.commit("main", None, {"fs/x/a.c": "int a;\n"})
    monkeypatch.setattr(sys, "argv", ["", "--repository", str(forge.path)])
    with pytest.raises(SystemExit, match="no such fix"):
        bisect_evidence.main()
