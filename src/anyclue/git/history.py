"""Histories through git: refs, commits by what they say, what they touch, and where they are.

A history may have a million commits: each function starts one process or two, whatever their
number.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from anyclue.git.model import Commit, CommitNode, CommitRange, HistoryPosition, Repository
from anyclue.git.process import git, git_line, git_output
from anyclue.model.errors import RequestError

_KINDS = ("refs/heads/", "refs/remotes/", "refs/tags/")
_MAIN = (
    *(f"refs/heads/{name}" for name in ("main", "master")),
    *(f"refs/remotes/*/{name}" for name in ("HEAD", "main", "master")),
)
_FORM = "--format=%x00%H %P%n%B"
_PATCH = (
    "--root",
    "-r",
    "-p",
    "-U3",
    "--text",
    "--full-index",
    "--no-renames",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--diff-algorithm=myers",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)
MOST = 1_000_000
"""Commits of a range that are read at most."""

_VERSION = re.compile(r"(?:tags/)?(v[0-9][A-Za-z0-9._+-]*)(?:[~^].*)?")


@dataclass(frozen=True, kw_only=True)
class Ref:
    """A ref, by its full name, and the commit it leads to."""

    name: str
    commit: str

    @property
    def short(self) -> str:
        """The name without ``refs/heads/`` and the like."""
        kind = next((kind for kind in _KINDS if self.name.startswith(kind)), "")
        return self.name.removeprefix(kind)


def refs(repo: Repository, pattern: str = "") -> list[Ref]:
    """Return the refs that a pattern of ``git for-each-ref`` matches, in full or in short.

    Without a pattern: all branches, local ones first. What leads to no commit is left out.
    """
    given = [pattern] if pattern.startswith("refs/") else [f"{kind}{pattern}" for kind in _KINDS]
    return _refs(repo, *(given if pattern else _KINDS[:2]))


def mainlines(repo: Repository, commit_id: str) -> list[Ref]:
    """Return the branches named as main ones, local and remote, that have a commit."""
    return _refs(repo, f"--contains={commit_id}", *_MAIN)


def _refs(repo: Repository, *wanted: str) -> list[Ref]:
    shown = "%(objecttype) %(objectname) %(*objecttype) %(*objectname) %(refname)"
    listed = git_output(repo.at, "for-each-ref", f"--format={shown}", *wanted)
    found = []
    for line in os.fsdecode(listed).split("\n")[:-1]:
        kind, at, peeled_kind, peeled, name = line.split(" ", 4)
        if kind == "commit":
            found.append(Ref(name=name, commit=at))
        elif peeled_kind == "commit":
            found.append(Ref(name=name, commit=peeled))
    return found


def full_name(repo: Repository, text: str) -> str:
    """Return the full name of the ref that a user's revision is; empty when it is none."""
    done = git(repo.at, "rev-parse", "--symbolic-full-name", "--verify", "--end-of-options", text)
    name = os.fsdecode(done.stdout).strip().removeprefix("--end-of-options").strip()
    return name if done.status == 0 and name.startswith("refs/") else ""


def abbreviated(repo: Repository, digits: str) -> tuple[str, ...]:
    """Return the ids of the commits that begin with hexadecimal digits."""
    ids = git_output(repo.at, "rev-parse", f"--disambiguate={digits}").split()
    form = "--batch-check=%(objecttype) %(objectname)"
    lines = git_output(
        repo.at, "cat-file", form, stdin=b"".join(one + b"\n" for one in ids)
    ).splitlines()
    return tuple(line[7:].decode() for line in lines if line.startswith(b"commit "))


def commit_range(repo: Repository, good: Sequence[str], bad: str) -> CommitRange:
    """Return the commits that ``bad`` reaches and no commit of ``good`` does (full ids).

    Raises:
        RequestError: there are none or too many, or objects are missing.
    """
    wanted = (bad, *(f"^{one}" for one in good))
    count = int(git_output(repo.at, "rev-list", "--count", *wanted, "--"))
    if not count:
        what = "the bad revision has no commit that the good ones do not have"
        step = "perhaps good and bad were mixed up"
        raise RequestError.of(what, where=str(repo.at), next_step=step)
    if count > MOST:
        what = f"{count:,} commits lie between good and bad; {MOST:,} is the most"
        step = "name a good revision that is closer"
        raise RequestError.of(what, where=str(repo.at), next_step=step)
    options = ("--topo-order", "--reverse", "--parents")
    listed = git_output(repo.at, "rev-list", *options, *wanted, "--")
    lines = [line.split() for line in listed.decode("ascii").splitlines()]
    commits = tuple(CommitNode(id=first, parents=tuple(rest)) for first, *rest in lines)
    return CommitRange(good=tuple(good), bad=bad, commits=commits)


def commits(repo: Repository, ids: Sequence[str]) -> list[Commit]:
    """Return commits as they are written, in the order of their ids.

    Raises:
        RequestError: one is not there.
    """
    options = ("--no-commit-header", "--no-walk=unsorted", "--encoding=UTF-8", _FORM)
    return _read(git_output(repo.at, "rev-list", *options, *ids)) if ids else []


def commits_mentioning(
    repo: Repository, history: Sequence[str], texts: Collection[str]
) -> list[Commit]:
    """Return the commits of a history whose messages hold one of several texts.

    Args:
        repo: the repository.
        history: ids to begin at; with ``^`` those whose history is left out.
        texts: lines, or parts of lines.

    Raises:
        RequestError: objects are missing.
    """
    wanted = [f"--grep={text}" for text in texts if text]
    if not wanted:
        return []
    options = ("--no-commit-header", "--encoding=UTF-8", _FORM, "--fixed-strings")
    return _read(git_output(repo.at, "rev-list", *options, *wanted, *history))


