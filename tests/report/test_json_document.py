from __future__ import annotations

import json
from typing import Any, Literal

import jsonschema
import pytest
from pydantic import Field, ValidationError

from anyclue.report.json_document import (
    Block,
    DocumentModel,
    Interval,
    Line,
    Number,
    document_text,
    schema_text,
)


class _Part(DocumentModel):
    """A part."""

    title: Line
    """Its title."""
    text: Block
    rate: Number
    interval: Interval


class _Sample(DocumentModel):
    """What a test writes."""

    schema_: Literal["anyclue.sample/2"] = Field(
        default="anyclue.sample/2", serialization_alias="schema"
    )
    """Name and version of this format."""
    parts: tuple[_Part, ...]


SAMPLE = _Sample(
    parts=(
        _Part(title="a\n\x1b[31mb", text="a\n\x07b", rate=1 / 3, interval=(1.0, 2.0000001)),
        _Part(title="ä", text="", rate=float("nan"), interval=(float("-inf"), 2.0)),
    )
)


def test_text_is_harmless_and_numbers_are_finite() -> None:
    text = document_text(SAMPLE)
    assert text.isascii()
    assert text.endswith("}\n")
    value = json.loads(text)
    assert list(value) == ["schema", "parts"]
    assert value["schema"] == "anyclue.sample/2"
    assert value["parts"] == [
        {"title": "a b", "text": "a\nb", "rate": 0.333333, "interval": [1.0, 2.0]},
        {"title": "ä", "text": "", "rate": None, "interval": None},
    ]
    assert "ä" in document_text(SAMPLE, ensure_ascii=False)


def test_schema_is_closed_and_describes_fields() -> None:
    schema: dict[str, Any] = json.loads(schema_text(_Sample))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == "urn:anyclue:sample:2"
    assert schema["title"] == "anyclue sample, version 2"
    assert schema["required"] == ["schema", "parts"]
    part = schema["$defs"]["_Part"]
    assert part["required"] == ["title", "text", "rate", "interval"]
    assert part["properties"]["title"] == {"type": "string", "description": "Its title."}
    assert part["additionalProperties"] is False
    value = json.loads(document_text(SAMPLE))
    jsonschema.validate(value, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value | {"more": 1}, schema)


def test_a_document_takes_no_field_that_it_does_not_know() -> None:
    with pytest.raises(ValidationError):
        _Part.model_validate({"title": "", "text": "", "rate": 0, "interval": None, "x": 1})
