"""From what pydantic finds wrong with the shape of a document to problems worded for a user."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from anyclue.scenarios import schema
from anyclue.scenarios.lines import KeyPath
from anyclue.scenarios.problems import Problems, nearest, quoted, suggestion

AnyTable = TypeVar("AnyTable", bound=BaseModel)

_TABLES: Mapping[tuple[str, ...], type[BaseModel]] = {
    (): schema.Document,
    ("kernels", "*"): schema.KernelTable,
    ("kernels", "*", "edits", "*"): schema.EditTable,
    ("machines", "*"): schema.MachineTable,
    ("workloads", "*"): schema.WorkloadTable,
    ("fstests", "*"): schema.FstestsTable,
    ("plan",): schema.PlanTable,
    ("plan", "reference"): schema.CellsTable,
    ("plan", "include", "*"): schema.CellsTable,
    ("plan", "exclude", "*"): schema.CellsTable,
    ("limits",): schema.LimitsTable,
    ("sensitivity",): schema.SensitivityTable,
    ("suspects", "*"): schema.SuspectTable,
    ("suspects", "*", "factor"): schema.FactorTable,
}
"""Every table of the format, by its path; ``*`` is any name or index."""

_FORMS: Mapping[str, str] = {
    schema.NAME: "1 to 32 of a-z, 0-9, - and _, and the first one a letter or digit",
    schema.DEBIAN: 'a series ("6.1") or an exact package version ("6.1.176-1")',
    schema.RAM: 'a number and MiB or GiB ("512 MiB", "2 GiB")',
    schema.SOURCE_PATH: (
        'a path inside the kernel tree ("fs/btrfs"): relative, without "..", spaces or hidden parts'
    ),
    schema.GIT: 'a repository and a revision ("~/linux@v6.1")',
    schema.FUNCTION: "the name of a C function",
    schema.COMMIT: 'a commit: an id, a tag or a branch ("037c50bfbeb3", "v6.1")',
    schema.FSTYP: 'a type of file system ("btrfs")',
    schema.DURATION: 'a number of seconds, or one with s, m, h, d, w behind it ("5m")',
}

_TYPES: Mapping[str, str] = {
    "string_type": "text in quotes",
    "int_type": "a whole number",
    "float_type": "a number",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "finite_number": "a finite number",
}

_BOUNDS: Mapping[str, tuple[str, str]] = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


def check_shape(document: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
    """Note every mistake in the document's shape; return a copy for the checks that follow.

    In the copy, unknown keys are left out, or have the name that was most likely meant: one
    misspelt key neither hides what else is wrong with its table nor counts as missing.
    """
    pruned: dict[str, Any] = copy.deepcopy(dict(document))
    try:
        schema.Document.model_validate(pruned)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            _note(details, problems)
            if details["type"] == "extra_forbidden":
                _respell(pruned, details["loc"])
    return pruned


def table_or_none(model: type[AnyTable], value: object) -> AnyTable | None:
    """Return ``value`` as a ``model``; None when its shape is wrong, which is noted before."""
    try:
        return model.model_validate(value)
    except ValidationError:
        return None


def _respell(document: dict[str, Any], path: KeyPath) -> None:
    *parents, key = path
    table: Any = document
    for parent in parents:
        table = table[parent]
    value = table.pop(key)
    generic = _generic(parents)
    meant = nearest(str(key), _keys(_TABLES[generic])) if generic is not None else None
    if meant is not None:
        table.setdefault(meant, value)


def _note(details: ErrorDetails, problems: Problems) -> None:
    path: KeyPath = details["loc"]
    kind = details["type"]
    value = details["input"]
    context = details.get("ctx", {})
    if kind == "extra_forbidden":
        problems.add(path, "unknown key", _step_for_unknown(path))
    elif kind == "missing":
        key = path[-1]
        problems.add(path[:-1], f'the key "{key}" is missing', _example(path))
    elif path and path[-1] == "[key]":
        problems.add(path[:-1], f"is not a valid name: {_FORMS[schema.NAME]}", _name_step(value))
    elif kind == "string_pattern_mismatch":
        form = _FORMS[context["pattern"]]
        problems.add(path, f"must be {form}, not {quoted(value)}", _pattern_step(path, value))
    elif kind == "literal_error":
        expected = str(context["expected"]).replace("'", '"').replace(" or ", ", ")
        near = nearest(value, expected.replace('"', "").split(", ")) if _is_text(value) else None
        step = f'did you mean "{near}"?' if near else _version_step(path)
        if path[-1:] == ("suite",) and not near:
            step = "write one of these, or leave it out: all suites are then looked in"
        what = f"must be {' or '.join(expected.split(', '))}, not {quoted(value)}"
        problems.add(path, what, step)
    else:
        problems.add(path, _what(kind, value, context, details["msg"]), _example(path))


def _what(kind: str, value: object, context: Mapping[str, Any], message: str) -> str:
    if kind in _TYPES:
        return f"must be {_TYPES[kind]}, not {quoted(value)}"
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        return f"must be {words} {context[key]:g}, not {quoted(value)}"
    if kind in ("too_short", "string_too_short"):
        return "must not be empty"
    if kind == "string_too_long":
        return f"must be at most {context['max_length']} characters long"
    return message


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _generic(path: Sequence[str | int]) -> tuple[str, ...] | None:
    """Return the key of ``_TABLES`` for the table at ``path``."""
    for table in _TABLES:
        if len(table) == len(path) and all(
            want in ("*", have) for want, have in zip(table, path, strict=True)
        ):
            return table
    return None


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _step_for_unknown(path: KeyPath) -> str:
    key = str(path[-1])
    table = _generic(path[:-1])
    known = _keys(_TABLES[table]) if table is not None else []
    if nearest(key, known, cutoff=0.8) is None:
        for other, model in _TABLES.items():
            if key in _keys(model):
                if not other:
                    return f'"{key}" belongs at the top of the file, before the first [table]'
                return f'"{key}" belongs in {_header(other)}'
    return suggestion(key, known)


def _header(table: tuple[str, ...]) -> str:
    """Return the header of a table as TOML writes it; the last ``*`` of a list is its index."""
    if len(table) > 2 and table[-1] == "*":
        return f"[[{'.'.join(table[:-1])}]]".replace("*", "NAME")
    return f"[{'.'.join(table)}]".replace("*", "NAME")


def _example(path: KeyPath) -> str:
    """Return "for example: KEY = VALUE" from the format's own examples."""
    owner = path[:-1]
    table = _generic(owner)
    if table is None:
        return ""
    key = str(path[-1])
    for name, field in _TABLES[table].model_fields.items():
        if (field.alias or name) == key:
            if field.examples:
                return f"for example: {key} = {_toml(field.examples[0])}"
            if not table and field.is_required():
                return f"add a [{key}.NAME] table: {field.description}"
    return ""


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return quoted(value)


def _name_step(value: object) -> str:
    if not isinstance(value, str):
        return ""
    name = "".join(char if char.isascii() and char.isalnum() else "-" for char in value.lower())
    name = name.strip("-")[:32]
    return f'for example: "{name}"' if name else ""


def _pattern_step(path: KeyPath, value: object) -> str:
    if path[-1] == "ram" and isinstance(value, str):
        digits = value.strip().rstrip("abgikmABGIKM ")
        unit = "GiB" if "g" in value.lower() else "MiB"
        if digits.isascii() and digits.isdigit():
            return f'write "{digits} {unit}"'
    return _example(path)


def _version_step(path: KeyPath) -> str:
    if path == ("schema",):
        return "this anyclue reads schema 1; a newer file needs a newer anyclue"
    return ""
