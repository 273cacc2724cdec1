"""Patches applied, forward or backward, to contents held in memory; nothing on disk changes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from anyclue.git.contents import HunkMismatch, apply
from anyclue.git.unified_diff import FilePatch
from anyclue.model.errors import Problem

OTHER_VERSION = (
    "the patch is for another version of the file: take the tree that it was made for, "
    "or name the commits, as --diff A..B"
)


@dataclass(frozen=True, kw_only=True)
class Placed:
    """What a patch does to one file; the patch's number, and its name where there are several."""

    patch: FilePatch
    number: int = 1
    where: str = ""

    @property
    def names(self) -> set[str]:
        """The file's name before and after."""
        return {name for name in (self.patch.old, self.patch.new) if name is not None}


@dataclass(kw_only=True)
class Files:
    """Contents by name while patches go by, and what each file was called in the beginning."""

    contents: dict[str, bytes]
    origins: dict[str, str | None] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    spoilt: set[str] = field(default_factory=set)

    def refuse(self, one: Placed, what: str, next_step: str) -> None:
        """Note a problem; later patches of the same file are passed over, it is named once."""
        where = f"{one.patch.name} ({one.where})" if one.where else one.patch.name
        self.problems.append(Problem(what=what, where=where, next_step=next_step))
        self.spoilt |= one.names


def patched(
    contents: Mapping[str, bytes], patches: Sequence[Placed], *, reverse: bool = False
) -> Files:
    """Return the files after all ``patches``, in order; backward, in the opposite order.

    `Files.problems` says what does not apply.
    """
    files = Files(contents=dict(contents), origins={name: name for name in contents})
    order = [_turned(one) for one in reversed(patches)] if reverse else list(patches)
    for batch in _batches(order):
        _apply(files, batch, reverse=reverse)
    return files


def _turned(one: Placed) -> Placed:
    """Return a patch with its ends exchanged (its hunks stay); the reverse of a copy deletes."""
    patch = one.patch
    before = None if patch.copied else patch.old
    return replace(one, patch=replace(patch, old=patch.new, new=before))


def _batches(order: Sequence[Placed]) -> Iterator[list[Placed]]:
    """Give the parts of one patch together, as far as they make no file twice.

    Renames and copies in a patch are all of what there was before it, in whatever order they come.
    """
    batch: list[Placed] = []
    made: set[str] = set()
    for one in order:
        if batch and (one.number != batch[0].number or one.patch.name in made):
            yield batch
            batch, made = [], set()
        batch.append(one)
        made.add(one.patch.name)
    if batch:
        yield batch


def _apply(files: Files, batch: Sequence[Placed], *, reverse: bool) -> None:
    taken = {one.patch.old for one in batch if one.patch.old != one.patch.new}
    done: list[tuple[FilePatch, bytes]] = []
    ready = [one for one in batch if _may_apply(files, one, taken)]
    for one, result in zip(ready, _results(files, ready, reverse=reverse), strict=True):
        if isinstance(result, HunkMismatch):
            files.refuse(one, _why(one.patch, result, reverse=reverse), OTHER_VERSION)
        elif one.patch.new is None and result and not one.patch.copied:
            files.refuse(one, "the patch deletes this file, which holds more", OTHER_VERSION)
        else:
            done.append((one.patch, result))
    _store(files, done)


def _results(files: Files, ready: Sequence[Placed], *, reverse: bool) -> list[bytes | HunkMismatch]:
    contents = [_before(files, one) for one in ready]
    results: list[bytes | HunkMismatch] = [*contents]
    for bare in (False, True):
        work = {
            number: (before, b"".join(hunk.text for hunk in one.patch.hunks))
            for number, (one, before) in enumerate(zip(ready, contents, strict=True))
            if one.patch.hunks and _bare(one.patch, before) == bare
        }
        while work:
            found = apply(list(work.values()), reverse=reverse, unified_zero=bare)
            for number, result in zip(work, found, strict=True):
                results[number] = result
            work = {
                number: (before, fitting)
                for number, (before, hunks) in work.items()
                if isinstance(results[number], HunkMismatch)
                and (fitting := _with_ends_of(before, hunks)) != hunks
            }
    return results


def _may_apply(files: Files, one: Placed, taken: Set[str | None]) -> bool:
    patch = one.patch
    if one.names & files.spoilt:
        files.spoilt |= one.names
        return False
    if patch.old is not None and patch.old not in files.contents and not patch.from_nothing:
        what = "the patch changes this file, which is not there"
        files.refuse(
            replace(one, patch=replace(patch, new=patch.old)),
            what,
            "is this the root of the tree that the patch was made for?",
        )
    elif patch.new != patch.old and patch.new in files.contents.keys() - taken:
        files.refuse(one, "the patch creates this file, which is there already", OTHER_VERSION)
    else:
        return True
    return False


def _before(files: Files, one: Placed) -> bytes:
    return files.contents.get(one.patch.old, b"") if one.patch.old is not None else b""


def _with_ends_of(before: bytes, hunks: bytes) -> bytes:
    """Return hunks with the line ends of a file that they did not fit: mail changes them."""
    lines = re.sub(rb"^([ +-][^\n]*?)\r?\n", rb"\1\n", hunks, flags=re.MULTILINE)
    if b"\r\n" in before:
        return re.sub(rb"^([ +-][^\n]*)\n", rb"\1\r\n", lines, flags=re.MULTILINE)
    return lines


def _store(files: Files, done: Sequence[tuple[FilePatch, bytes]]) -> None:
    origins = {
        patch.new: files.origins.get(patch.old)
        for patch, _ in done
        if patch.old is not None and not patch.copied
    }
    for patch, _ in done:
        if patch.old is not None and (patch.new is None or not patch.copied):
            files.contents.pop(patch.old, None)
            files.origins.pop(patch.old, None)
    for patch, result in done:
        if patch.new is not None:
            files.contents[patch.new] = result
            files.origins[patch.new] = origins.get(patch.new)


def _why(patch: FilePatch, refusal: HunkMismatch, *, reverse: bool) -> str:
    """Say which hunk does not apply: git names the line of the side that it starts from."""
    for number, hunk in enumerate(patch.hunks, start=1):
        if refusal.line == (hunk.new_line if reverse else hunk.old_line):
            return f"hunk {number} of {len(patch.hunks)} (line {refusal.line}) does not apply"
    return f"the patch does not apply: {refusal.reason}"


def _bare(patch: FilePatch, before: bytes) -> bool:
    """Whether hunks come without context, as from ``diff -U0``.

    The one hunk of a whole file has none either: it is told by the file, which it is all of.
    """
    if not patch.hunks or any(hunk.context for hunk in patch.hunks):
        return False
    first = patch.hunks[0]
    whole = len(patch.hunks) == 1 and 0 in {first.old_line, first.new_line}
    return not (whole and before.rstrip(b"\n") in {b"", first.content.rstrip(b"\n")})
