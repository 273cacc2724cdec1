"""A change from a patch: which patches, whose names, to which files, forward or backward."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path

from anyclue.git import repository as git
from anyclue.git import unified_diff as patches
from anyclue.git.contents import HunkMismatch, apply
from anyclue.git.mailbox import Mail, PatchSeries, split
from anyclue.git.unified_diff import FilePatch, FlawKind, PatchFlaw
from anyclue.model.errors import Problem, RequestError
from anyclue.review.pairs.driver.changes import FileChange, SourceChange
from anyclue.system.confined_files import is_file_inside, read_inside

_DAMAGED = "take the patch from where it came once more; mail programs break lines"
_FLAWS = {
    FlawKind.BINARY: (
        "a binary change of a C source cannot be read",
        "make it a text: git diff --text",
    ),
    FlawKind.COMBINED: (
        "the combined diff of a merge cannot be applied",
        "show it against one parent: git show --first-parent -m; or --diff M^..M",
    ),
    FlawKind.OUTSIDE: (
        "the path leads out of the tree",
        "a patch may only name files below the tree",
    ),
    FlawKind.DAMAGED: ("hunk {hunk} is cut short or damaged", _DAMAGED),
    FlawKind.NO_HUNK: ("there are names, but no hunk", _DAMAGED),
}
"""What is wrong with a file's patch, and what to do."""


_OTHER_VERSION = (
    "the patch is for another version of the file: take the tree that it was made for, "
    "or name the commits, as --diff A..B"
)


@dataclass(frozen=True, kw_only=True)
class LocatedPatch:
    """What a patch does to one file; the patch's number, and its name where there are several."""

    patch: FilePatch
    number: int = 1
    where: str = ""

    @property
    def place(self) -> str:
        """The file's name, and the patch's in brackets, for messages."""
        return f"{self.patch.name} ({self.where})" if self.where else self.patch.name

    @property
    def names(self) -> set[str]:
        """The file's name before and after."""
        return {name for name in (self.patch.old, self.patch.new) if name is not None}


@dataclass(kw_only=True)
class PatchedFiles:
    """Contents by name while patches go by, and what each file was called in the beginning."""

    contents: dict[str, bytes]
    origins: dict[str, str | None] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    failed_names: set[str] = field(default_factory=set)

    def refuse(self, one: LocatedPatch, what: str, next_step: str) -> None:
        """Note a problem; later patches of the same file are passed over, it is named once."""
        self.problems.append(Problem(what=what, where=one.place, next_step=next_step))
        self.failed_names |= one.names


@dataclass(frozen=True, kw_only=True)
class _Interpretation:
    """A patch, read as one of a tree: where its names begin, and what of it is C."""

    root: Path
    patches: tuple[LocatedPatch, ...]
    newest_first: tuple[LocatedPatch, ...]
    has_patch: bool

    @property
    def names(self) -> set[str]:
        """All names of files that can be there."""
        return {name for one in self.patches if not one.patch.flaw for name in one.names}


def of_patch(tree: Path, text: bytes) -> SourceChange:
    """Return what a patch, mail or mbox does to the files in ``tree``, which need no git.

    Where it does not apply but its reverse does, the tree has it already: the files are then what
    comes out of it, and the title says so.

    Raises:
        RequestError: it is no patch, or does not apply; all its problems.
    """
    if not text.strip():
        raise RequestError.of(
            "the patch is empty",
            where="patch",
            next_step="pipe one in: git show | anyclue pairs --diff -",
        )
    if not tree.is_dir():
        raise RequestError.of(
            "no such directory", where=str(tree), next_step="name a directory of a C tree"
        )
    series = split(text)
    interpretation = _best_interpretation(tree, series)
    if not interpretation.has_patch:
        raise RequestError.of(
            "this is not a patch",
            where="patch",
            next_step="make one with git diff, git format-patch, diff -u",
        )
    problems = [_problem(one, flaw) for one in interpretation.patches if (flaw := one.patch.flaw)]
    if problems:
        raise RequestError(list(dict.fromkeys(problems)))
    disk = {name: read_inside(interpretation.root, name) for name in sorted(interpretation.names)}
    there = {name: content for name, content in disk.items() if content is not None}
    files, applied = _patched(there, interpretation)
    title = _title(series.mails) + (" (already applied)" if applied else "")
    return SourceChange(
        title=title,
        files=tuple(sorted(_changes(there, files, reverse=applied), key=_path)),
        root=interpretation.root,
    )


