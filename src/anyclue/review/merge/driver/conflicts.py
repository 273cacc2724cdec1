"""The merge base, what git merges by itself, and where it leaves conflicts."""

from __future__ import annotations

from collections.abc import Sequence

from anyclue.git import repository as git
from anyclue.git.merge import AutoMerge, auto_merge, empty_commit, merge_bases
from anyclue.git.model import Repository
from anyclue.model.errors import Problem, RequestError
from anyclue.review.merge.core.conflict_markers import decided
from anyclue.review.merge.driver.snapshots import Contents, Snapshot

Step = tuple[str, str, AutoMerge]
"""Two commits, and what git merges them to: an octopus takes several."""


def base_of(repo: Repository, parents: Sequence[str]) -> str:
    """Return the merge base; of several, what git merges them to, as its own merge does."""
    found = merge_bases(repo, parents)
    if not found and repo.shallow:
        raise RequestError(
            [
                Problem(
                    what="the history is cut before the merge base",
                    where="this clone is shallow",
                    next_step="bring more history: git fetch --unshallow, or --deepen=N",
                )
            ]
        )
    if not found:
        return empty_commit(repo)
    base, *others = found
    for one in others:
        base = auto_merge(repo, base, one).commit
    return base


def by_git(repo: Repository, parents: Sequence[str]) -> tuple[str, list[Step]]:
    """Merge one parent after the other; return the end, and each step with its two commits."""
    at = parents[0]
    steps = []
    for one in parents[1:]:
        step = auto_merge(repo, at, one)
        steps.append((at, one, step))
        at = step.commit
    return at, steps


def conflicts(
    contents: Contents,
    sides: Sequence[Snapshot],
    automatic: Snapshot,
    steps: Sequence[Step],
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
    for number, (_, _, step) in enumerate(steps, start=1):
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


def _decided(text: bytes | None, steps: Sequence[Step], side: int) -> bytes | None:
    """Return a file with the conflicts of all steps decided for one side.

    A later step can have what an earlier one marked inside of its own marks.
    """
    for number, (ours, theirs, _) in enumerate(steps, start=1):
        both = decided(text, ours, theirs) if text is not None else None
        if both is not None:
            text = both[number == side]
    return text
