"""The review of a merge as JSON against its published schema."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema

from anyclue.review.merge.core.guest_test import Blame, GuestComparison, MergeTest
from anyclue.review.merge.core.model import (
    DroppedChange,
    Exercise,
    FunctionComparison,
    FunctionResolution,
    LostLine,
    MergeReview,
    Origin,
    Resolution,
    Similarity,
)
from anyclue.review.merge.render.json_document import SCHEMA as NAME
from anyclue.review.merge.render.json_document import merge_json
from anyclue.review.pairs.model import Confidence, FindingKind, Unjudged

if TYPE_CHECKING:
    import pytest

DOCS = Path(__file__).parents[4] / "docs"
SCHEMA: dict[str, Any] = json.loads((DOCS / "merge.schema.json").read_text())


def load(review: MergeReview) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(merge_json(review))
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    return document


def test_schema_is_a_strict_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for part in (SCHEMA, *SCHEMA["$defs"].values()):
        assert part["additionalProperties"] is False
        assert part["required"] == list(part["properties"])


def test_schema_knows_every_word_and_field_of_the_model() -> None:
    assert SCHEMA["properties"]["schema"]["const"] == NAME
    parts = SCHEMA["$defs"]
    assert parts["imbalance"]["properties"]["kind"]["enum"] == list(FindingKind)
    assert parts["imbalance"]["properties"]["confidence"]["enum"] == list(Confidence)
    assert parts["imbalance"]["properties"]["dated"]["enum"] == list(Origin)
    assert parts["compared"]["properties"]["likeness"]["enum"] == list(Similarity)
    told = {
        MergeReview: SCHEMA,
        Resolution: parts["resolution"],
        FunctionResolution: parts["function"],
        DroppedChange: parts["dropped"],
        LostLine: parts["lost_line"],
        Unjudged: parts["unjudged"],
        FunctionComparison: parts["compared"],
        MergeTest: parts["test"],
        GuestComparison: parts["observed"],
    }
    assert parts["test"]["properties"]["result"]["enum"] == list(Blame)
    exercise = {one.name for one in fields(Exercise)} - {"how"} | {"do"}
    assert exercise == set(parts["exercise"]["properties"])
    for of, part in told.items():
        names = {one.name for one in fields(of)} - {"panes"}
        if of is FunctionResolution:
            names -= {"side"}
        if of is MergeReview:
            names |= {"schema", "verdict", "innocent"}
        if of is MergeTest:
            names = names - {"series", "directory"} | {"kernel", "result", "against"}
        assert names == set(part["properties"]), of


def test_every_field_and_word_is_documented() -> None:
    text = (DOCS / "merge-schema.md").read_text()
    kinds = (DOCS / "pairs-schema.md").read_text()
    for name, part in (("document", SCHEMA), *SCHEMA["$defs"].items()):
        for field, of in part["properties"].items():
            assert f"| `{field}` |" in text, (name, field)
            for choice in (of, *of.get("anyOf", ())):
                for word in filter(None, choice.get("enum", ())):
                    assert f"`{word}`" in (kinds if field == "kind" else text), (field, word)
    rows = sum(line.startswith("| `") for line in text.splitlines())
    parts = [part for name, part in SCHEMA["$defs"].items() if name != "named"]
    assert rows == sum(len(part["properties"]) for part in (SCHEMA, *parts))


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
