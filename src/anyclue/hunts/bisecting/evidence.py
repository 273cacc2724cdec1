"""What speaks for and against commits before any runs: files touched, and findings of pairing."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from anyclue.hunts.pairs.asking import InGit, contracts_near
from anyclue.hunts.pairs.changes import of_range
from anyclue.hunts.pairs.reviewing import Reviewer
from anyclue.model.bisection import Commit, Evidence, Range
from anyclue.model.errors import RequestError
from anyclue.model.finding import Confidence, FindingKind
from anyclue.review.merges.exercising import mounts
from anyclue.system.git import Repository
from anyclue.system.git_process import failure, git

REVIEWED = 300
"""So many commits are reviewed for pairing, and no more: each may take a second."""

ELSEWHERE, REACHED, FOUND = 0.01, 4.0, 9.0
"""Likelihood ratios. A commit outside of the module's directory changes nothing that is built from
it. A file that the mount option of the cell leads to is likelier at fault than another. A review
tells nine of ten lost releases, and finds something in about one of ten innocent commits
(docs/bench.md)."""

_LOST = (FindingKind.LEAK, FindingKind.OVERWRITTEN, FindingKind.LOST_RELEASE)


def evidence(repo: Repository, span: Range, directory: str, mount: str) -> list[Evidence]:
    """Return what is known of the commits of a range.

    Args:
        repo: the repository.
        span: the commits.
        directory: that of the module.
        mount: the cell's mount options.
    """
    touched = _touched(repo, span)
    inside = [c for c in span.commits if any(_below(p, directory) for p in touched.get(c.id, ()))]
    found: list[Evidence] = []
    reviewed = {one.id for one in inside[-REVIEWED:] if len(one.parents) == 1}
    for commit in span.commits:
        if len(commit.parents) > 1:
            continue
        paths = [path for path in touched.get(commit.id, ()) if _below(path, directory)]
        if not paths:
            because = f"touches nothing below {directory}"
            found.append(Evidence(commit=commit.id, ratio=ELSEWHERE, because=because))
            continue
        ratio, said = 1.0, []
        reached = [path for path in paths if mounts(path) & set(mount.split(","))]
        if reached:
            ratio *= REACHED
            said.append(f"touches {reached[0]}, which {mount} leads to")
        if commit.id in reviewed and (function := _finding(repo, commit)):
            ratio *= FOUND
            said.append(f"pairs --diff: {function}() loses a release")
        if said:
            found.append(Evidence(commit=commit.id, ratio=ratio, because="; ".join(said)))
    return found


def _below(path: str, directory: str) -> bool:
    return path.startswith(f"{directory}/")


def _touched(repo: Repository, span: Range) -> dict[str, tuple[str, ...]]:
    """Return which files each commit changed; of merges, none."""
    wanted = (span.bad, *(f"^{one}" for one in span.good))
    options = ("--no-merges", "--name-only", "--no-renames", "-z", "--format=%x01%H")
    done = git(repo.at, "log", *options, *wanted, "--")
    if done.status != 0:
        raise failure(repo.at, done)
    found = {}
    for entry in os.fsdecode(done.stdout).split("\x01")[1:]:
        commit, _, names = entry.partition("\0")
        found[commit.strip()] = tuple(name.lstrip("\n") for name in names.split("\0") if name)
    return found


def _finding(repo: Repository, commit: Commit) -> str:
    """Return the function in which a commit loses a release, as a review tells; "" for none."""
    cache = Path(platformdirs.user_cache_dir("anyclue")) / "pairs"
    try:
        change = of_range(repo.at, f"{commit.parents[0]}..{commit.id}")
        reviewer = Reviewer(change.root, contracts=contracts_near(repo.at), cache=cache, jobs=1)
        around = InGit(change.root, commit.parents[0])
        findings = reviewer.change(change, around, Confidence.MEDIUM).findings
    except RequestError:
        return ""
    return next((one.function for one in findings if one.kind in _LOST), "")
