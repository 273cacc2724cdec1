"""What git has of a merge: its base, what git merges by itself, conflicts, files in question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from anyclue.git import repository as git
from anyclue.git.merge import AutoMerge, auto_merge, empty_commit, merge_bases
from anyclue.git.model import Repository
from anyclue.model.errors import RequestError
from anyclue.review.merge.core.conflict_markers import (
    has_markers,
    markers_left,
    resolve_markers,
)
from anyclue.review.merge.core.file_versions import FileMerge
from anyclue.review.merge.core.relevance import called_names, function_bodies
from anyclue.review.merge.driver.request import Merge
from anyclue.review.merge.driver.snapshots import (
    Contents,
    Snapshot,
    align_renames,
    snapshot,
    work_tree_snapshot,
)
from anyclue.review.pairs.model import Unjudged

_NUL, _HEAD = b"\0", 8000  # what git takes for binary

LOOKED_THROUGH = 2000
"""So many files that a side changed are looked through for calls of what another side changed."""


@dataclass(frozen=True, kw_only=True)
class MergeInputs:
    """A merge with all that git knows of it.

    Attributes:
        base: the commit that the sides are compared with.
        blobs: the base's C sources.
        sides: the parents.
        automatic: what git merges by itself.
        conflicts: by key, the file with every conflict decided for one side, for each side in
            turn.
        other_conflicts: files with a conflict that are no C sources.
        result: what came out.
        against: the other resolution.
        beyond: by commit of a result, its files that are no C sources and not what git merges.
        related: whether the sides have a common ancestor.
        contents: reads them.
    """

    base: str
    blobs: Mapping[str, str]
    sides: tuple[Snapshot, ...]
    automatic: Snapshot
    conflicts: Mapping[str, tuple[bytes | None, ...]]
    other_conflicts: tuple[str, ...]
    result: Snapshot
    against: Snapshot | None
    beyond: Mapping[str, tuple[str, ...]]
    related: bool
    contents: Contents

    @cached_property
    def edited(self) -> tuple[str, ...]:
        """The files with a conflict, and those that a result has otherwise than git merges them.

        Among them are files to which a side moved a function out of one of those.
        """
        edited = {*self.conflicts, *self._beyond(self.result)}
        return tuple(sorted(edited.union(*(self._homes(one, edited) for one in self.sides))))

    @cached_property
    def shared(self) -> tuple[str, ...]:
        """The files that at least two sides changed."""
        every = [key for one in self.sides for key in one.changed]
        return tuple(sorted({key for key in every if every.count(key) > 1}))

    @cached_property
    def contested(self) -> tuple[str, ...]:
        """The files in which the other resolution may differ from the result."""
        if self.against is None:
            return ()
        keys = {*self.result.changed, *self.against.changed}
        return tuple(sorted({*self.edited, *self._unlike(keys, self.against, self.result)}))

    def _homes(self, side: Snapshot, edited: set[str]) -> set[str]:
        """Return where a side has functions that it took out of edited files."""
        self.contents.load([side], edited)
        left = {
            name
            for key in edited
            for name in function_bodies(self.contents.base(key)).keys()
            - function_bodies(self.contents.of(side, key)).keys()
        }
        others = [one for one in sorted(side.changed) if one not in edited] if left else []
        others = others[:LOOKED_THROUGH]
        self.contents.load([side], others)
        return {
            key
            for key in others
            if left
            & (
                function_bodies(self.contents.of(side, key)).keys()
                - function_bodies(self.contents.base(key)).keys()
            )
        }

    def _beyond(self, version: Snapshot) -> set[str]:
        keys = {*self.automatic.changed, *version.changed} - set(self.conflicts)
        return self._unlike(keys, self.automatic, version)

    def _unlike(self, keys: Iterable[str], one: Snapshot, other: Snapshot) -> set[str]:
        unlike = [key for key in keys if one.changed.get(key) != other.changed.get(key)]
        unlike += [key for key in keys if (key in one.changed) != (key in other.changed)]
        self.contents.load((one, other), unlike)
        return {
            key
            for key in unlike
            if one.path(key) != other.path(key)
            or self.contents.of(one, key) != self.contents.of(other, key)
        }

    def files(self, keys: Sequence[str], result: Snapshot) -> list[FileMerge]:
        """Return files in every version, with this result."""
        versions = (*self.sides, self.automatic, result)
        self.contents.load(versions, keys)
        of = self.contents.of
        return [
            FileMerge(
                key=key,
                path=result.path(key),
                base=self.contents.base(key),
                sides=tuple(of(one, key) for one in self.sides),
                paths=tuple(one.path(key) for one in self.sides),
                automatic=self.conflicts.get(key) or (of(self.automatic, key),),
                result=of(result, key),
            )
            for key in keys
            if not self._is_binary(key)
        ]

    @property
    def unjudged(self) -> tuple[Unjudged, ...]:
        """What of the merge is not looked at."""
        found = [
            Unjudged(path=path, line=0, function="", what="a conflict in what is no C source")
            for path in self.other_conflicts
        ]
        if not self.related:
            what = "the sides have no common ancestor: all of both counts as new"
            found.append(Unjudged(path=".", line=0, function="", what=what))
        found += [
            Unjudged(path=key, line=0, function="", what="binary")
            for key in self.edited
            if self._is_binary(key)
        ]
        for one in self.sides:
            if len(one.changed) > LOOKED_THROUGH:
                what = (
                    f"only the first {LOOKED_THROUGH} of {len(one.changed)} files that a side "
                    "changed were looked through for calls of what another side changed"
                )
                found.append(Unjudged(path=".", line=0, function="", what=what))
        return tuple(found)

    def _is_binary(self, key: str) -> bool:
        texts = (self.contents.of(one, key) for one in (*self.sides, self.result))
        return any(_NUL in text[:_HEAD] for text in texts if text is not None)

    def unresolved(self, version: Snapshot) -> tuple[str, ...]:
        """Return files in which a version has conflict markers that no side brought."""
        contents = self.contents
        keys = sorted({*self.edited, *self.contested})
        contents.load([*self.sides, self.automatic, version], keys)
        found = set()
        for key in keys:
            text = contents.of(version, key)
            sides = [contents.of(one, key) for one in self.sides]
            if text is not None and self._are_left(
                text, contents.base(key), sides, contents.of(self.automatic, key)
            ):
                found.add(version.path(key))
        others = {*self.other_conflicts, *self.beyond.get(version.rev or "", ())}
        texts = contents.files(version, others)
        marked = sorted(path for path, text in texts.items() if has_markers(text))
        if marked:
            base = contents.files_of(self.base, marked)
            own = [contents.files(one, marked) for one in self.sides]
            automatic = contents.files(self.automatic, marked)
            for path in marked:
                sides = [one.get(path) for one in own]
                if self._are_left(texts[path], base.get(path), sides, automatic.get(path)):
                    found.add(path)
        return tuple(sorted(found))

    @staticmethod
    def _are_left(
        text: bytes, base: bytes | None, sides: Sequence[bytes | None], marked: bytes | None
    ) -> bool:
        binary = _NUL in text[:_HEAD]
        return not binary and has_markers(text) and markers_left(text, base, sides, marked)

    def semantic_conflicts(self) -> tuple[str, ...]:
        """Return files in which one side changed a function that another side's change calls."""
        changed = [sorted(one.changed)[:LOOKED_THROUGH] for one in self.sides]
        for side, keys in zip(self.sides, changed, strict=True):
            self.contents.load([side], keys)
        defined = [self._defined(*one) for one in zip(self.sides, changed, strict=True)]
        calling = [self._calling(*one) for one in zip(self.sides, changed, strict=True)]
        found: set[str] = set()
        names: set[bytes] = set()
        for number, here in enumerate(defined):
            for other, there in enumerate(calling):
                if number == other:
                    continue
                for name in here.keys() & there.keys():
                    names.add(name)
                    found |= {*here[name], *there[name]}
        for side, keys in zip(self.sides, changed, strict=True):
            # What a function did before may be done by its callers now.
            found |= {
                key for key in keys if names & called_names(self.contents.of(side, key) or b"")
            }
        return tuple(sorted(found))

    def _defined(self, side: Snapshot, keys: Sequence[str]) -> dict[bytes, set[str]]:
        found: dict[bytes, set[str]] = {}
        for key in keys:
            old = function_bodies(self.contents.base(key))
            new = function_bodies(self.contents.of(side, key))
            for name, text in old.items():
                if new.get(name) != text:
                    found.setdefault(name, set()).add(key)
        return found

    def _calling(self, side: Snapshot, keys: Sequence[str]) -> dict[bytes, set[str]]:
        found: dict[bytes, set[str]] = {}
        for key in keys:
            known = set((self.contents.base(key) or b"").split(b"\n"))
            for line in (self.contents.of(side, key) or b"").split(b"\n"):
                if line not in known and line[:1].isspace():
                    for name in called_names(line):
                        found.setdefault(name, set()).add(key)
        return found