def _patched(there: Mapping[str, bytes], patch: _Interpretation) -> tuple[PatchedFiles, bool]:
    """Return the files on the other side of the patch, and whether that is the side before it."""
    orders = [patch.patches]
    if patch.newest_first != patch.patches:
        orders.append(patch.newest_first)
    failed: list[PatchedFiles] = []
    for reverse in (False, True):
        for order in orders:
            files = apply_patches(there, order, reverse=reverse)
            if not files.problems:
                return files, reverse
            failed += [] if reverse else [files]
    raise RequestError(min(failed, key=lambda files: len(files.problems)).problems)


def _best_interpretation(tree: Path, series: PatchSeries) -> _Interpretation:
    """Return the one whose names are best known: with or without ``a/``, from tree or top."""
    roots = [tree]
    try:
        top = git.repository(tree).top
    except RequestError:
        top = None
    if top is not None and not top.samefile(tree):
        roots.append(top)
    strips = (1, 0) if any(patches.prefixed(mail.body) for mail in series.mails) else (0, 1)
    interpretations = [_interpret(root, series, strip) for root in roots for strip in strips]
    return max(interpretations, key=_known)


def _known(patch: _Interpretation) -> tuple[int, bool]:
    """Return how well an interpretation fits its tree."""
    return sum(is_file_inside(patch.root, name) for name in patch.names), patch.has_patch


def _interpret(root: Path, series: PatchSeries, strip: int) -> _Interpretation:
    many = len(series.mails) > 1
    by_mail = [
        [
            LocatedPatch(
                patch=one, number=number, where=_where(number, series.mails) if many else ""
            )
            for one in patches.parse(mail.body, strip)
        ]
        for number, mail in enumerate(series.mails, start=1)
    ]
    every = [one for placed in by_mail for one in placed]
    wanted = _closure(every)
    kept = [[one for one in placed if _concerns(one, wanted)] for placed in by_mail]
    order = tuple(one for placed in kept for one in placed)
    newest_first = tuple(one for placed in reversed(kept) for one in placed)
    return _Interpretation(
        root=root,
        patches=order,
        newest_first=newest_first if series.newest_first else order,
        has_patch=bool(every) or any(map(patches.is_patch, (one.body for one in series.mails))),
    )


def _closure(every: Sequence[LocatedPatch]) -> set[str]:
    """Return the names of C sources, and of what becomes one or was one."""
    wanted = {name for one in every for name in one.names if git.is_source(name)}
    renames = [one.names for one in every if len(one.names) == 2]
    size = -1
    while size != len(wanted):
        size = len(wanted)
        for names in renames:
            if names & wanted:
                wanted |= names
    return wanted


def _concerns(one: LocatedPatch, wanted: set[str]) -> bool:
    flaw = one.patch.flaw
    is_outside = flaw is not None and flaw.kind is FlawKind.OUTSIDE
    return is_outside or not one.names.isdisjoint(wanted)


def _changes(
    there: Mapping[str, bytes], files: PatchedFiles, *, reverse: bool
) -> Iterator[FileChange]:
    left = set(there) - {origin for origin in files.origins.values() if origin is not None}
    pairs: list[tuple[str | None, str | None]] = []
    for name in files.contents:
        origin = files.origins[name]
        if origin is None and name in left:  # taken away and made anew
            origin = name
            left.discard(name)
        pairs.append((origin, name))
    pairs += [(name, None) for name in left]
    for first, last in pairs:
        before = _side(first, there)
        after = _side(last, files.contents)
        if before == after:
            continue
        old, new = (after, before) if reverse else (before, after)
        yield FileChange(old_path=old[0], new_path=new[0], old=old[1], new=new[1])


def _side(name: str | None, contents: Mapping[str, bytes]) -> tuple[str, bytes] | tuple[None, None]:
    if name is None or not git.is_source(name):
        return None, None
    return name, contents[name]


def _path(change: FileChange) -> str:
    return change.new_path or change.old_path or ""


def _title(mails: Sequence[Mail]) -> str:
    subjects = [mail.subject for mail in mails if mail.subject]
    if not subjects:
        return "patch"
    more = f" and {len(mails) - 1} more" if len(mails) > 1 else ""
    return f"patch {subjects[0]}{more}"


def _where(number: int, mails: Sequence[Mail]) -> str:
    subject = mails[number - 1].subject
    place = f"patch {number} of {len(mails)}"
    return f"{place}: {subject}" if subject else place


