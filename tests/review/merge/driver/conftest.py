"""Repositories with merges; what makes them is shared with `make bench-merge`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from bench.merge_bench.forge import Forge

from anyclue.review.merge.core.model import MergeReview
from anyclue.review.merge.driver.request import MergeRequest
from anyclue.review.merge.driver.review import review
from anyclue.review.merge.render.html import merge_html
from anyclue.review.merge.render.json_document import merge_json

SCHEMA: dict[str, Any] = json.loads(
    (Path(__file__).parents[4] / "docs/merge.schema.json").read_text()
)


class Checked(Forge):
    """A repository of which every review makes JSON of the schema, and a page."""

    def review(self, rev: str | None, against: str | None = None) -> MergeReview:
        page = self.path.with_suffix(".html")
        found = review(MergeRequest(tree=self.path, rev=rev, against=against, page=page, jobs=1))
        jsonschema.validate(json.loads(merge_json(found)), SCHEMA)
        listed = {(one.path, one.function) for one in found.result.functions}
        assert listed <= {(one.path, one.function) for one in found.panes}
        assert merge_html(found).count("<h1>") == 1
        return found


@pytest.fixture
def forge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Forge:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Checked.new(tmp_path / "tree")