def read_inputs(repo: Repository, real: Repository, merge: Merge) -> MergeInputs:
    """Return what git knows of a merge.

    Args:
        repo: the repository that `borrowed` gave.
        real: the one whose objects it borrows, with the work tree.
        merge: what is asked for.

    Raises:
        RequestError: objects are missing, or a file cannot be read.
    """
    base = merge_base_of(repo, merge.parents)
    blobs = git.blobs(repo.at, base)
    steps = automatic_merge(repo, merge.parents)
    automatic = steps[-1].commit
    sides = [snapshot(repo, base, one) for one in merge.parents]
    merged_by_git = snapshot(repo, base, automatic)
    if merge.result is not None:
        result = snapshot(repo, base, merge.result)
    else:
        result = work_tree_snapshot(real, sides[0], merge.parents[0])
    other = [snapshot(repo, base, merge.against)] if merge.against else []
    every = align_renames(sides, [merged_by_git, result, *other])
    *sides, merged_by_git, result = every[: len(sides) + 2]
    contents = Contents(repo, blobs)
    inputs = MergeInputs(
        base=base,
        blobs=blobs,
        sides=tuple(sides),
        automatic=merged_by_git,
        conflicts={},
        other_conflicts=tuple(
            sorted(path for step in steps for path in step.conflicts if not git.is_source(path))
        ),
        result=result,
        against=every[-1] if other else None,
        beyond={
            rev: tuple(one for one in git.differing(repo, automatic, rev) if not git.is_source(one))
            for rev in (merge.result, merge.against)
            if rev is not None
        },
        related=bool(merge_bases(repo, merge.parents)),
        contents=contents,
    )
    found = conflicts(contents, inputs.sides, inputs.automatic, steps)
    return replace(inputs, conflicts=found)


