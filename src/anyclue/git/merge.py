"""Merges, cherry-picks and patches as git makes them, in a repository that borrows the objects.

Nothing is written to the user's repository, and none of its settings, attributes or merge drivers
are used.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from anyclue.git.model import CherryPick, Repository
from anyclue.git.process import failure, git, git_line, git_output, settings
from anyclue.git.repository import tree_id

_SETTINGS = {
    "merge.conflictStyle": "merge",
    "merge.default": "text",
    "merge.directoryRenames": "conflict",
    "merge.renames": "true",
    "merge.renormalize": "false",
}
IDENTITY = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "anyclue"), ("EMAIL", "anyclue@invalid"), ("DATE", "@0 +0000"))
}


@dataclass(frozen=True, kw_only=True)
class AutoMerge:
    """What git merges by itself.

    Attributes:
        ours: the one commit.
        theirs: the other.
        commit: the merge, a commit in the borrowed repository; conflicts are marked in its files.
        conflicts: by path, the ids of the base's, ours' and theirs' content, as far as they are
            there, for each file with a conflict.
    """

    ours: str
    theirs: str
    commit: str
    conflicts: Mapping[str, Mapping[int, str]]


@contextlib.contextmanager
def scratch_repository(repo: Repository) -> Iterator[Repository]:
    """Give an empty repository that sees the objects of another; it is gone in the end."""
    with tempfile.TemporaryDirectory(prefix="anyclue-merge-") as name:
        yield borrowing_repository(repo, Path(name))


def borrowing_repository(repo: Repository, at: Path) -> Repository:
    """Return a repository that sees the objects of another; it is made where there is none yet.

    Nothing of its own may be lost: whoever keeps it keeps ids, and git may not clear it up.
    """
    form = git_line(repo.at, "rev-parse", "--show-object-format")
    git_path = ("rev-parse", "--path-format=absolute", "--git-path")
    objects = git_line(repo.at, *git_path, "objects")
    at.mkdir(parents=True, exist_ok=True)
    git_line(at, "init", "-q", "--bare", "--template=", f"--object-format={form}")
    (at / "objects/info").mkdir(parents=True, exist_ok=True)
    (at / "objects/info/alternates").write_bytes(os.fsencode(f"{objects}\n"))
    shallow = Path(git_line(repo.at, *git_path, "shallow"))
    if shallow.is_file():
        shutil.copyfile(shallow, at / "shallow")
    return Repository(at=at, top=None, git_dir=at, shallow=repo.shallow)


def object_directory(repo: Repository) -> Path:
    """Return where a repository's objects come from: its own place, or that of another's."""
    git_path = ("rev-parse", "--path-format=absolute", "--git-path", "objects")
    objects = Path(git_line(repo.at, *git_path))
    seen: set[Path] = set()
    while objects not in seen:
        seen.add(objects)
        try:
            listed = os.fsdecode((objects / "info/alternates").read_bytes()).splitlines()
        except OSError:
            break
        lent = [line for line in listed if line and not line.startswith(("#", '"'))]
        objects = Path(os.path.normpath(objects / lent[0])) if lent else objects
    return objects


def auto_merge(repo: Repository, ours: str, theirs: str) -> AutoMerge:
    """Merge two commits in a repository that `scratch_repository` gave.

    Raises:
        RequestError: objects are missing.
        InfrastructureError: git fails.
    """
    options = ("--write-tree", "-z", "--no-messages", "--allow-unrelated-histories")
    done = git(repo.at, "merge-tree", *options, ours, theirs, environment=settings(_SETTINGS))
    if done.status not in (0, 1):
        raise failure(repo.at, done)
    tree, *entries = done.stdout.split(b"\0")
    conflicts: dict[str, dict[int, str]] = {}
    for entry in entries:
        about, _, path = entry.partition(b"\t")
        if path:
            _, object_id, stage = about.split(b" ")
            conflicts.setdefault(os.fsdecode(path), {})[int(stage)] = object_id.decode()
    commit = git_line(
        repo.at,
        "commit-tree",
        tree.decode(),
        "-p",
        ours,
        "-p",
        theirs,
        "-m",
        "merge",
        environment=IDENTITY,
    )
    return AutoMerge(ours=ours, theirs=theirs, commit=commit, conflicts=conflicts)


def merge_bases(repo: Repository, sides: Sequence[str]) -> tuple[str, ...]:
    """Return the best common ancestors of two commits, or those of all of more."""
    options = ("--all",) if len(sides) == 2 else ("--all", "--octopus")
    done = git(repo.at, "merge-base", *options, *sides)
    if done.status > 1:
        raise failure(repo.at, done)
    return tuple(done.stdout.decode().split())


def merge_heads(repo: Repository) -> tuple[str, ...]:
    """Return the commits that are being merged into the one checked out."""
    try:
        return tuple((repo.git_dir / "MERGE_HEAD").read_text().split())
    except (OSError, UnicodeDecodeError):
        return ()


def empty_commit(repo: Repository) -> str:
    """Return a commit without files, for what has no common ancestor."""
    tree = git_line(repo.at, "hash-object", "-w", "-t", "tree", os.devnull)
    return git_line(repo.at, "commit-tree", tree, "-m", "nothing", environment=IDENTITY)


def cherry_pick(repo: Repository, fix: str, parent: str, onto: str) -> CherryPick:
    """Return what ``git cherry-pick`` of a commit would do on a branch.

    The merge gets both sides as children of the commit's parent: git before 2.40 takes no base
    for ``merge-tree``.

    Raises:
        RequestError: objects are missing.
        InfrastructureError: git fails.
    """
    base = commit_with_parents(repo, parent)
    found = auto_merge(
        repo, commit_with_parents(repo, onto, base), commit_with_parents(repo, fix, base)
    )
    same = tree_id(repo, found.commit) == tree_id(repo, onto)
    conflicts = tuple(sorted(found.conflicts))
    return CherryPick(conflicts=conflicts, empty=same and not conflicts)


def commit_with_parents(repo: Repository, commit_id: str, *parents: str) -> str:
    """Return a commit with the files of another one, and only these parents."""
    above = [word for one in parents for word in ("-p", one)]
    tree = f"{commit_id}^{{tree}}"
    return git_line(repo.at, "commit-tree", tree, *above, "-m", "anyclue", environment=IDENTITY)


def commit_with_patch(repo: Repository, commit_id: str, patch: Path) -> str | None:
    """Return a commit with a patch on top of another one; None where it does not apply.

    Lines around a change have to be as the patch has them; they may have moved.

    Raises:
        RequestError: objects are missing.
    """
    with tempfile.TemporaryDirectory(prefix="anyclue-index-") as name:
        own = {
            "GIT_INDEX_FILE": f"{name}/index",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        git_output(repo.at, "read-tree", commit_id, environment=own)
        options = ("--cached", "--whitespace=nowarn")
        if git(repo.at, "apply", *options, str(patch.absolute()), environment=own).status != 0:
            return None
        tree = git_line(repo.at, "write-tree", environment=own)
    above = ("-p", commit_id, "-m", "anyclue")
    return git_line(repo.at, "commit-tree", tree, *above, environment=IDENTITY)
