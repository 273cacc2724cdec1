"""What a result defines twice: in one file, or in a header and in a file that includes it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence, Set
from itertools import permutations

from anyclue.git import repository as git
from anyclue.review.merge.core.model import DefinitionPlace, Origin, RepeatedDefinition
from anyclue.review.merge.core.repeated_definitions import (
    added_names,
    defined_in_both,
    may_repeat,
    repeated_in_file,
)
from anyclue.review.merge.driver.inputs import LOOKED_THROUGH, MergeInputs
from anyclue.review.merge.driver.snapshots import Snapshot

_INCLUDED = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*(?:"([^"\n]+)"|<([^>\n]+)>)', re.MULTILINE)
_PAIRS = 200
"""So many pairs of files are looked into."""
_HEADERS = 300
"""So many headers are read to find out whether one is included."""


def repeated_definitions(
    inputs: MergeInputs, version: Snapshot, sides: Sequence[str]
) -> tuple[RepeatedDefinition, ...]:
    """Return what a version defines more often than any side, by file and line.

    Args:
        inputs: the merge.
        version: the result, or another resolution.
        sides: the names of the parents.
    """
    edited = {*inputs.edited, *inputs.contested}
    files = inputs.files(sorted({*edited, *inputs.shared}), version)
    found = [
        one
        for file in files
        if file.key in edited or may_repeat(file)
        for one in repeated_in_file(file, sides)
    ]
    found += _RepeatedAcrossFiles(inputs, version, sides).find()
    return tuple(sorted(found, key=lambda one: (one.places[0].path, one.places[0].line, one.name)))


class _RepeatedAcrossFiles:
    """Finds what one side added to a header and another to a file that includes it."""

    def __init__(self, inputs: MergeInputs, version: Snapshot, sides: Sequence[str]) -> None:
        self._inputs = inputs
        self._version = version
        self._sides = sides
        self._places: dict[str, list[str]] | None = None

    def find(self) -> Iterator[RepeatedDefinition]:
        """Yield what is defined in two files."""
        of, version = self._inputs.contents.of, self._version
        pairs = self._pairs()
        for (header, user), names in sorted(pairs.items())[:_PAIRS]:
            self._inputs.contents.load([version, self._inputs.automatic], [header, user])
            both = list(defined_in_both(of(version, header), of(version, user), names))
            both = [one for one in both if not self._known(header, user, one[0].key)]
            if not both or not self._includes(user, header):
                continue
            automatic = self._inputs.automatic
            merged = {
                one.key
                for one, _ in defined_in_both(of(automatic, header), of(automatic, user), names)
            }
            for one, two in both:
                by_git = one.key in merged and not {header, user} & self._inputs.conflicts.keys()
                yield RepeatedDefinition(
                    kind=one.kind,
                    name=one.name,
                    places=(
                        DefinitionPlace(path=version.path(header), line=one.line),
                        DefinitionPlace(path=version.path(user), line=two.line),
                    ),
                    added=tuple(self._sides),
                    origin=Origin.MERGE if by_git else Origin.RESOLUTION,
                )

    def _pairs(self) -> dict[tuple[str, str], set[bytes]]:
        """Return the header and the other file in which two sides may define the same names."""
        contents = self._inputs.contents
        added: list[dict[bytes, set[str]]] = []
        for side in self._inputs.sides:
            by_name: dict[bytes, set[str]] = {}
            keys = sorted(side.changed)[:LOOKED_THROUGH]
            contents.load([side], keys)
            for key in keys:
                for name in added_names(contents.base(key), contents.of(side, key)):
                    by_name.setdefault(name, set()).add(key)
            added.append(by_name)
        found: dict[tuple[str, str], set[bytes]] = {}
        for here, there in permutations(added, 2):
            for name in here.keys() & there.keys():
                for header in (one for one in here[name] if one.endswith(".h")):
                    for user in there[name] - {header}:
                        found.setdefault((header, user), set()).add(name)
        return found

    def _known(self, header: str, user: str, key: tuple[str, str]) -> bool:
        """Return whether the base or a side defines it in both files already."""
        of, contents = self._inputs.contents.of, self._inputs.contents
        versions = [(of(one, header), of(one, user)) for one in self._inputs.sides]
        versions.append((contents.base(header), contents.base(user)))
        name = [word.encode() for word in re.findall(r"\w+", key[1])]
        return any(
            key in {one.key for one, _ in defined_in_both(*texts, name)} for texts in versions
        )

    def _includes(self, user: str, header: str) -> bool:
        """Return whether a file includes a header, itself or by others."""
        wanted = {header}
        seen: set[str] = set()
        todo = {user}
        while todo and len(seen) < _HEADERS:
            self._inputs.contents.load([self._version], sorted(todo))
            found = {one for key in todo for one in self._included(key)}
            if found & wanted:
                return True
            seen |= todo
            todo = found - seen
        return False

    def _included(self, key: str) -> Set[str]:
        text = self._inputs.contents.of(self._version, key) or b""
        at = posixpath.dirname(self._version.path(key))
        found: set[str] = set()
        for quoted, angled in _INCLUDED.findall(text):
            name = (quoted or angled).decode("utf-8", "replace")
            every = self._files(posixpath.basename(name))
            own = posixpath.normpath(posixpath.join(at, name)) if quoted else None
            beside = [one for one in every if self._version.path(one) == own]
            found.update(
                beside
                or (one for one in every if f"/{self._version.path(one)}".endswith(f"/{name}"))
            )
        return found

    def _files(self, name: str) -> list[str]:
        """Return the headers of a name, wherever they are."""
        if self._places is None:
            self._places = {}
            for key in {*self._inputs.blobs, *self._version.changed}:
                path = self._version.path(key)
                if git.is_source(path) and self._version.changed.get(key, "") is not None:
                    self._places.setdefault(posixpath.basename(path), []).append(key)
        return self._places.get(name, [])