def merge_base_of(repo: Repository, parents: Sequence[str]) -> str:
    """Return the merge base; of several, what git merges them to, as its own merge does."""
    found = merge_bases(repo, parents)
    if not found and repo.shallow:
        raise RequestError.of(
            "the history is cut before the merge base",
            where="this clone is shallow",
            next_step="bring more history: git fetch --unshallow, or --deepen=N",
        )
    if not found:
        return empty_commit(repo)
    base, *others = found
    for one in others:
        base = auto_merge(repo, base, one).commit
    return base


def automatic_merge(repo: Repository, parents: Sequence[str]) -> list[AutoMerge]:
    """Merge one parent after the other, as git does an octopus; return every step."""
    steps: list[AutoMerge] = []
    for one in parents[1:]:
        steps.append(auto_merge(repo, steps[-1].commit if steps else parents[0], one))
    return steps


def conflicts(
    contents: Contents,
    sides: Sequence[Snapshot],
    automatic: Snapshot,
    steps: Sequence[AutoMerge],
) -> dict[str, tuple[bytes | None, ...]]:
    """Return each C source with a conflict, decided for each side in turn, by its key.

    Args:
        contents: reads files.
        sides: the parents.
        automatic: what git merges them to.
        steps: how it did.
    """
    keys = automatic.keys()
    for one in sides:
        keys = {**one.keys(), **keys}
    found: dict[str, tuple[bytes | None, ...]] = {}
    for number, step in enumerate(steps, start=1):
        for path, stages in step.conflicts.items():
            if not git.is_source(path):
                continue
            key = keys.get(path, path)
            if key not in found:
                contents.load([automatic], [key])
                marked = contents.of(automatic, key)
                found[key] = tuple(_decided(marked, steps, side) for side, _ in enumerate(sides))
            if len(set(found[key])) == 1:
                # Nothing is marked: one side deleted or moved what the other changed.
                ours, theirs = (contents.blob(stages[n]) if n in stages else None for n in (2, 3))
                found[key] = tuple(
                    theirs if side == number else ours for side, _ in enumerate(sides)
                )
    return found


def _decided(text: bytes | None, steps: Sequence[AutoMerge], side: int) -> bytes | None:
    """Return a file with the conflicts of all steps decided for one side.

    A later step can have what an earlier one marked inside of its own marks.
    """
    for number, step in enumerate(steps, start=1):
        both = resolve_markers(text, step.ours, step.theirs) if text is not None else None
        if both is not None:
            text = both[number == side]
    return text
