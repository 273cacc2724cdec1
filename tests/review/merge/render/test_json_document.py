"""The review of a merge as JSON against its published schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema

from anyclue.report.json_document import schema_text
from anyclue.review.merge.core.guest_test import Blame
from anyclue.review.merge.core.model import MergeReview, Origin, Similarity
from anyclue.review.merge.render.json_document import MergeDocument, merge_json
from anyclue.review.merge.render.words import TAKEN
from anyclue.review.pairs.model import Confidence, FindingKind

if TYPE_CHECKING:
    import pytest

DOCS = Path(__file__).parents[4] / "docs"
SCHEMA: dict[str, Any] = json.loads((DOCS / "merge.schema.json").read_text())


def load(review: MergeReview) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(merge_json(review))
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    return document


def parts() -> dict[str, dict[str, Any]]:
    """Return the document, and all objects in it, by name."""
    objects = {name: part for name, part in SCHEMA["$defs"].items() if "properties" in part}
    return {"document": SCHEMA, **objects}


def test_published_schema_is_the_models() -> None:
    assert (DOCS / "merge.schema.json").read_text() == schema_text(MergeDocument), "make schemas"


def test_schema_is_a_strict_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for part in parts().values():
        assert part["additionalProperties"] is False
        assert part["required"] == list(part["properties"])


def test_every_field_and_word_is_documented() -> None:
    text = (DOCS / "merge-schema.md").read_text()
    kinds = (DOCS / "pairs-schema.md").read_text()
    for name, part in parts().items():
        for field in part["properties"]:
            assert f"| `{field}` |" in text, (name, field)
    for word in (*Origin, *Similarity, *Blame, *Confidence, *TAKEN.values()):
        assert f"`{word}`" in text, word
    for word in FindingKind:
        assert f"`{word}`" in kinds, word
    rows = sum(line.startswith("| `") for line in text.splitlines())
    described = [part for name, part in parts().items() if name != "_FunctionKey"]
    assert rows == sum(len(part["properties"]) for part in described)


def test_everything_is_said(full: MergeReview) -> None:
    document = load(full)
    result = document["result"]
    assert document["sides"][1] == {"name": "theirs", "commit": "ba9876543210"}
    assert not document["innocent"]
    taken = ["new text", "combined", "theirs", "removed", "same as git's"]
    assert [one["taken"] for one in result["functions"]] == taken
    assert result["functions"][0]["new_lines"] == [{"line": 4, "text": "made_up(page_in);"}]
    assert result["functions"][2]["moved_from"] == "unpack() in fs/pack/zlib.c, ours"
    assert result["dropped"][0]["lines"][1] == {"added": False, "line": 39, "text": "stale(page);"}
    assert [one["dated"] for one in result["imbalances"]] == ["came", "resolution", "merge", "lost"]
    kunmap = {"commit": "2cf3f8133bda", "subject": "btrfs: fix missing kunmap"}
    assert result["dropped"][0]["commits"][0] == kunmap
    assert [len(one["commits"]) for one in result["imbalances"]] == [2, 0, 0, 1]
    assert len(result["unjudged"]) == 8
    assert document["against"]["title"] == "for-5.16-resolve"
    assert "\n+\tmade_up(page_in);" in document["compared"][2]["diff"]
    assert document["exercises"][0]["do"] == "write, drop caches, read back"
    assert (document["test"]["result"], document["test"]["against"]) == ("guilty", "came")
    assert document["test"]["rows"][0]["verdicts"]["result"] == "leak (page-cache-reference)"


def test_nothing_to_say(nothing: MergeReview) -> None:
    document = load(nothing)
    assert (document["against"], document["compared"], document["innocent"]) == (None, [], True)


def test_the_same_review_is_the_same_text(
    full: MergeReview, capsys: pytest.CaptureFixture[str]
) -> None:
    assert merge_json(full) == merge_json(full)
    assert merge_json(full).isascii()
    assert capsys.readouterr() == ("", "")
