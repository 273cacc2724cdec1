"""A repository: its commits, files and differences; it is read, never written, never trusted.

A repository may be hostile: its configuration and attributes name commands. Nothing of that runs:
no pager, hook, filter, external diff, file monitor, submodule or transport. Nothing is fetched.
Paths are text as `os.fsdecode` makes it, relative to the top of the repository, with slashes.
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from anyclue.git.contents import contents
from anyclue.git.model import Repository
from anyclue.git.process import (
    GitResult,
    failure,
    git,
    git_line,
    git_output,
    last_complaint,
    missing,
    settings,
)
from anyclue.model.errors import InfrastructureError, Problem, RequestError
from anyclue.system.confined_files import read_inside

SOURCES = (":(top,glob)**/*.c", ":(top,glob)**/*.h")
_RAW = (
    "--raw",
    "-z",
    "--no-abbrev",
    "--no-ext-diff",
    "--no-textconv",
    "--no-relative",
    "--ignore-submodules=all",
)
_RENAMES = ("-M", "-l1000")
_ID = re.compile(rb"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class TreeEntry:
    """A file of a tree: its mode as git writes it (``100644``), and the id of its content."""

    mode: str
    id: str


@dataclass(frozen=True, kw_only=True)
class Side:
    """A C source on one side of a difference; ``blob`` is None when only the disk has it."""

    path: str
    blob: str | None


@dataclass(frozen=True, kw_only=True)
class SourceDifference:
    """A C source that differs; a side is None where there is no such file."""

    old: Side | None
    new: Side | None


def repository(tree: Path) -> Repository:
    """Return the repository that ``tree`` is in, or is.

    Raises:
        RequestError: there is none, or git refuses it.
    """
    at = tree.absolute()
    if not at.is_dir():
        what = "is not a directory" if at.exists() else "no such directory"
        step = "name the repository's directory, or nothing for this one"
        raise RequestError.of(what, where=str(tree), next_step=step)
    asked = ("--absolute-git-dir", "--is-inside-work-tree", "--is-shallow-repository")
    done = git(at, "rev-parse", *asked)
    if done.status != 0:
        raise _no_repository(tree, done)
    git_dir, inside, shallow, _ = os.fsdecode(done.stdout).rsplit("\n", 3)
    top = None
    if inside == "true":
        top = Path(git_line(at, "rev-parse", "--show-toplevel"))
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
            raise RequestError.of(
                f"the revision {text!r} is ambiguous",
                where=str(repo.at),
                next_step="write more digits",
            )
    raise RequestError.of(
        f"unknown revision {text!r}", where=str(repo.at), next_step=_hint(repo, text)
    )


def head(repo: Repository) -> str | None:
    """Return the id of the commit that is checked out; None when there is no commit yet."""
    done = git(repo.at, "rev-parse", "--verify", "--quiet", "HEAD")
    return _line(done.stdout) if done.status == 0 else None


def parents(repo: Repository, commit_id: str) -> tuple[str, ...]:
    """Return the parents that a commit itself names, those beyond a shallow clone's edge too.

    Raises:
        RequestError: the commit is not there.
    """
    lines = git_output(repo.at, "cat-file", "commit", commit_id).partition(b"\n\n")[0].split(b"\n")
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
    return _line(git_output(repo.at, "hash-object", "-t", "tree", os.devnull))


def tree_id(repo: Repository, commit_id: str) -> str:
    """Return the id of a commit's tree: equal ids are equal files.

    Raises:
        RequestError: the commit is not there.
    """
    named = f"{commit_id}^{{tree}}"
    return git_line(repo.at, "rev-parse", "--verify", "--end-of-options", named)


def entries(repo: Repository, commit_id: str) -> dict[str, TreeEntry]:
    """Return every file, link and submodule of a commit, by path.

    Raises:
        RequestError: the commit, or a directory of it, is not there.
    """
    return {
        os.fsdecode(path): TreeEntry(mode=mode.decode(), id=object_id.decode())
        for mode, object_id, path in tree_listing(repo, commit_id)
    }


def tree_listing(
    repo: Repository, commit_id: str, *below: str
) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Give mode, id and path of all that a commit has, or of what is below directories.

    Raises:
        RequestError: the commit, or a directory of it, is not there.
    """
    shown = git_output(repo.at, "ls-tree", "-r", "-z", "--full-tree", commit_id, "--", *below)
    for line in shown.split(b"\0")[:-1]:
        about, _, path = line.partition(b"\t")
        mode, _, object_id = about.split(b" ")
        yield mode, object_id, path


