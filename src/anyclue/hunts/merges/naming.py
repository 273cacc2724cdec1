"""The commits whose changes a resolution dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from anyclue.model.merge import Dropped
from anyclue.system.git import Repository
from anyclue.system.git_blame import Known, made, removed

ASKED = 8
"""Of so many dropped changes the commits are looked for: each may take seconds."""

_DIGITS = 12


def named(
    dropped: Sequence[Dropped], repo: Repository, base: str, revs: Mapping[str, str]
) -> tuple[Dropped, ...]:
    """Return dropped changes with the commits that made them, of the first ``ASKED``.

    Args:
        dropped: the changes.
        repo: where the commits are.
        base: the merge base.
        revs: the commit of each side.
    """
    found = [
        replace(
            one,
            commits=tuple(
                (two.id[:_DIGITS], two.subject) for two in _commits(one, repo, base, revs[one.side])
            ),
        )
        for one in dropped[:ASKED]
    ]
    return (*found, *dropped[ASKED:])


def _commits(one: Dropped, repo: Repository, base: str, rev: str) -> list[Known]:
    added = [line.line for line in one.lines if line.added]
    if added:
        return made(repo, base, rev, one.path, added)
    return removed(repo, base, rev, one.path, one.lines[0].text)