def commits_touching(repo: Repository, history: Sequence[str], path: str) -> list[str]:
    """Return the ids of the commits of a history, merges left out, that change a file.

    Raises:
        RequestError: objects are missing.
    """
    options = ("rev-list", "--no-merges", "--full-history", *history, "--", path)
    return git_output(repo.at, "--literal-pathspecs", *options).decode().split()


def changed_paths(repo: Repository, commit_id: str) -> list[str]:
    """Return the files that a commit changes, against its first parent.

    Raises:
        RequestError: objects are missing.
    """
    options = ("--root", "-r", "-z", "--name-only", "--no-commit-id", "--no-renames")
    listed = git_output(repo.at, "diff-tree", *options, "--no-ext-diff", commit_id)
    return [os.fsdecode(path) for path in listed.split(b"\0") if path]


def files_by_commit(
    repo: Repository, history: Sequence[str], directory: str
) -> dict[str, list[str]]:
    """Return which files below a directory each commit of a history changes; none: left out.

    Of a merge, these are the files that it has otherwise than each of its parents.

    Raises:
        RequestError: objects are missing.
    """
    options = ("--full-history", "--diff-merges=combined", "--name-only", "--no-renames", "-z")
    command = ("log", *options, "--format=%x01%H", *history, "--", f"{directory}/")
    listed = os.fsdecode(git_output(repo.at, "--literal-pathspecs", *command))
    found = {}
    for entry in listed.split("\x01")[1:]:
        commit, _, names = entry.partition("\0")
        files = [name.lstrip("\n") for name in names.split("\0") if name.strip("\n")]
        if files:
            found[commit.strip()] = files
    return found


def patch(repo: Repository, commit_id: str, directory: str) -> bytes:
    """Return what a commit changes below a directory ("": anywhere), against its first parent.

    Raises:
        RequestError: objects are missing.
    """
    options = ("--no-ext-diff", "--no-textconv", "--no-color", "--full-index")
    ends = (f"{commit_id}^", commit_id)
    below = ("--", f"{directory}/") if directory else ("--binary", "--")
    return git_output(repo.at, "diff", *options, *ends, *below)


def patch_ids(repo: Repository, ids: Collection[str]) -> dict[str, str]:
    """Return the stable patch id of each commit that has one: merges and empty ones have none.

    Raises:
        RequestError: objects are missing.
    """
    if not ids:
        return {}
    lines = "".join(f"{one}\n" for one in dict.fromkeys(ids)).encode()
    patches = git_output(repo.at, "diff-tree", "--stdin", *_PATCH, stdin=lines)
    found = git_output(repo.at, "patch-id", "--stable", stdin=patches).decode().splitlines()
    return {commit: patch for patch, commit in (line.split(" ") for line in found)}


def branch_positions(
    repo: Repository, tips: Sequence[str], without: Sequence[str], wanted: Collection[str]
) -> dict[str, HistoryPosition]:
    """Return, of the wanted commits that some tip has, where they are; a bit is a tip.

    What ``without`` names is left out.

    Raises:
        RequestError: objects are missing.
    """
    listed = git_output(repo.at, "rev-list", "--topo-order", "--parents", *tips, *without)
    ids = {one.encode() for one in wanted}
    masks: dict[bytes, int] = {}
    for number, tip in enumerate(tips):
        masks[tip.encode()] = masks.get(tip.encode(), 0) | 1 << number
    found: dict[str, HistoryPosition] = {}
    for order, line in enumerate(io.BytesIO(listed)):
        at, *parents = line.split()
        mask = masks.pop(at, 0)
        if at in ids:
            found[at.decode()] = HistoryPosition(branches=mask, order=order)
        for parent in parents:
            masks[parent] = masks.get(parent, 0) | mask
    return found


def reaches(repo: Repository, history: Sequence[str], wanted: Collection[str]) -> bool:
    """Return whether a history holds one of the wanted commits."""
    ids = {one.encode() for one in wanted}
    listed = io.BytesIO(git_output(repo.at, "rev-list", *history))
    return any(line.strip() in ids for line in listed)


def first_versions(repo: Repository, ids: Sequence[str]) -> dict[str, str]:
    """Return the first tag ``v...`` that has each commit, where there is one."""
    every = tuple(dict.fromkeys(ids))
    if not every:
        return {}
    done = git(repo.at, "name-rev", "--name-only", "--tags", "--refs=refs/tags/v*", *every)
    names = os.fsdecode(done.stdout).split("\n") if done.status == 0 else []
    found = [(one, _VERSION.fullmatch(name)) for one, name in zip(every, names, strict=False)]
    return {one: name[1] for one, name in found if name}


def shallow_boundary(repo: Repository) -> frozenset[str]:
    """Return the commits at which a shallow clone's history is cut off."""
    if not repo.shallow:
        return frozenset()
    shallow = git_line(repo.at, "rev-parse", "--path-format=absolute", "--git-path", "shallow")
    try:
        return frozenset(Path(shallow).read_text().split())
    except (OSError, UnicodeDecodeError):
        return frozenset()


def _read(listed: bytes) -> list[Commit]:
    found = []
    for record in os.fsdecode(listed).split("\0")[1:]:
        about, _, message = record.partition("\n")
        at, *parents = about.split(" ")
        found.append(Commit(id=at, parents=tuple(filter(None, parents)), message=message))
    return found