def blobs(tree: Path, rev: str) -> dict[str, str]:
    """Return the blob id of each C source of a revision, by path.

    Raises:
        RequestError: no repository, an unknown revision, or missing objects.
    """
    repo = repository(tree)
    return {
        os.fsdecode(path): object_id.decode()
        for mode, object_id, path in tree_listing(repo, commit(repo, rev))
        if is_source_entry(mode, path)
    }


def between(repo: Repository, old: str, new: str) -> list[SourceDifference]:
    """Return how the C sources of two commits or trees differ; renames are followed.

    Raises:
        RequestError: objects are missing.
    """
    return _differences(repo, ("diff-tree", "-r", *_RAW, *_RENAMES, old, new), {})


def staged(repo: Repository, old: str) -> list[SourceDifference]:
    """Return how the C sources in the index differ from those of ``old``.

    Inside a hook the index is the one that git gave the hook.

    Raises:
        RequestError: the index holds conflicts.
    """
    argv = ("diff-index", "--cached", "--ita-invisible-in-index", *_RAW, *_RENAMES, old)
    return _differences(repo, argv, _index_of_hook(repo))


def on_disk(repo: Repository, old: str) -> list[SourceDifference]:
    """Return which tracked C sources may differ from those of ``old``, as the index knows.

    A file whose time stamp alone changed is among them. Files are not read: what was renamed is
    known from the index.
    """
    found = _differences(
        repo, ("diff-index", "--no-renames", *_RAW, old), _no_filters(repo), conflicts=True
    )
    in_index = _differences(
        repo, ("diff-index", "--cached", *_RAW, *_RENAMES, old), {}, conflicts=True
    )
    gone = {one.old.path for one in found if one.old and not one.new}
    came = {one.new.path for one in found if one.new and not one.old}
    renamed = {
        one.new.path: one.old
        for one in in_index
        if one.old and one.new and one.old.path in gone and one.new.path in came
    }
    left = {old.path for old in renamed.values()}
    return [
        replace(one, old=renamed.get(one.new.path, one.old)) if one.new else one
        for one in found
        if one.new or (one.old and one.old.path not in left)
    ]


def is_source(path: str) -> bool:
    """Return whether a path's name is that of a C source or header."""
    return path.endswith((".c", ".h"))


def is_source_entry(mode: bytes, path: bytes) -> bool:
    """Return whether an entry of a tree is a C source: a regular file, no link, no submodule."""
    return mode.startswith(b"100") and path.endswith((b".c", b".h"))


def differing(repo: Repository, one: str, other: str) -> list[str]:
    """Return every file in which two commits differ, modes and links too; renames are two files.

    Raises:
        RequestError: objects are missing.
    """
    options = ("-r", "-z", "--name-only", "--no-renames", "--ignore-submodules=none")
    tree_listing = git_output(repo.at, "diff-tree", *options, one, other)
    return [os.fsdecode(name) for name in tree_listing.split(b"\0")[:-1]]


def below(repo: Repository, rev: str, directory: str) -> dict[str, bytes]:
    """Return the files below a directory of a revision, by path from the top; links are left out.

    Raises:
        RequestError: an unknown revision, or missing objects.
    """
    ids = {
        os.fsdecode(path): object_id.decode()
        for mode, object_id, path in tree_listing(repo, rev, f"{directory}/")
        if mode.startswith(b"100") and b".." not in path.split(b"/")
    }
    known = dict(contents(repo.at, ids.values()))
    return {path: known[object_id] for path, object_id in ids.items()}


