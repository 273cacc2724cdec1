"""On which line of a TOML text each key is; ``tomllib`` reads values but forgets where they were.

The text is known to be valid TOML (``tomllib`` has read it), so this scanner only has to find its
way: it follows table headers, arrays of tables, dotted keys, inline tables and arrays, and never
judges. A place that it cannot find falls back to the nearest table around it.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import TypeAlias

KeyPath: TypeAlias = tuple[str | int, ...]
"""From the root of the document: names of keys, and indices (from 0) of array elements."""

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?""""{0,2}'
    r"|'''.*?''''{0,2}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_MAX_KEYS = 100  # in one dotted key; every prefix of it is kept
_OTHER_VALUE = re.compile(r"[^,\]}\n#]+")


def key_lines(text: str) -> Mapping[KeyPath, int]:
    """Return the line (from 1) of every key and array element of a valid TOML text.

    Never raises: text that the scanner does not understand ends the scan, and what was found
    before it is returned.
    """
    scan = _Scan(text)
    try:
        scan.document()
    except (LookupError, ValueError, RecursionError):
        return scan.lines
    return scan.lines


def line_of(lines: Mapping[KeyPath, int], path: Sequence[str | int]) -> int:
    """Return the line of ``path``, or of the nearest key around it; line 1 when there is none."""
    for length in range(len(path), 0, -1):
        line = lines.get(tuple(path[:length]))
        if line is not None:
            return line
    return 1


class _Scan:
    """One pass over one text."""

    def __init__(self, text: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._text = text
        self._at = 0
        self._starts = [match.end() for match in re.finditer("\n", text)]
        self._last_index: dict[KeyPath, int] = {}  # arrays of tables, and their newest element

    def document(self) -> None:
        table: KeyPath = ()
        while self._peek_after_blank():
            if self._text.startswith("[[", self._at):
                table = self._header(array=True)
            elif self._text.startswith("[", self._at):
                table = self._header(array=False)
            else:
                self._pair(table)

    def _header(self, *, array: bool) -> KeyPath:
        line = self._line()
        self._at += 2 if array else 1
        keys = self._keys()
        self._expect("]]" if array else "]")
        path: KeyPath = ()
        for key in keys[:-1]:
            path = self._newest((*path, key))
            self.lines.setdefault(path, line)
        path = (*path, keys[-1])
        if array:
            self.lines.setdefault(path, line)
            self._last_index[path] = self._last_index.get(path, -1) + 1
            path = self._newest(path)
        self.lines[path] = line
        return path

    def _newest(self, path: KeyPath) -> KeyPath:
        """Step into the newest element when ``path`` is an array of tables."""
        index = self._last_index.get(path)
        return path if index is None else (*path, index)

    def _pair(self, table: KeyPath) -> None:
        line = self._line()
        keys = self._keys()
        for length in range(1, len(keys)):
            self.lines.setdefault((*table, *keys[:length]), line)
        path = (*table, *keys)
        self.lines[path] = line
        self._expect("=")
        self._value(path)

    def _keys(self) -> tuple[str, ...]:
        """Read ``a."b".c``; stops at what follows the last key."""
        keys = [self._key()]
        while self._peek_after_space() == ".":
            self._at += 1
            keys.append(self._key())
            if len(keys) > _MAX_KEYS:
                raise ValueError(keys)
        return tuple(keys)

    def _key(self) -> str:
        self._peek_after_space()
        bare = _BARE_KEY.match(self._text, self._at)
        if bare is not None:
            self._at = bare.end()
            return bare.group()
        quoted = self._match(_STRING)
        (key,) = tomllib.loads(f"{quoted} = 0")
        return key

    def _value(self, path: KeyPath) -> None:
        first = self._peek_after_space()
        if first in ('"', "'"):
            self._match(_STRING)
        elif first == "[":
            self._array(path)
        elif first == "{":
            self._inline_table(path)
        else:
            self._match(_OTHER_VALUE)

    def _array(self, path: KeyPath) -> None:
        self._at += 1
        index = 0
        while (first := self._peek_after_blank()) != "]":
            if first == ",":
                self._at += 1
                continue
            self.lines[(*path, index)] = self._line()
            self._value((*path, index))
            index += 1
        self._at += 1

    def _inline_table(self, path: KeyPath) -> None:
        self._at += 1
        while (first := self._peek_after_blank()) != "}":
            if first == ",":
                self._at += 1
                continue
            self._pair(path)
        self._at += 1

    def _peek_after_blank(self) -> str:
        """Skip white space, line ends and comments; return the next character, "" at the end."""
        self._match(_BLANK)
        return self._text[self._at : self._at + 1]

    def _peek_after_space(self) -> str:
        self._match(_SPACE)
        return self._text[self._at : self._at + 1]

    def _expect(self, token: str) -> None:
        self._peek_after_space()
        if not self._text.startswith(token, self._at):
            raise ValueError(token)
        self._at += len(token)

    def _match(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise ValueError(pattern.pattern)
        self._at = match.end()
        return match.group()

    def _line(self) -> int:
        return bisect_right(self._starts, self._at) + 1
