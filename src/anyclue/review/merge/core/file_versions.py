"""A file in the versions that a merge knows, cut into functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property, lru_cache
from typing import NamedTuple

from anyclue.review.merge.core.model import OUTSIDE, FunctionKey
from anyclue.review.merge.core.tokens import fold_lines
from anyclue.review.source.parse import read


@dataclass(frozen=True, kw_only=True)
class FileMerge:
    """The versions of one file; None where there is no such file.

    Attributes:
        key: what it is known by: its path in the merge base, or where it was added.
        path: its path in the result, or where it was last.
        base: the merge base's.
        sides: each parent's, and `paths` where it lies there.
        automatic: what git merges by itself, each conflict decided for one side in turn; only
            one where there is no conflict.
        result: what was made of it.
    """

    key: str
    path: str
    base: bytes | None
    sides: tuple[bytes | None, ...]
    paths: tuple[str, ...]
    automatic: tuple[bytes | None, ...]
    result: bytes | None

    @property
    def chosen(self) -> bool:
        """Whether a side deleted the whole file, another changed it, and one of both was chosen."""
        deleted = self.base is not None and None in self.sides
        return deleted and len(self.automatic) > 1 and self.result in self.sides


@dataclass(frozen=True, kw_only=True)
class Fragment:
    """A function of a file, or all that is in none.

    ``numbers`` are the lines in the file, from 1.
    """

    name: str
    lines: tuple[str, ...]
    numbers: tuple[int, ...]

    @cached_property
    def folded(self) -> tuple[str, ...]:
        """Its lines without comments and needless white space; some may be empty."""
        return fold_lines(self.lines)

    @cached_property
    def counts(self) -> Counter[str]:
        """How often it has each line that says something."""
        return Counter(one for one in self.folded if any(map(str.isalnum, one)))

    @cached_property
    def solid(self) -> tuple[str, ...]:
        """Its lines that are not empty."""
        return tuple(one for one in self.folded if one)

    def opcodes(self, new: Fragment) -> Sequence[tuple[str, int, int, int, int]]:
        """Return how another text comes of it, as difflib tells it, by folded lines."""
        return SequenceMatcher(None, self.folded, new.folded, autojunk=False).get_opcodes()

    @cached_property
    def body(self) -> str:
        """What it says under whatever name."""
        return "\n".join(self.solid).replace(self.name, "", 1) if self.name else ""


@lru_cache(maxsize=1 << 12)
def fragments(text: bytes | None) -> Mapping[str, Fragment]:
    """Return the functions of a file by name; a second of one name has ``#2`` behind it."""
    if text is None:
        return {}
    lines = text.decode("utf-8", "replace").split("\n")
    found: dict[str, Fragment] = {}
    seen: Counter[str] = Counter()
    outside: list[int] = []
    at = 1
    for one in read(text).functions:
        outside += range(at, one.first_line)
        at = max(at, one.last_line + 1)
        seen[one.name] += 1
        name = one.name if seen[one.name] == 1 else f"{one.name}#{seen[one.name]}"
        found[name] = _piece(name, lines, range(one.first_line, one.last_line + 1))
    outside += range(at, len(lines) + 1)
    found[OUTSIDE] = _piece(OUTSIDE, lines, outside)
    return found


def _piece(name: str, lines: Sequence[str], numbers: Sequence[int]) -> Fragment:
    return Fragment(
        name=name,
        lines=tuple(lines[number - 1].rstrip("\r") for number in numbers),
        numbers=tuple(numbers),
    )


class Placement(NamedTuple):
    """Where a version has a function, and its text; both None where it has not."""

    at: FunctionKey | None
    text: Fragment | None


class VersionFunctions:
    """One version of all files: its functions, found where they are or where they went."""

    def __init__(self, files: Mapping[str, bytes | None]) -> None:
        self.pieces: dict[FunctionKey, Fragment] = {
            FunctionKey(key, name): piece
            for key, text in files.items()
            for name, piece in fragments(text).items()
        }
        self._by_name: dict[str, list[FunctionKey]] = {}
        self._by_file: dict[str, list[FunctionKey]] = {}
        for at in self.pieces:
            if at.function != OUTSIDE:
                self._by_file.setdefault(at.path, []).append(at)
                self._by_name.setdefault(at.function, []).append(at)

    @cached_property
    def _by_body(self) -> dict[str, list[FunctionKey]]:
        found: dict[str, list[FunctionKey]] = {}
        for at, piece in self.pieces.items():
            if at.function != OUTSIDE:
                found.setdefault(piece.body, []).append(at)
        return found

    def find(self, at: FunctionKey, piece: Fragment, other: VersionFunctions) -> FunctionKey | None:
        """Return where a function of another version is in this one.

        It is where it was; or in another file, and not in that file there; or under another name,
        the body the same, or nearly.
        """
        if at in self.pieces:
            return at
        if at.function == OUTSIDE:
            return None
        moved = [two for two in self._by_name.get(at.function, ()) if two not in other.pieces]
        if moved:
            return moved[0]
        renamed = [two for two in self._by_body.get(piece.body, ()) if two not in other.pieces]
        return next(iter(renamed), None) or self._nearly(at, piece, other)

    def placement(self, at: FunctionKey, piece: Fragment, other: VersionFunctions) -> Placement:
        """Return the same, with its text here."""
        there = self.find(at, piece, other)
        return Placement(there, self.pieces[there] if there is not None else None)

    def _nearly(
        self, at: FunctionKey, piece: Fragment, other: VersionFunctions
    ) -> FunctionKey | None:
        near = [
            (_likeness(piece, self.pieces[name]), name)
            for name in self._by_file.get(at.path, ())
            if name not in other.pieces
        ]
        likeness, name = max(near, default=(0.0, None))
        return name if likeness >= _ALIKE else None


_ALIKE = 0.6


def _likeness(one: Fragment, other: Fragment) -> float:
    total = one.counts.total() + other.counts.total()
    return 2 * (one.counts & other.counts).total() / total if total else 0.0