def listed_below(repo: Repository, directory: str) -> list[str]:
    """Return the files below a directory ("": all): tracked, or new and not ignored."""
    which = ("-z", "--cached", "--others", "--exclude-standard")
    below = f":(top,literal){directory}/" if directory else ":(top)"
    names = git_output(repo.at, "ls-files", *which, "--", below)
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
        raise missing(repo.at, f"missing {object_id}")
    raise RequestError.of(
        f"{text!r} does not name a commit",
        where=str(repo.at),
        next_step="name a commit, branch or tag",
    )


def _hint(repo: Repository, text: str) -> str:
    tree_listing = os.fsdecode(git_output(repo.at, "for-each-ref", "--format=%(refname:short)"))
    near = difflib.get_close_matches(text, tree_listing.split(), n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(near)}?"
    if repo.shallow:
        return "this clone is shallow: git fetch --unshallow, or --deepen=N, brings more history"
    return "git log --oneline and git branch --all show what there is"


def _no_repository(tree: Path, done: GitResult) -> RequestError:
    if "dubious ownership" in done.stderr:
        named = re.search(r"repository at '(.+)'", done.stderr)
        owned = shlex.quote(named[1] if named else str(tree.absolute()))
        what = "this git repository belongs to another user"
        step = f"if you trust it: git config --global --add safe.directory {owned}"
    elif "not a git repository" in done.stderr:
        what = "no git repository is there"
        step = "name a directory of a clone; a patch can also be given on stdin"
    else:
        what = f"git cannot read this repository: {last_complaint(done)}"
        step = "try git status there"
    return RequestError.of(what, where=str(tree), next_step=step)


def _differences(
    repo: Repository,
    argv: tuple[str, ...],
    environment: Mapping[str, str],
    *,
    conflicts: bool = False,
) -> list[SourceDifference]:
    listed = git_output(repo.at, *argv, "--", *SOURCES, environment=environment)
    found: dict[str, SourceDifference] = {}
    unmerged: list[str] = []
    fields = iter(listed.split(b"\0")[:-1])
    for about in fields:
        old_mode, new_mode, old_id, new_id, status = about.removeprefix(b":").split(b" ")
        old_path = next(fields)
        new_path = next(fields) if status[:1] in b"RC" else old_path
        if status == b"U":
            unmerged.append(os.fsdecode(new_path))
            continue
        old = _side(old_mode, old_id, old_path)
        new = _side(new_mode, new_id, new_path)
        if old != new:
            found[os.fsdecode(new_path)] = SourceDifference(old=old, new=new)
    if unmerged and not conflicts:
        raise RequestError([_conflict(path) for path in unmerged])
    return [found[path] for path in sorted(found)]


def _side(mode: bytes, object_id: bytes, path: bytes) -> Side | None:
    if not is_source_entry(mode, path):
        return None
    blob = object_id.decode() if object_id.strip(b"0") else None
    return Side(path=os.fsdecode(path), blob=blob)


def _conflict(path: str) -> Problem:
    return Problem(
        what="the index holds a conflict", where=path, next_step="resolve it, then git add it"
    )


def _index_of_hook(repo: Repository) -> dict[str, str]:
    """Return the index that ``git commit`` lets its hooks see, if it is of this repository."""
    given = os.environ.get("GIT_INDEX_FILE")
    if not given or not Path(given).resolve().is_relative_to(repo.git_dir.resolve()):
        return {}
    return {"GIT_INDEX_FILE": str(Path(given).resolve())}


def _no_filters(repo: Repository) -> dict[str, str]:
    """Return settings that take the commands from every filter that the configuration defines."""
    done = git(repo.at, "config", "--null", "--name-only", "--get-regexp", r"^filter\.")
    names = {key.rpartition(".")[0] for key in os.fsdecode(done.stdout).split("\0")[:-1]}
    return settings(
        {
            f"{name}.{key}": value
            for name in sorted(names)
            for key, value in (("clean", ""), ("smudge", ""), ("process", ""), ("required", "no"))
        }
    )


def _line(output: bytes) -> str:
    text = output.strip()
    if not _ID.fullmatch(text):
        raise InfrastructureError(f"git answered {text[:80]!r}, not an object's id")
    return text.decode()
