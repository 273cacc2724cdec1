"""A change from a patch: which patches, whose names, to which files, forward or backward."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from anyclue.git import repository as git
from anyclue.git import unified_diff as patches
from anyclue.git.mailbox import Mail, PatchSeries, split
from anyclue.git.unified_diff import FilePatch, FlawKind, PatchFlaw
from anyclue.model.errors import Problem, RequestError
from anyclue.review.pairs.driver.change import FileChange, SourceChange
from anyclue.review.pairs.driver.patched_files import Files, Placed, patched
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


@dataclass(frozen=True, kw_only=True)
class _TreePatch:
    """A patch, read as one of a tree: where its names begin, and what of it is C."""

    root: Path
    patches: tuple[Placed, ...]
    newest_first: tuple[Placed, ...]
    anything: bool

    @property
    def names(self) -> set[str]:
        """All names of files that can be there."""
        sound = [one.patch for one in self.patches if not one.patch.flaw]
        return {name for one in sound for name in (one.old, one.new) if name is not None}


def of_patch(tree: Path, text: bytes) -> SourceChange:
    """Return what a patch, mail or mbox does to the files in ``tree``, which need no git.

    Where it does not apply but its reverse does, the tree has it already: the files are then what
    comes out of it, and the title says so.

    Raises:
        RequestError: it is no patch, or does not apply; all its problems.
    """
    if not text.strip():
        raise _refusal("the patch is empty", "pipe one in: git show | anyclue pairs --diff -")
    if not tree.is_dir():
        raise _refusal("no such directory", "name a directory of a C tree", str(tree))
    series = split(text)
    reading = _best(tree, series)
    if not reading.anything:
        raise _refusal("this is not a patch", "make one with git diff, git format-patch, diff -u")
    problems = [_problem(one, flaw) for one in reading.patches if (flaw := one.patch.flaw)]
    if problems:
        raise RequestError(list(dict.fromkeys(problems)))
    disk = {name: read_inside(reading.root, name) for name in sorted(reading.names)}
    there = {name: content for name, content in disk.items() if content is not None}
    files, applied = _patched(there, reading)
    title = _title(series.mails) + (" (already applied)" if applied else "")
    return SourceChange(
        title=title,
        files=tuple(sorted(_changes(there, files, reverse=applied), key=_path)),
        root=reading.root,
    )


def _patched(there: Mapping[str, bytes], reading: _TreePatch) -> tuple[Files, bool]:
    """Return the files on the other side of the patch, and whether that is the side before it."""
    orders = [reading.patches]
    if reading.newest_first != reading.patches:
        orders.append(reading.newest_first)
    failed: list[Files] = []
    for reverse in (False, True):
        for order in orders:
            files = patched(there, order, reverse=reverse)
            if not files.problems:
                return files, reverse
            failed += [] if reverse else [files]
    raise RequestError(min(failed, key=lambda files: len(files.problems)).problems)


def _best(tree: Path, series: PatchSeries) -> _TreePatch:
    """Return the reading whose names are best known: with or without ``a/``, from tree or top."""
    roots = [tree]
    try:
        top = git.repository(tree).top
    except RequestError:
        top = None
    if top is not None and not top.samefile(tree):
        roots.append(top)
    strips = (1, 0) if any(patches.prefixed(mail.body) for mail in series.mails) else (0, 1)
    readings = [_reading(root, series, strip) for root in roots for strip in strips]
    return max(readings, key=_known)


def _known(reading: _TreePatch) -> tuple[int, bool]:
    """Return how well a reading fits its tree."""
    return sum(is_file_inside(reading.root, name) for name in reading.names), reading.anything


def _reading(root: Path, series: PatchSeries, strip: int) -> _TreePatch:
    many = len(series.mails) > 1
    by_mail = [
        [
            Placed(patch=one, number=number, where=_where(number, series.mails) if many else "")
            for one in patches.parse(mail.body, strip)
        ]
        for number, mail in enumerate(series.mails, start=1)
    ]
    every = [one for placed in by_mail for one in placed]
    wanted = _closure([one.patch for one in every])
    kept = [[one for one in placed if _concerns(one.patch, wanted)] for placed in by_mail]
    order = tuple(one for placed in kept for one in placed)
    turned = tuple(one for placed in reversed(kept) for one in placed)
    return _TreePatch(
        root=root,
        patches=order,
        newest_first=turned if series.newest_first else order,
        anything=bool(every) or any(map(patches.is_patch, (one.body for one in series.mails))),
    )


def _closure(every: Sequence[FilePatch]) -> set[str]:
    """Return the names of C sources, and of what becomes one or was one."""
    wanted = {name for one in every for name in _names(one) if git.is_source(name)}
    renames = [names for one in every if len(names := set(_names(one))) == 2]
    size = -1
    while size != len(wanted):
        size = len(wanted)
        for names in renames:
            if names & wanted:
                wanted |= names
    return wanted


def _concerns(one: FilePatch, wanted: set[str]) -> bool:
    return (one.flaw is not None and one.flaw.kind is FlawKind.OUTSIDE) or any(
        name in wanted for name in _names(one)
    )


def _names(one: FilePatch) -> list[str]:
    return [name for name in (one.old, one.new) if name is not None]


def _changes(there: Mapping[str, bytes], files: Files, *, reverse: bool) -> Iterator[FileChange]:
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


def _problem(one: Placed, flaw: PatchFlaw) -> Problem:
    where = f"{one.patch.name} ({one.where})" if one.where else one.patch.name
    what, step = _FLAWS[flaw.kind]
    return Problem(what=what.format(hunk=flaw.hunk), where=where, next_step=step)


def _refusal(what: str, next_step: str, where: str = "patch") -> RequestError:
    return RequestError([Problem(what=what, where=where, next_step=next_step)])
