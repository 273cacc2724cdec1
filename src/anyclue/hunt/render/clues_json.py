"""``clues.json``: the clue for machines, and read back; ``docs/clues-schema.md`` describes it."""

from __future__ import annotations

import json
import math
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from anyclue.hunt.clue.model import Clue
from anyclue.model.errors import Problem, RequestError
from anyclue.report.text import clean, clean_block

SCHEMA: Final = "anyclue.clues/1"
LINES: Final = frozenset({"script", "diff"})
"""Fields whose text keeps its lines."""

_CLUE: Final = TypeAdapter(Clue)


def clues_json(clue: Clue, *, title: str, verdicts: str) -> str:
    """Return the clue as JSON, in ASCII, ended by a line end; the same input, the same text.

    Args:
        clue: the clue.
        title: the scenario's title.
        verdicts: SHA-256 of the ``verdicts.json`` that it goes with.
    """
    document = {
        "schema": SCHEMA,
        "title": clean(title),
        "verdicts_sha256": verdicts,
        **_cleaned(_CLUE.dump_python(clue, mode="json")),
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def clue_from_json(text: str, *, origin: str = "clues.json") -> tuple[Clue, str]:
    """Return the clue that `clues_json` wrote, and the SHA-256 of the verdicts it goes with.

    Raises:
        RequestError: the text is not of that form; ``origin`` names it.
    """
    step = "make it anew: anyclue clue RUN"
    try:
        value = json.loads(text)
        if not isinstance(value, dict) or value.get("schema") != SCHEMA:
            problem = Problem(what=f"is not of the form {SCHEMA}", where=origin, next_step=step)
            raise RequestError([problem])
        return _CLUE.validate_python(value), str(value.get("verdicts_sha256", ""))
    except (ValueError, ValidationError, RecursionError) as error:
        what = "is not JSON" if not isinstance(error, ValidationError) else "is damaged"
        raise RequestError([Problem(what=what, where=origin, next_step=step)]) from error


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of ``clues.json``: docs/clues.schema.json."""
    schema = TypeAdapter(Clue).json_schema(mode="serialization")
    properties = {
        "schema": {"const": SCHEMA},
        "title": {"type": "string"},
        "verdicts_sha256": {"type": "string"},
        **schema.pop("properties"),
    }
    schema = _closed({**schema, "properties": properties})
    for key in ("description", "title", "required", "additionalProperties"):
        schema.pop(key, None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "anyclue clues",
        **schema,
        "required": list(properties),
        "additionalProperties": False,
    }


def json_schema_text() -> str:
    """Return ``json_schema()`` as the text of the published file."""
    return json.dumps(json_schema(), indent=2) + "\n"


def _closed(node: Any) -> Any:  # noqa: ANN401  (a JSON value)
    """Return a schema without generated titles, defaults and docstrings, all fields required."""
    if isinstance(node, list):
        return [_closed(one) for one in node]
    if not isinstance(node, dict):
        return node
    told = {
        key: _closed(value)
        for key, value in node.items()
        if key not in ("default", "description") and not (key == "title" and isinstance(value, str))
    }
    if told.get("type") == "object" and "properties" in told:
        told["required"] = list(told["properties"])
        told["additionalProperties"] = False
    return told


def _cleaned(value: Any, key: str = "") -> Any:  # noqa: ANN401  (a JSON value)
    """Return a value with nothing in its texts that a terminal would obey; no infinite numbers."""
    if isinstance(value, str):
        return clean_block(value) if key in LINES else clean(value)
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    if isinstance(value, list):
        return [_cleaned(one) for one in value]
    if isinstance(value, dict):
        return {clean(name): _cleaned(one, name) for name, one in value.items()}
    return value
