"""The published schemas are those that the code makes."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_published_schemas_are_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(ROOT / "tools/write-schemas"))
    made = {path.name: path.read_text() for path in (tmp_path / "docs").iterdir()}
    published = {path.name: path.read_text() for path in (ROOT / "docs").glob("*.schema.json")}
    assert made == published, "make schemas"
