"""The commits between good and bad ones, as git knows them."""

from __future__ import annotations

from collections.abc import Sequence

from anyclue.git.model import CommitNode, CommitRange
from anyclue.git.process import Repository, answer
from anyclue.model.errors import Problem, RequestError

MOST = 1_000_000
"""Commits of a range that are read at most."""


def dag(repo: Repository, good: Sequence[str], bad: str) -> CommitRange:
    """Return the commits that ``bad`` reaches and no commit of ``good`` does (full ids).

    Raises:
        RequestError: there are none or too many, or objects are missing.
    """
    wanted = (bad, *(f"^{one}" for one in good))
    count = int(answer(repo.at, "rev-list", "--count", *wanted, "--"))
    if not count:
        what = "the bad revision has no commit that the good ones do not have"
        raise _refusal(repo, what, "perhaps good and bad were mixed up")
    if count > MOST:
        what = f"{count:,} commits lie between good and bad; {MOST:,} is the most"
        raise _refusal(repo, what, "name a good revision that is closer")
    options = ("--topo-order", "--reverse", "--parents")
    listed = answer(repo.at, "rev-list", *options, *wanted, "--")
    lines = [line.split() for line in listed.decode("ascii").splitlines()]
    commits = tuple(CommitNode(id=first, parents=tuple(rest)) for first, *rest in lines)
    return CommitRange(good=tuple(good), bad=bad, commits=commits)


def _refusal(repo: Repository, what: str, next_step: str) -> RequestError:
    return RequestError([Problem(what=what, where=str(repo.at), next_step=next_step)])
