"""Changes that are carried along: applied to a version where they apply, left out elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from anyclue.git import repository as git
from anyclue.git.history import patch
from anyclue.git.model import Repository
from anyclue.model.errors import Problem, RequestError
from anyclue.system.processes import run

_PATCH = ("patch", "-p1", "--batch", "--forward", "-F0", "--silent")


@dataclass(frozen=True, kw_only=True)
class Fixup:
    """A change to carry: what the user called it, and the patch."""

    name: str
    patch: bytes


def read_fixups(repo: Repository, named: Sequence[str], directory: str) -> tuple[Fixup, ...]:
    """Return the changes that a user names: patch files, or commits.

    Of a commit, what it changes below ``directory`` is carried; "" is the whole tree.

    Raises:
        RequestError: every name that is neither.
    """
    found: list[Fixup] = []
    problems: list[Problem] = []
    for name in named:
        if Path(name).is_file():
            if git.is_patch(repo, Path(name)):
                found.append(Fixup(name=name, patch=Path(name).read_bytes()))
            else:
                step = "give a file as git diff or git format-patch writes it"
                problems.append(Problem(what="is no patch", where=name, next_step=step))
            continue
        try:
            commit = git.commit(repo, name)
        except RequestError:
            step = "name a patch file, or a commit of this repository"
            problems.append(Problem(what=f"neither a file nor a commit: {name!r}", next_step=step))
            continue
        change = patch(repo, commit, directory)
        if change:
            found.append(Fixup(name=name, patch=change))
        else:
            below = f" below {directory}" if directory else ""
            what, step = f"{name!r} changes nothing{below}", "leave it out"
            problems.append(Problem(what=what, next_step=step))
    if problems:
        raise RequestError(problems)
    return tuple(found)


async def apply_fixups(fixups: Sequence[Fixup], files: Sequence[Path], tree: Path) -> list[str]:
    """Apply to a tree those changes that fit; return their names.

    Args:
        fixups: the changes.
        files: a file with the patch of each.
        tree: the directory that patched paths are below.
    """
    applied = []
    for one, file in zip(fixups, files, strict=True):
        argv = (*_PATCH, "-d", str(tree), "-i", str(file))
        if (await run((*argv, "--dry-run"), deadline_s=60, check=False)).status == 0:
            await run(argv, deadline_s=60)
            applied.append(one.name)
    return applied