def _problem(one: LocatedPatch, flaw: PatchFlaw) -> Problem:
    what, step = _FLAWS[flaw.kind]
    return Problem(what=what.format(hunk=flaw.hunk), where=one.place, next_step=step)


def apply_patches(
    contents: Mapping[str, bytes], patches: Sequence[LocatedPatch], *, reverse: bool = False
) -> PatchedFiles:
    """Return the files after all ``patches``, in order; backward, in the opposite order.

    `Files.problems` says what does not apply.
    """
    files = PatchedFiles(contents=dict(contents), origins={name: name for name in contents})
    order = [_reversed(one) for one in reversed(patches)] if reverse else list(patches)
    for batch in _batches(order):
        _apply(files, batch, reverse=reverse)
    return files


def _reversed(one: LocatedPatch) -> LocatedPatch:
    """Return a patch with its ends exchanged (its hunks stay); the reverse of a copy deletes."""
    patch = one.patch
    before = None if patch.copied else patch.old
    return replace(one, patch=replace(patch, old=patch.new, new=before))


def _batches(order: Sequence[LocatedPatch]) -> Iterator[list[LocatedPatch]]:
    """Give the parts of one patch together, as far as they make no file twice.

    Renames and copies in a patch are all of what there was before it, in whatever order they come.
    """
    batch: list[LocatedPatch] = []
    made: set[str] = set()
    for one in order:
        if batch and (one.number != batch[0].number or one.patch.name in made):
            yield batch
            batch, made = [], set()
        batch.append(one)
        made.add(one.patch.name)
    if batch:
        yield batch


def _apply(files: PatchedFiles, batch: Sequence[LocatedPatch], *, reverse: bool) -> None:
    taken = {one.patch.old for one in batch if one.patch.old != one.patch.new}
    done: list[tuple[FilePatch, bytes]] = []
    ready = [one for one in batch if _may_apply(files, one, taken)]
    for one, result in zip(ready, _results(files, ready, reverse=reverse), strict=True):
        if isinstance(result, HunkMismatch):
            files.refuse(one, _why(one.patch, result, reverse=reverse), _OTHER_VERSION)
        elif one.patch.new is None and result and not one.patch.copied:
            files.refuse(one, "the patch deletes this file, which holds more", _OTHER_VERSION)
        else:
            done.append((one.patch, result))
    _store(files, done)


def _results(
    files: PatchedFiles, ready: Sequence[LocatedPatch], *, reverse: bool
) -> list[bytes | HunkMismatch]:
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


def _may_apply(files: PatchedFiles, one: LocatedPatch, taken: Set[str | None]) -> bool:
    patch = one.patch
    if one.names & files.failed_names:
        files.failed_names |= one.names
        return False
    if patch.old is not None and patch.old not in files.contents and not patch.from_nothing:
        what = "the patch changes this file, which is not there"
        files.refuse(
            replace(one, patch=replace(patch, new=patch.old)),
            what,
            "is this the root of the tree that the patch was made for?",
        )
    elif patch.new != patch.old and patch.new in files.contents.keys() - taken:
        files.refuse(one, "the patch creates this file, which is there already", _OTHER_VERSION)
    else:
        return True
    return False


def _before(files: PatchedFiles, one: LocatedPatch) -> bytes:
    return files.contents.get(one.patch.old, b"") if one.patch.old is not None else b""


def _with_ends_of(before: bytes, hunks: bytes) -> bytes:
    """Return hunks with the line ends of a file that they did not fit: mail changes them."""
    lines = re.sub(rb"^([ +-][^\n]*?)\r?\n", rb"\1\n", hunks, flags=re.MULTILINE)
    if b"\r\n" in before:
        return re.sub(rb"^([ +-][^\n]*)\n", rb"\1\r\n", lines, flags=re.MULTILINE)
    return lines


def _store(files: PatchedFiles, done: Sequence[tuple[FilePatch, bytes]]) -> None:
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

    The one hunk of a whole file has none either: it is known by the file, which it is all of.
    """
    if not patch.hunks or any(hunk.context for hunk in patch.hunks):
        return False
    first = patch.hunks[0]
    whole = len(patch.hunks) == 1 and 0 in {first.old_line, first.new_line}
    return not (whole and before.rstrip(b"\n") in {b"", first.content.rstrip(b"\n")})
