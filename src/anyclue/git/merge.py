"""What git merges by itself, worked out in a repository of our own that borrows the objects.

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

from anyclue.git.process import Repository, answer, failure, git, settings

_SETTINGS = {
    "merge.conflictStyle": "merge",
    "merge.default": "text",
    "merge.directoryRenames": "conflict",
    "merge.renames": "true",
    "merge.renormalize": "false",
}
WHO = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "anyclue"), ("EMAIL", "anyclue@invalid"), ("DATE", "@0 +0000"))
}


@dataclass(frozen=True, kw_only=True)
class Automatic:
    """What git merges by itself.

    Attributes:
        commit: the merge, a commit in the borrowed repository; conflicts are marked in its files.
        conflicts: by path, the ids of the base's, ours' and theirs' content, as far as they are
            there, for each file with a conflict.
    """

    commit: str
    conflicts: Mapping[str, Mapping[int, str]]


@contextlib.contextmanager
def borrowed(repo: Repository) -> Iterator[Repository]:
    """Give an empty repository that sees the objects of another; it is gone in the end."""
    with tempfile.TemporaryDirectory(prefix="anyclue-merge-") as name:
        yield borrowing(repo, Path(name))


def borrowing(repo: Repository, at: Path) -> Repository:
    """Return a repository that sees the objects of another; it is made where there is none yet.

    Nothing of its own may be lost: whoever keeps it keeps ids, and git may not clear it up.
    """
    form = _asked(repo.at, "rev-parse", "--show-object-format")
    git_path = ("rev-parse", "--path-format=absolute", "--git-path")
    objects = _asked(repo.at, *git_path, "objects")
    at.mkdir(parents=True, exist_ok=True)
    _asked(at, "init", "-q", "--bare", "--template=", f"--object-format={form}")
    (at / "objects/info").mkdir(parents=True, exist_ok=True)
    (at / "objects/info/alternates").write_bytes(os.fsencode(f"{objects}\n"))
    shallow = Path(_asked(repo.at, *git_path, "shallow"))
    if shallow.is_file():
        shutil.copyfile(shallow, at / "shallow")
    return Repository(at=at, top=None, git_dir=at, shallow=repo.shallow)


def lender(repo: Repository) -> Path:
    """Return where a repository's objects come from: its own place, or that of another's."""
    git_path = ("rev-parse", "--path-format=absolute", "--git-path", "objects")
    objects = Path(_asked(repo.at, *git_path))
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


def merged(repo: Repository, ours: str, theirs: str) -> Automatic:
    """Merge two commits in a repository that `borrowed` gave.

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
    commit = _asked(
        repo.at, "commit-tree", tree.decode(), "-p", ours, "-p", theirs, "-m", "merge", more=WHO
    )
    return Automatic(commit=commit, conflicts=conflicts)


def bases(repo: Repository, sides: Sequence[str]) -> tuple[str, ...]:
    """Return the best common ancestors of two commits, or those of all of more."""
    options = ("--all",) if len(sides) == 2 else ("--all", "--octopus")
    done = git(repo.at, "merge-base", *options, *sides)
    if done.status > 1:
        raise failure(repo.at, done)
    return tuple(done.stdout.decode().split())


def unfinished(repo: Repository) -> tuple[str, ...]:
    """Return the commits that are being merged into the one checked out."""
    try:
        return tuple((repo.git_dir / "MERGE_HEAD").read_text().split())
    except (OSError, UnicodeDecodeError):
        return ()


def nothing(repo: Repository) -> str:
    """Return a commit without files, for what has no common ancestor."""
    tree = _asked(repo.at, "hash-object", "-w", "-t", "tree", os.devnull)
    return _asked(repo.at, "commit-tree", tree, "-m", "nothing", more=WHO)


def _asked(at: Path, *arguments: str, more: Mapping[str, str] | None = None) -> str:
    return os.fsdecode(answer(at, *arguments, environment=more)).removesuffix("\n")
