"""Which merge a user asks for: its parents, and what came out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from anyclue.git import repository as git
from anyclue.git.merge import merge_heads
from anyclue.git.model import Repository
from anyclue.model.errors import Problem, RequestError
from anyclue.review.merge.core.model import Parent
from anyclue.review.pairs.model import Confidence
from anyclue.system.files import unwritable


@dataclass(frozen=True, kw_only=True)
class MergeRequest:
    """What is to be reviewed: a merge commit, three revisions, or what is being merged.

    Attributes:
        tree: a directory of the repository.
        rev: a merge commit.
        ours: one parent; with ``theirs`` and ``result``, in place of ``rev``.
        theirs: the other.
        result: what came out.
        against: another resolution of the same merge.
        page: where a page about it is to be written, with functions side by side.
        least: least confidence of an imbalance that is reported.
        jobs: worker processes; None for one a processor.
    """

    tree: Path = Path()
    rev: str | None = None
    ours: str | None = None
    theirs: str | None = None
    result: str | None = None
    against: str | None = None
    page: Path | None = None
    least: Confidence = Confidence.LOW
    jobs: int | None = None


@dataclass(frozen=True, kw_only=True)
class Merge:
    """A merge as it was found.

    Attributes:
        title: the result in the user's words.
        parents: ids of the merged commits.
        result: id of what came out; None for the work tree.
        against: id of the other resolution.
    """

    title: str
    parents: tuple[str, ...]
    result: str | None
    against: str | None

    @property
    def sides(self) -> tuple[Parent, ...]:
        """The parents under their names."""
        names = ["ours", "theirs", *(f"theirs {n}" for n in range(2, len(self.parents)))]
        pairs = zip(names, self.parents, strict=True)
        return tuple(Parent(name=name, commit=commit) for name, commit in pairs)


def find_merge(repo: Repository, request: MergeRequest) -> Merge:
    """Return the merge that is asked for.

    Raises:
        RequestError: every mistake: unknown revisions, not a merge, nothing is being merged, a
            page that cannot be written.
    """
    three = {"--ours": request.ours, "--theirs": request.theirs, "--result": request.result}
    given = {name: one for name, one in three.items() if one is not None}
    problems = unwritable(request.page) if request.page is not None else []
    if given and request.rev is not None:
        what = f"REV and {' and '.join(given)} exclude each other"
        problems.append(Problem(what=what, next_step="give one of them"))
    elif given and len(given) < len(three):
        what = f"{' and '.join(name for name in three if name not in given)} missing"
        problems.append(Problem(what=what, next_step="give --ours, --theirs and --result"))
    ids: dict[str, str] = {}
    wanted = {**given, "REV": request.rev, "--against": request.against}
    for name, text in wanted.items():
        if text is not None:
            try:
                ids[name] = git.commit(repo, text)
            except RequestError as error:
                problems += error.problems
    if not given:
        problems += _not_a_merge(repo, request, ids)
    if problems:
        raise RequestError(list(dict.fromkeys(problems)))
    against = ids.get("--against")
    if given:
        parents: tuple[str, ...] = (ids["--ours"], ids["--theirs"])
        return Merge(
            title=str(request.result), parents=parents, result=ids["--result"], against=against
        )
    if request.rev is not None:
        parents = git.parents(repo, ids["REV"])
        return Merge(title=request.rev, parents=parents, result=ids["REV"], against=against)
    parents = (git.commit(repo, "HEAD"), *merge_heads(repo))
    return Merge(title="the work tree", parents=parents, result=None, against=against)


def _not_a_merge(repo: Repository, request: MergeRequest, ids: dict[str, str]) -> list[Problem]:
    if request.rev is None:
        if not merge_heads(repo) or repo.top is None:
            what = "nothing is being merged here"
            step = "name a merge commit; --ours, --theirs and --result review what is none"
            return [Problem(what=what, where=str(repo.at), next_step=step)]
        return []
    if "REV" not in ids:
        return []
    number = len(parents := git.parents(repo, ids["REV"]))
    if number < 2:
        has = "1 parent" if number else "no parents"
        step = "git log --merges names merges; --ours, --theirs and --result review others"
        return [Problem(what=f"{request.rev!r} is no merge: it has {has}", next_step=step)]
    return [
        Problem(
            what=f"a parent of {request.rev!r} is not in this clone: {one}",
            where=str(repo.at),
            next_step="bring more history: git fetch --unshallow, or --deepen=N",
        )
        for one in parents
        if not git.has(repo, one)
    ]
