"""The JSON Schema of a scenario, for editors and other tools: docs/scenario.schema.json.

Made from the pydantic models. It holds what is true of each key by itself, and which keys need one
another; names that must exist, paths and the size of the plan are for ``read_scenario()`` alone.
"""

from __future__ import annotations

import json
from typing import Any

from anyclue.scenarios.schema import Document


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a scenario, as docs/scenario.schema.json has it."""
    schema = Document.model_json_schema(by_alias=True, mode="validation")
    schema = _without_none(schema)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "anyclue scenario",
        **{key: value for key, value in schema.items() if key != "title"},
    }


def json_schema_text() -> str:
    """Return ``json_schema()`` as the text of the published file."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _without_none(node: Any) -> Any:  # noqa: ANN401  (a JSON value)
    """Return a JSON Schema without null (TOML has none) and without generated titles."""
    if isinstance(node, list):
        return [_without_none(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {
        key: _without_none(value)
        for key, value in node.items()
        if not (key == "title" and isinstance(value, str))
        and not (key == "default" and value is None)
    }
    options = [option for option in node.get("anyOf", []) if option != {"type": "null"}]
    if len(options) == 1:
        node = {**{key: value for key, value in node.items() if key != "anyOf"}, **options[0]}
    elif options:
        node["anyOf"] = options
    return node
