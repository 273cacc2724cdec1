"""The review as JSON against its published schema."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from anyclue.report.json_document import schema_text
from anyclue.report.text import clean
from anyclue.review.pairs.model import ConfidenceReason, FindingKind, Review
from anyclue.review.pairs.render.json_document import ReviewDocument, review_json
from anyclue.review.pairs.render.words import KINDS, REASONS, fingerprints

DOCS = Path(__file__).parents[4] / "docs"
SCHEMA: dict[str, Any] = json.loads((DOCS / "pairs.schema.json").read_text())
OBJECTS = [SCHEMA, *(part for part in SCHEMA["$defs"].values() if part["type"] == "object")]


def load(review: Review) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(review_json(review))
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    return document


def test_the_published_schema_is_generated() -> None:
    assert (DOCS / "pairs.schema.json").read_text() == schema_text(ReviewDocument)


def test_schema_is_a_strict_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for part in OBJECTS:
        assert part["additionalProperties"] is False
        assert part["required"] == list(part["properties"])


@pytest.mark.parametrize(
    ("part", "damage"),
    [
        ("", {"schema": "anyclue.pairs/2"}),
        ("", {"change": 1}),
        ("", {"files": -1}),
        ("", {"findings": None}),
        ("", {"more": 1}),
        ("findings", {"line": 0}),
        ("findings", {"kind": "lost"}),
        ("findings", {"reason": None}),
        ("findings", {"also": [0]}),
        ("findings", {"steps": [{}]}),
        ("unjudged", {"line": -1}),
        ("unjudged", {"what": None}),
    ],
)
def test_what_is_no_review_is_refused(change: Review, part: str, damage: dict[str, Any]) -> None:
    document = load(change)
    (document[part][0] if part else document).update(damage)
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(document)


def test_every_field_and_word_is_documented() -> None:
    text = (DOCS / "pairs-schema.md").read_text()
    for part in OBJECTS:
        for field in part["properties"]:
            assert f"`{field}`" in text
    for part in SCHEMA["$defs"].values():
        for word in part.get("enum", ()):
            assert f"`{word}`" in text


def test_every_kind_and_reason_has_words() -> None:
    assert set(KINDS) == set(FindingKind)
    assert set(REASONS) == set(ConfidenceReason)
    assert all(clean(words) == words for words in REASONS.values())


def test_a_change(change: Review) -> None:
    document = load(change)
    assert document["change"] == "v6.1..v6.2"
    assert [one["kind"] for one in document["findings"]] == [
        "leak",
        "wrong-order",
        "release-of-unheld",
    ]
    leak, _, handed = document["findings"]
    assert leak["steps"][1] == {
        "line": 296,
        "kind": "branch",
        "text": "if (ret < 0)",
        "note": "taken",
    }
    assert leak["suggestion"]["text"] == "\tput_page(page_in);"
    suggestion = change.findings[0].suggestion
    assert suggestion
    assert leak["suggestion"]["diff"] == suggestion.diff
    assert (leak["acquired_line"], leak["also"]) == (280, [301])
    assert (handed["acquired_line"], handed["suggestion"]) == (None, None)
    assert [one["path"] for one in document["fixed"]] == ["fs/btrfs/zlib.c"]
    assert len(document["unjudged"]) == len(change.unjudged)
    assert (document["files"], document["functions"], document["lines"]) == (3, 1, 900)


def test_a_tree_has_no_change(tree: Review, clean_tree: Review) -> None:
    assert load(tree)["change"] is None
    assert load(clean_tree)["findings"] == []


def test_fingerprints_do_not_depend_on_lines(tree: Review) -> None:
    leak, swapped = tree.findings
    moved = replace(leak, line=900, column=1, acquired_line=800, steps=(), also=(), message="x")
    assert fingerprints([moved, swapped]) == fingerprints([leak, swapped])
    others = [
        replace(leak, path="fs/other.c"),
        replace(leak, function="other"),
        replace(leak, pair="other"),
        replace(leak, kind=FindingKind.OVERWRITTEN),
        replace(leak, resource="other"),
    ]
    assert len(set(fingerprints([leak, *others]))) == 6


def test_findings_that_are_alike_have_fingerprints_of_their_own(tree: Review) -> None:
    leak = tree.findings[0]
    first, second = fingerprints([leak, replace(leak, line=400)])
    assert second == f"{first}-2"


def test_the_same_review_is_the_same_text(
    change: Review, capsys: pytest.CaptureFixture[str]
) -> None:
    assert review_json(change) == review_json(change)
    assert review_json(change).isascii()
    assert capsys.readouterr() == ("", "")
