"""Collecting the mistakes of a scenario: each with its file, line, key path and next step."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence

from anyclue.model.errors import Problem, RequestError
from anyclue.scenarios.lines import KeyPath, line_of

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def key_text(path: Sequence[str | int]) -> str:
    """Return a key path as TOML would write it: ``plan.include[0].kernel``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            key = part if _BARE_KEY.fullmatch(part) else quoted(part)
            text += f".{key}" if text else key
    return text


def quoted(value: object, *, most: int = 60) -> str:
    """Return a value as a message may show it: one line, escaped, ``most`` characters."""
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=not value.isprintable())
        return text if len(text) <= most else text[:most] + '..."'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() > 64:
        return "a number of more than 64 bits"
    return str(value)


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Return the known name that ``name`` was most likely meant to be.

    ``cutoff`` is how alike they must be, from 0 to 1 (equal).
    """
    by_fold = {candidate.casefold(): candidate for candidate in known}
    matches = difflib.get_close_matches(name.casefold(), by_fold, n=1, cutoff=cutoff)
    return by_fold[matches[0]] if matches else None


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return the next step after an unknown name: the nearest known name, and all of them."""
    names = list(known)
    listed = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    near = nearest(name, names)
    if near is not None:
        return f'did you mean "{near}"? known: {listed}'
    return f"known: {listed}" if names else ""


class Problems:
    """The mistakes found so far in one text; ``origin`` names it in messages.

    Where not ``numbered``, messages do not say on which line a mistake is.
    """

    def __init__(self, origin: str, lines: Mapping[KeyPath, int], *, numbered: bool = True) -> None:
        self._origin = origin
        self._lines = lines
        self._numbered = numbered
        self._found: list[tuple[int, Problem]] = []

    def add(self, path: Sequence[str | int], what: str, next_step: str = "") -> None:
        """Note one mistake at the key ``path``."""
        line = line_of(self._lines, path)
        where = f"{self._origin}:{line}" if self._numbered else self._origin
        if path:
            where += f": {key_text(path)}"
        problem = Problem(what=what, where=where, next_step=next_step)
        if (line, problem) not in self._found:
            self._found.append((line, problem))

    def __bool__(self) -> bool:
        return bool(self._found)

    def raise_if_any(self) -> None:
        """Raise a RequestError with every mistake, in the order of the file, if there is one."""
        if self._found:
            self._found.sort(key=lambda item: item[0])
            raise RequestError([problem for _, problem in self._found])
