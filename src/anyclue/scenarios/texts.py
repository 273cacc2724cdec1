"""Texts that will be shown on a terminal or given to a command: titles and options."""

from __future__ import annotations

import shlex
import unicodedata
from collections.abc import Mapping
from typing import Any

from anyclue.scenarios.lines import KeyPath
from anyclue.scenarios.problems import Problems, quoted
from anyclue.scenarios.schema import MAX_OPTIONS

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories: control, format (bidirectional too), surrogate, line and paragraph ends."""


def check_no_nul(text: str, path: KeyPath, problems: Problems) -> None:
    """Note a NUL in a text that may otherwise hold anything, line ends too."""
    if "\0" in text:
        problems.add(path, "must not hold a NUL character")


def check_visible(text: str, path: KeyPath, problems: Problems) -> bool:
    """Note characters that cannot be seen, line ends too; return whether there were none."""
    for char in text:
        if unicodedata.category(char) in _INVISIBLE:
            problems.add(
                path,
                f"must be one line of visible characters, and holds U+{ord(char):04X}",
                "remove that character",
            )
            return False
    return True


def read_options(axis: str, values: object, problems: Problems) -> dict[str, str]:
    """Return the options of the ``mkfs`` or ``mount`` axis that are right, by name."""
    options = {}
    for name, text in values.items() if isinstance(values, Mapping) else ():
        if isinstance(text, str) and len(text) <= MAX_OPTIONS:
            _check_options(axis, text, (axis, name), problems)
            options[name] = text
    return options


def _check_options(axis: str, text: str, path: KeyPath, problems: Problems) -> None:
    if not check_visible(text, path, problems):
        return
    try:
        words = shlex.split(text)
    except ValueError as error:
        problems.add(
            path,
            f"cannot be split into words: {str(error).lower()}",
            "close the quote, or write a backslash before it",
        )
        return
    if axis == "mount":
        _check_mount(words, path, problems)


def _check_mount(words: list[str], path: KeyPath, problems: Problems) -> None:
    if words and words[0].startswith("-"):
        rest = ",".join(words[1:]) if words[0] == "-o" else words[0].removeprefix("-o").lstrip("-")
        problems.add(
            path,
            f"must be what follows -o, not {quoted(words[0])}",
            f"write {quoted(rest)}" if rest else "",
        )
    elif len(words) > 1:
        problems.add(
            path,
            "must be one word: mount options are separated by commas, without spaces",
            f"write {quoted(','.join(word.strip(',') for word in words))}",
        )


def table_items(value: Any) -> Mapping[str, Any]:  # noqa: ANN401  (a TOML value)
    """Return the table ``value``; an empty one when it is not a table (noted before)."""
    return value if isinstance(value, Mapping) else {}
