"""The only place that calls git: reading, never writing, and never trusting the repository.

A repository may be hostile: its configuration and attributes name commands. Nothing of that runs:
no pager, hook, filter, external diff, file monitor, submodule or transport. Nothing is fetched.
Paths are text as `os.fsdecode` makes it, relative to the top of the repository, with slashes.
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
from dataclasses import replace
from pathlib import Path

from anyclue.git.contents import HunkMismatch, apply, contents
from anyclue.git.diff import (
    Side,
    SourceDifference,
    between,
    is_source,
    is_source_entry,
    on_disk,
    staged,
)
from anyclue.git.process import Done, Repository, answer, failure, git, told
from anyclue.git.tree import listed
from anyclue.model.errors import InfrastructureError, Problem, RequestError
from anyclue.system.confined_files import read_inside

__all__ = [
    "HunkMismatch",
    "Repository",
    "Side",
    "SourceDifference",
    "apply",
    "below",
    "between",
    "blobs",
    "commit",
    "contents",
    "differing",
    "empty_tree",
    "has",
    "head",
    "is_source",
    "listed_below",
    "merge_base",
    "on_disk",
    "parents",
    "repository",
    "staged",
    "work_tree_below",
]

_ID = re.compile(rb"[0-9a-f]{40}|[0-9a-f]{64}")


def repository(tree: Path) -> Repository:
    """Return the repository that ``tree`` is in, or is.

    Raises:
        RequestError: there is none, or git refuses it.
    """
    at = tree.absolute()
    if not at.is_dir():
        what = "is not a directory" if at.exists() else "no such directory"
        raise _refusal(what, tree, "name the repository's directory, or nothing for this one")
    asked = ("--absolute-git-dir", "--is-inside-work-tree", "--is-shallow-repository")
    done = git(at, "rev-parse", *asked)
    if done.status != 0:
        raise _no_repository(tree, done)
    git_dir, inside, shallow, _ = os.fsdecode(done.stdout).rsplit("\n", 3)
    top = None
    if inside == "true":
        top = Path(os.fsdecode(answer(at, "rev-parse", "--show-toplevel")).removesuffix("\n"))
    found = Path(git_dir)
    return Repository(at=top or found, top=top, git_dir=found, shallow=shallow == "true")


def commit(repo: Repository, text: str) -> str:
    """Return the full id of the commit that a user's ``text`` names.

    Raises:
        RequestError: it names none, or more than one.
    """
    if text and not text.startswith("-") and "\0" not in text:
        done = git(repo.at, "rev-parse", "--verify", "--end-of-options", text)
        if done.status == 0:
            return _peeled(repo, text, _line(done.stdout))
        if "ambiguous" in done.stderr:
            raise _refusal(f"the revision {text!r} is ambiguous", repo.at, "write more digits")
    raise _refusal(f"unknown revision {text!r}", repo.at, _hint(repo, text))


def head(repo: Repository) -> str | None:
    """Return the id of the commit that is checked out; None when there is no commit yet."""
    done = git(repo.at, "rev-parse", "--verify", "--quiet", "HEAD")
    return _line(done.stdout) if done.status == 0 else None


def parents(repo: Repository, commit_id: str) -> tuple[str, ...]:
    """Return the parents that a commit itself names, those beyond a shallow clone's edge too.

    Raises:
        RequestError: the commit is not there.
    """
    lines = answer(repo.at, "cat-file", "commit", commit_id).partition(b"\n\n")[0].split(b"\n")
    return tuple(line[7:].decode() for line in lines if line.startswith(b"parent "))


def has(repo: Repository, object_id: str) -> bool:
    """Return whether an object is in the repository."""
    return git(repo.at, "cat-file", "-e", object_id).status == 0


def merge_base(repo: Repository, one: str, other: str) -> str | None:
    """Return the best common ancestor of two commits; None when there is none here."""
    done = git(repo.at, "merge-base", one, other)
    if done.status > 1:
        raise failure(repo.at, done)
    return _line(done.stdout) if done.status == 0 else None


def is_patch(repo: Repository, file: Path) -> bool:
    """Return whether git finds a patch in a file, wherever that applies."""
    argv = ("apply", "--numstat", "--whitespace=nowarn", str(file.absolute()))
    return git(repo.git_dir, *argv).status == 0


def empty_tree(repo: Repository) -> str:
    """Return the id of the tree without files."""
    return _line(answer(repo.at, "hash-object", "-t", "tree", os.devnull))


def blobs(tree: Path, rev: str) -> dict[str, str]:
    """Return the blob id of each C source of a revision, by path.

    Raises:
        RequestError: no repository, an unknown revision, or missing objects.
    """
    repo = repository(tree)
    return {
        os.fsdecode(path): object_id.decode()
        for mode, object_id, path in listed(repo, commit(repo, rev))
        if is_source_entry(mode, path)
    }


def differing(repo: Repository, one: str, other: str) -> list[str]:
    """Return every file in which two commits differ, modes and links too; renames are two files.

    Raises:
        RequestError: objects are missing.
    """
    options = ("-r", "-z", "--name-only", "--no-renames", "--ignore-submodules=none")
    listed = answer(repo.at, "diff-tree", *options, one, other)
    return [os.fsdecode(name) for name in listed.split(b"\0")[:-1]]


def below(repo: Repository, rev: str, directory: str) -> dict[str, bytes]:
    """Return the files below a directory of a revision, by path from the top; links are left out.

    Raises:
        RequestError: an unknown revision, or missing objects.
    """
    ids = {
        os.fsdecode(path): object_id.decode()
        for mode, object_id, path in listed(repo, rev, f"{directory}/")
        if mode.startswith(b"100") and b".." not in path.split(b"/")
    }
    known = dict(contents(repo.at, ids.values()))
    return {path: known[object_id] for path, object_id in ids.items()}


def listed_below(repo: Repository, directory: str) -> list[str]:
    """Return the files below a directory ("": all): tracked, or new and not ignored."""
    which = ("-z", "--cached", "--others", "--exclude-standard")
    below = f":(top,literal){directory}/" if directory else ":(top)"
    names = answer(repo.at, "ls-files", *which, "--", below)
    return sorted({os.fsdecode(name) for name in names.split(b"\0")[:-1]})


def work_tree_below(repo: Repository, directory: str) -> dict[str, bytes]:
    """Return the same with their contents, as they are in the work tree; none without one.

    Raises:
        RequestError: a file cannot be read.
    """
    if repo.top is None:
        return {}
    read = {name: read_inside(repo.top, name) for name in listed_below(repo, directory)}
    return {name: content for name, content in read.items() if content is not None}


def _peeled(repo: Repository, text: str, object_id: str) -> str:
    done = git(repo.at, "rev-parse", "--verify", "--end-of-options", f"{object_id}^{{commit}}")
    if done.status == 0:
        return _line(done.stdout)
    if not has(repo, object_id):
        raise failure(repo.at, replace(done, stderr=f"missing {object_id}"))
    raise _refusal(f"{text!r} does not name a commit", repo.at, "name a commit, branch or tag")


def _hint(repo: Repository, text: str) -> str:
    listed = os.fsdecode(answer(repo.at, "for-each-ref", "--format=%(refname:short)"))
    near = difflib.get_close_matches(text, listed.split(), n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(near)}?"
    if repo.shallow:
        return "this clone is shallow: git fetch --unshallow, or --deepen=N, brings more history"
    return "git log --oneline and git branch --all show what there is"


def _no_repository(tree: Path, done: Done) -> RequestError:
    if "dubious ownership" in done.stderr:
        named = re.search(r"repository at '(.+)'", done.stderr)
        owned = shlex.quote(named[1] if named else str(tree.absolute()))
        step = f"if you trust it: git config --global --add safe.directory {owned}"
        return _refusal("this git repository belongs to another user", tree, step)
    if "not a git repository" in done.stderr:
        step = "name a directory of a clone; a patch can also be given on stdin"
        return _refusal("no git repository is there", tree, step)
    return _refusal(f"git cannot read this repository: {told(done)}", tree, "try git status there")


def _refusal(what: str, where: Path, next_step: str) -> RequestError:
    return RequestError([Problem(what=what, where=str(where), next_step=next_step)])


def _line(output: bytes) -> str:
    text = output.strip()
    if not _ID.fullmatch(text):
        raise InfrastructureError(f"git answered {text[:80]!r}, not an object's id")
    return text.decode()
