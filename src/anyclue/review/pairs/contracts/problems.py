"""Collecting the mistakes in tables of contracts, worded for who wrote them."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from anyclue.model.errors import Problem, RequestError
from anyclue.review.pairs.contracts import schema

AnyTable = TypeVar("AnyTable", bound=BaseModel)

_FORMS: Mapping[str, str] = {
    schema.CALL: "the name of a C function or macro",
    schema.NAME: "a-z, 0-9 and single - between them",
    schema.MODE: "a word, or $0 to $9 for the text of an argument",
    schema.WORD: "a word",
    schema.VERSION: 'a kernel version, as "6.4"',
}

_TYPES: Mapping[str, str] = {
    "string_type": "text in quotes",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
}

_INNER: Mapping[str, type[BaseModel]] = {
    "acquire": schema.AcquireTable,
    "release": schema.ReleaseTable,
    "consume": schema.ConsumeTable,
    "downgrade": schema.DowngradeTable,
}
"""The tables inside of a pair, by their key."""


def quote_value(value: object, *, most: int = 60) -> str:
    """Return a value as a message may show it: one line, escaped, ``most`` characters."""
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return "a number" if isinstance(value, int | float) else "a date or time"
    text = json.dumps(value, ensure_ascii=not value.isprintable())
    return text if len(text) <= most else text[:most] + '..."'


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return the next step after an unknown name: the nearest known one, or the first of all."""
    names = list(known)
    matches = difflib.get_close_matches(name, names, n=1)
    if matches:
        return f'did you mean "{matches[0]}"?'
    listed = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    return f"known: {listed}" if names else ""


class ContractProblems:
    """The mistakes found so far."""

    def __init__(self) -> None:
        self._found: list[Problem] = []

    def add(self, where: str, what: str, next_step: str = "") -> None:
        """Note one mistake; ``where`` starts with the file's name."""
        problem = Problem(what=what, where=where, next_step=next_step)
        if problem not in self._found:
            self._found.append(problem)

    def validate(self, model: type[AnyTable], value: object, where: str) -> AnyTable | None:
        """Return ``value`` as a ``model``; None after noting all that is wrong with it."""
        try:
            return model.model_validate(value)
        except ValidationError as error:
            details = error.errors(include_url=False)
            meant = {_respelled(model, item) for item in details}
            for item in details:
                if item["type"] != "missing" or item["loc"] not in meant:
                    self._note(model, item, where)
            return None

    def raise_if_any(self) -> None:
        """Raise a RequestError with every mistake, if there is one."""
        if self._found:
            raise RequestError(self._found)

    def _note(self, model: type[BaseModel], details: ErrorDetails, where: str) -> None:
        path = details["loc"]
        kind = details["type"]
        table = _table_at(model, path[:-1])
        if kind == "missing":
            key = path[-1]
            self.add(_place(where, path[:-1]), f'the key "{key}" is missing', _example(table, path))
        elif kind == "extra_forbidden":
            step = suggestion(str(path[-1]), _keys(table))
            self.add(_place(where, path), "unknown key", step)
        else:
            what, step = _wording(details)
            self.add(_place(where, path), what, step or _example(table, path))


def _wording(details: ErrorDetails) -> tuple[str, str]:
    """Return what is wrong with a value, and the next step where the value itself gives one."""
    kind = details["type"]
    value = details["input"]
    context: Mapping[str, Any] = details.get("ctx", {})
    step = ""
    match kind:
        case "template" | "line":
            want = context["reason"]
        case "string_pattern_mismatch":
            want = f"must be {_FORMS[context['pattern']]}"
        case "literal_error":
            words = str(context["expected"]).replace("'", "").replace(" or ", ", ")
            want = f"must be one of {words}" if "," in words else f"must be {words}"
            step = suggestion(value, words.split(", ")) if isinstance(value, str) else ""
        case "too_short" | "string_too_short":
            return "must not be empty", ""
        case "string_too_long":
            return f"must be at most {context['max_length']} characters long", ""
        case _ if kind in _TYPES:
            want = f"must be {_TYPES[kind]}"
        case _:
            return details["msg"], ""
    return f"{want}, not {quote_value(value)}", step


def _place(where: str, path: Sequence[str | int]) -> str:
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if part.isprintable() else quote_value(part)
            text += f".{name}" if text else name
    return f"{where}: {text}" if text else where


def _table_at(model: type[BaseModel], path: Sequence[str | int]) -> type[BaseModel]:
    return _INNER[str(path[0])] if path and path[0] in _INNER else model


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _respelled(model: type[BaseModel], details: ErrorDetails) -> tuple[int | str, ...] | None:
    """Return the path of the key that an unknown one was most likely meant to be."""
    if details["type"] != "extra_forbidden":
        return None
    *owner, key = details["loc"]
    matches = difflib.get_close_matches(str(key), _keys(_table_at(model, owner)), n=1)
    return (*owner, matches[0]) if matches else None


def _example(table: type[BaseModel], path: Sequence[str | int]) -> str:
    """Return "for example: KEY = VALUE" from the format's own examples."""
    for name, field in table.model_fields.items():
        if path and (field.alias or name) == path[-1] and field.examples:
            return f"for example: {path[-1]} = {_toml(field.examples[0])}"
    return ""


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return quote_value(value)
