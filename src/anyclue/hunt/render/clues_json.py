"""``clues.json``: the clue for machines, and read back; ``docs/clues-schema.md`` describes it."""

from __future__ import annotations

import json
from typing import Any, Final, Literal, get_type_hints

from pydantic import Field, TypeAdapter, ValidationError, create_model

from anyclue.hunt.clue.model import Clue
from anyclue.model.errors import Problem, RequestError
from anyclue.report.json_document import DocumentModel, rounded
from anyclue.report.text import clean, clean_block

SCHEMA: Final = "anyclue.clues/1"

_ADDED: Final[dict[str, Any]] = {"companions": "", "faults": (), "left_out": ()}
"""What documents of earlier versions do not have, and what it is then."""

_FIELDS: Final[dict[str, Any]] = {
    "schema_": (
        Literal["anyclue.clues/1"],
        Field(default=SCHEMA, serialization_alias="schema"),
    ),
    "title": (str, ...),
    "verdicts_sha256": (str, ...),
    **{name: (kind, _ADDED.get(name, ...)) for name, kind in get_type_hints(Clue).items()},
}
CluesDocument = create_model(
    "CluesDocument", __base__=DocumentModel, __doc__="The clue of a run.", **_FIELDS
)
"""What the clue belongs to, and then its own fields."""

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


def _cleaned(value: Any, key: str = "") -> Any:  # noqa: ANN401  (a JSON value)
    """Return a value with nothing in its texts that a terminal would obey; no infinite numbers."""
    if isinstance(value, str):
        return clean_block(value) if key in LINES else clean(value)
    if isinstance(value, float):
        return rounded(value)
    if isinstance(value, list):
        return [_cleaned(one) for one in value]
    if isinstance(value, dict):
        return {clean(name): _cleaned(one, name) for name, one in value.items()}
    return value
