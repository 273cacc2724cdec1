"""JSON documents: from pydantic models to the text of a file, and to its published schema."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict

from anyclue.report.text import clean, clean_block


class DocumentModel(BaseModel):
    """Base of documents and their parts: closed, every field always there.

    The docstring below a field describes it in the schema. A document's first field names its
    format: ``schema_: Literal["anyclue.NAME/1"]`` with ``Field(default=...,
    serialization_alias="schema")``.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
    )


def rounded(value: float | None) -> float | None:
    """Return ``value`` with six places, or None where it is no finite number (JSON has none)."""
    return round(value, 6) if value is not None and math.isfinite(value) else None


def _known(interval: tuple[float, float] | None) -> tuple[float, float] | None:
    low, high = map(rounded, interval or (None, None))
    return None if low is None or high is None else (low, high)


Line = Annotated[str, AfterValidator(clean)]
"""Text that is made harmless, on one line."""

Block = Annotated[str, AfterValidator(clean_block)]
"""Text that is made harmless and keeps its lines."""

Number = Annotated[float | None, AfterValidator(rounded)]
"""A finite number with six places, or null."""

Interval = Annotated[tuple[float, float] | None, AfterValidator(_known)]
"""The ends of an interval, lower first, or null where one of them is not finite."""


def document_text(document: BaseModel, *, indent: int = 2, ensure_ascii: bool = True) -> str:
    """Return a document as JSON, ended by a line end; the same document, the same text."""
    value = document.model_dump(mode="json", by_alias=True)
    return json.dumps(value, indent=indent, ensure_ascii=ensure_ascii, allow_nan=False) + "\n"


def schema_text(document: type[BaseModel]) -> str:
    """Return the JSON Schema (draft 2020-12) of a document, as ``docs/NAME.schema.json`` has it."""
    schema = _pruned(document.model_json_schema(mode="serialization"))
    parts = {"$defs": schema.pop("$defs", {})}
    name, _, version = schema["properties"]["schema"]["const"].partition("/")
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{name.replace('.', ':')}:{version}",
        "title": f"{name.replace('.', ' ')}, version {version}",
    }
    return json.dumps(head | schema | parts, indent=2) + "\n"


def _pruned(node: Any) -> Any:  # noqa: ANN401 - a JSON value
    """Return a schema whose fields are always there, with the first paragraph of descriptions.

    Titles and defaults, which pydantic makes up, go; so does what enums are to the code.
    """
    if isinstance(node, list):
        return [_pruned(one) for one in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: _pruned(value)
        for key, value in node.items()
        if key != "default"
        and not (key == "title" and isinstance(value, str))
        and not (key == "description" and "enum" in node)
    }
    if isinstance(kept.get("description"), str):
        kept["description"] = kept["description"].partition("\n\n")[0]
    if "properties" in kept:
        kept["required"] = list(kept["properties"])
    return kept
