"""Unified diffs, parsed: which files, under which names, with which hunks. Pure, never raises."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from anyclue.git.repository import is_source

_HUNK = re.compile(rb"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")
_FROM_GIT = re.compile(rb"^diff --git ", re.MULTILINE)
_PREFIXED = re.compile(rb'^(?:(?:diff --git|---) "?a/|\+\+\+ "?b/)', re.MULTILINE)
_LINE = re.compile(rb"[^\n]*\n|[^\n]+")
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_ESCAPES = {
    b"a": b"\a",
    b"b": b"\b",
    b"t": b"\t",
    b"n": b"\n",
    b"v": b"\v",
    b"f": b"\f",
    b"r": b"\r",
}
_EXTENDED = re.compile(
    rb"(old mode|new mode|deleted file mode|new file mode|copy from|copy to|rename from|rename to"
    rb"|similarity index|dissimilarity index|index) ([^\n]*)"
)
_BINARY = (b"GIT binary patch", b"Binary files ")
_NO_FILE = b"/dev/null"
_EPOCH = re.compile(
    rb"\t(?:1970-01-01|1969-12-31) "
)  # diff -N gives it to a file that is not there
_REGULAR = b"100"


class FlawKind(Enum):
    """Why what a patch does to a file cannot be applied."""

    BINARY = auto()
    """It is a binary change."""
    COMBINED = auto()
    """It is the combined diff of a merge."""
    OUTSIDE = auto()
    """The path leads out of the tree."""
    DAMAGED = auto()
    """A hunk is cut short or damaged."""
    NO_HUNK = auto()
    """There are names, but no hunk."""


@dataclass(frozen=True, kw_only=True)
class PatchFlaw:
    """Why what a patch does to a file cannot be applied; and which hunk is damaged, from 1."""

    kind: FlawKind
    hunk: int = 0


@dataclass(frozen=True, kw_only=True)
class Hunk:
    """One hunk: the lines where its header says it is, and its text with that header."""

    old_line: int
    new_line: int
    text: bytes
    context: bool

    @property
    def content(self) -> bytes:
        """All lines that it adds or takes away."""
        lines = self.text.split(b"\n")[1:]
        return b"\n".join(line[1:] for line in lines if line[:1] in {b"+", b"-"}) + b"\n"


@dataclass(frozen=True, kw_only=True)
class FilePatch:
    """What a patch does to one file.

    Attributes:
        old: its name before; None when the patch creates it.
        new: its name after; None when the patch deletes it.
        copied: whether the file stays under its old name too.
        hunks: in their order; none for a mere rename.
        flaw: why it cannot be applied; None when it can.
    """

    old: str | None
    new: str | None
    copied: bool = False
    hunks: tuple[Hunk, ...] = ()
    flaw: PatchFlaw | None = None

    @property
    def from_nothing(self) -> bool:
        """Whether its hunks are all of a new file."""
        return len(self.hunks) == 1 and self.hunks[0].text.startswith(b"@@ -0,0 +1")

    @property
    def name(self) -> str:
        """The name to call it by."""
        return self.new or self.old or ""


def parse(text: bytes, strip: int) -> list[FilePatch]:
    """Return what ``text`` does, file by file; ``strip`` directories (0 or 1) go from the names."""
    return list(_Parser(text, strip).files())


def is_patch(text: bytes) -> bool:
    """Return whether git made ``text`` as a patch, be it of modes or links alone."""
    return _FROM_GIT.search(text) is not None


def prefixed(text: bytes) -> bool:
    """Return whether the names in a patch begin with ``a/`` and ``b/``."""
    return _PREFIXED.search(text) is not None


class _Parser:
    def __init__(self, text: bytes, strip: int) -> None:
        self._lines: list[bytes] = _LINE.findall(text)
        self._at = 0
        self._strip = strip

    def files(self) -> Iterator[FilePatch]:
        while self._at < len(self._lines):
            line = self._here()
            if line.startswith(b"diff --git "):
                found = self._git(line)
            elif line.startswith((b"diff --cc ", b"diff --combined ")):
                name = _text(_unquoted(line.rstrip(b"\r\n").split(b" ", 2)[2]))
                found = FilePatch(old=name, new=name, flaw=PatchFlaw(kind=FlawKind.COMBINED))
                self._at += 1
            elif self._names_follow():
                found = self._traditional()
            else:
                self._at += 1
                continue
            if found is not None:
                yield found

    def _here(self, ahead: int = 0) -> bytes:
        at = self._at + ahead
        return self._lines[at] if at < len(self._lines) else b""

    def _names_follow(self) -> bool:
        return self._here().startswith(b"--- ") and self._here(1).startswith(b"+++ ")

    def _names(self) -> tuple[bytes | None, bytes | None]:
        """Take the lines with both names."""
        old, new = (_file_name(self._here(ahead)[4:]) for ahead in (0, 1))
        self._at += 2
        return old, new

    def _traditional(self) -> FilePatch | None:
        old, new = (self._stripped(name) for name in self._names())
        hunks, flaw = self._hunks()
        names = [name for name in (new, old) if name is not None]
        if not names:
            return None
        # Of foo.c and foo.c.orig or foo.c.new it is foo.c that changes.
        name = next((name for name in names if is_source(_text(name))), names[0])
        return self._made(old and name, new and name, hunks=hunks, flaw=flaw)

    def _git(self, line: bytes) -> FilePatch | None:
        self._at += 1
        about, binary = self._extended()
        both = self._same_name(line.rstrip(b"\r\n").removeprefix(b"diff --git "))
        old = new = both
        hunks: tuple[Hunk, ...] = ()
        flaw = PatchFlaw(kind=FlawKind.BINARY) if binary else None
        if self._names_follow():
            old, new = (self._stripped(name) for name in self._names())
            hunks, flaw = self._hunks()
        for kind in (b"rename", b"copy"):
            if kind + b" from" in about and kind + b" to" in about:
                old, new = (_unquoted(about[kind + end]) for end in (b" from", b" to"))
        old = None if b"new file mode" in about else old
        new = None if b"deleted file mode" in about else new
        modes = [value for key, value in about.items() if key.endswith(b"mode")]
        link = any(not mode.startswith(_REGULAR) for mode in modes)
        link = link or bool(re.search(rb" 1[26]0000$", about.get(b"index", b"")))
        if link or (old is None and new is None) or (old == new and not hunks and not flaw):
            return None
        return self._made(old, new, copied=b"copy to" in about, hunks=hunks, flaw=flaw)

    def _extended(self) -> tuple[dict[bytes, bytes], bool]:
        """Take git's header lines; return them, and whether the change is binary."""
        about: dict[bytes, bytes] = {}
        while match := _EXTENDED.match(self._here()):
            about[match[1]] = match[2].rstrip(b"\r")
            self._at += 1
        return about, self._here().startswith(_BINARY)

    def _hunks(self) -> tuple[tuple[Hunk, ...], PatchFlaw | None]:
        """Take hunks; return them and what is wrong with the one that they end in."""
        hunks: list[Hunk] = []
        while header := _HUNK.match(self._here()):
            begin = self._at
            old, new = (int(count) if count else 1 for count in (header[2], header[4]))
            lines, whole = self._body(old, new)
            if not whole:
                return tuple(hunks), PatchFlaw(kind=FlawKind.DAMAGED, hunk=len(hunks) + 1)
            text = b"".join([self._lines[begin], *lines])
            hunks.append(
                Hunk(
                    old_line=int(header[1]),
                    new_line=int(header[3]),
                    text=text if text.endswith(b"\n") else text + b"\n",
                    context=any(line.startswith(b" ") for line in lines),
                )
            )
        return tuple(hunks), None if hunks else PatchFlaw(kind=FlawKind.NO_HUNK)

    def _body(self, old: int, new: int) -> tuple[list[bytes], bool]:
        """Take the lines of a hunk; return them, and whether they are as many as announced."""
        self._at += 1
        lines: list[bytes] = []
        while old > 0 or new > 0 or self._here().startswith(b"\\ "):
            line = self._here()
            kind = line[:1]
            if line in {b"\n", b"\r\n"}:  # a mailer took the space of an empty line
                kind, line = b" ", b" " + line
            if kind not in {b" ", b"-", b"+", b"\\"} or not kind:
                return lines, False
            old -= kind in {b" ", b"-"}
            new -= kind in {b" ", b"+"}
            if old < 0 or new < 0:
                return lines, False
            lines.append(line)
            self._at += 1
        return lines, True

    def _stripped(self, name: bytes | None) -> bytes | None:
        if name is None or self._strip == 0 or name.startswith(b"/"):
            return name
        return name.partition(b"/")[2] or name

    def _same_name(self, names: bytes) -> bytes | None:
        """Return the name that stands twice behind ``diff --git``; None when there are two."""
        first = _QUOTED.match(names)
        if first:
            one, other = _unquoted(first[0]), _unquoted(names[first.end() + 1 :])
        else:
            middle = len(names) // 2
            one, other = names[:middle], names[middle + 1 :]
            if names[middle : middle + 1] != b" ":
                return None
        one, other = self._stripped(one) or b"", self._stripped(other) or b""
        return one if one == other else None

    def _made(
        self,
        old: bytes | None,
        new: bytes | None,
        *,
        copied: bool = False,
        hunks: tuple[Hunk, ...],
        flaw: PatchFlaw | None,
    ) -> FilePatch:
        names = [name for name in (old, new) if name is not None]
        flaw = flaw if all(map(_inside, names)) else PatchFlaw(kind=FlawKind.OUTSIDE)
        old_text, new_text = (None if name is None else _text(name) for name in (old, new))
        return FilePatch(old=old_text, new=new_text, copied=copied, hunks=hunks, flaw=flaw)


def _file_name(text: bytes) -> bytes | None:
    """Return the name in a ``---`` or ``+++`` line; None for no file."""
    text = text.rstrip(b"\r\n")
    quoted = _QUOTED.match(text)
    name = _unquoted(quoted[0]) if quoted else text.partition(b"\t")[0].rstrip(b" ")
    return None if name == _NO_FILE or _EPOCH.search(text) else name


def _unquoted(name: bytes) -> bytes:
    quoted = _QUOTED.fullmatch(name)
    return _ESCAPE.sub(_unescaped, quoted[1]) if quoted else name


def _unescaped(match: re.Match[bytes]) -> bytes:
    if match[1][:1].isdigit():
        return bytes([int(match[1], 8) & 0xFF]) if match[1][:1] < b"8" else match[1]
    return _ESCAPES.get(match[1], match[1])


def _inside(name: bytes) -> bool:
    parts = name.split(b"/")
    return not (name.startswith(b"/") or b".." in parts or b"\0" in name or not name)


def _text(name: bytes) -> str:
    return os.fsdecode(b"/".join(part for part in name.split(b"/") if part not in {b"", b"."}))
