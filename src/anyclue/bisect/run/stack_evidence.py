"""What the stack of the bad end's break says of commits: who changed a function that is on it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Final

from anyclue.bisect.core.model import CommitEvidence
from anyclue.git.blame import touched
from anyclue.git.model import CommitRange
from anyclue.git.repository import Repository
from anyclue.hunt.localise.core.stacks import frame_functions, incident_evidence
from anyclue.review.source.parse import read
from anyclue.trial.kernels import module_trees as trees

ASKED: Final = 5
"""Of so many functions the commits are looked for: each may take seconds."""

Lines = tuple[int, int]
"""The first and the last line of a function."""


def on_stack(
    repo: Repository, span: CommitRange, directory: str, incident: str
) -> list[CommitEvidence]:
    """Return what speaks for commits that changed a function on a stack, the innermost first.

    Args:
        repo: the repository.
        span: the commits.
        directory: that of the module.
        incident: what the kernel reported, whole; hostile text.
    """
    where = _functions(trees.at(repo, span.bad, directory), incident)
    known: dict[str, list[str]] = {}
    for path, name in where:
        known.setdefault(name, []).append(path)
    commits = {one.id for one in span.commits}
    found: dict[str, CommitEvidence] = {}
    for (path, name), reason in islice(incident_evidence(incident, known).items(), ASKED):
        for one in touched(repo, span.good[0], span.bad, path, where[path, name]):
            if one.id in commits and one.id not in found:
                because = f"changed {name}(), which is on the stack of what broke"
                found[one.id] = CommitEvidence(commit=one.id, ratio=reason.ratio, because=because)
    return list(found.values())


def _functions(sources: Mapping[str, bytes], incident: str) -> dict[tuple[str, str], Lines]:
    """Return the functions that the text names, by path and name, with their lines."""
    names = set(frame_functions(incident))
    return {
        (path, one.name): (one.first_line, one.last_line)
        for path, text in sources.items()
        if path.endswith(".c") and any(name.encode() in text for name in names)
        for one in read(text).functions
        if one.name in names
    }
