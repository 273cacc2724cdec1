"""Repositories with merges; what makes them is shared with `make bench-merge`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3]))

from bench.merge_bench.forge import Forge


@pytest.fixture
def forge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Forge:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Forge.new(tmp_path / "tree")
