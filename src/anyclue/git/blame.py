"""Which commits of a range changed a file, made lines of it, or took them away."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from anyclue.git.model import CommitSubject, Repository
from anyclue.git.process import GitResult, git
from anyclue.system.processes import CommandError

SECONDS = 5.0
"""So long one question may take; a long history is not waited for."""

_HEADER = re.compile(r"([0-9a-f]{40}|[0-9a-f]{64}) \d+ \d+( \d+)?")


def line_commits(
    repo: Repository, base: str, rev: str, path: str, lines: Sequence[int]
) -> list[CommitSubject]:
    """Return the commits after ``base`` that made lines of a file as ``rev`` has it, each once.

    Args:
        repo: the repository.
        base: a commit whose history is left out.
        rev: the version of the file.
        path: the file, in that version.
        lines: numbers, from 1.
    """
    ranges = [option for line in lines for option in ("-L", f"{line},{line}")]
    done = _quick(repo, "blame", "--porcelain", *ranges, f"{base}..{rev}", "--", path)
    found: dict[str, CommitSubject] = {}
    commit, boundary = "", set[str]()
    for line in os.fsdecode(done.stdout).split("\n") if done else ():
        if header := _HEADER.fullmatch(line):
            commit = header[1]
        elif line.startswith("summary ") and commit:
            found[commit] = CommitSubject(id=commit, subject=line.removeprefix("summary "))
        elif line == "boundary":
            boundary.add(commit)
    return [one for one in found.values() if one.id not in boundary]


def last_text_change(
    repo: Repository, base: str, rev: str, path: str, text: str
) -> list[CommitSubject]:
    """Return the last commit after ``base`` that changed how often a file has a text, if any."""
    arguments = ("log", "-1", "--no-merges", "--format=%H%x00%s", f"-S{text}", f"{base}..{rev}")
    done = _quick(repo, *arguments, "--", path)
    commit, _, subject = (
        os.fsdecode(done.stdout).rstrip("\n").partition("\0") if done else ("",) * 3
    )
    return [CommitSubject(id=commit, subject=subject)] if commit else []


def file_changes(
    repo: Repository, base: str, rev: str, path: str
) -> list[tuple[CommitSubject, str]]:
    """Return the commits after ``base`` that changed a file, oldest first, with its blob in each.

    Merges are left out, and so are commits that have no such file.
    """
    arguments = ("log", "--no-merges", "--topo-order", "--reverse", "--format=%H%x00%s")
    done = _quick(repo, *arguments, f"{base}..{rev}", "--", path)
    found = []
    for line in os.fsdecode(done.stdout).split("\n")[:-1] if done else ():
        commit, _, subject = line.partition("\0")
        there = _quick(repo, "rev-parse", "--verify", "--quiet", f"{commit}:{path}")
        if there is not None:
            blob = there.stdout.decode().strip()
            found.append((CommitSubject(id=commit, subject=subject), blob))
    return found


def function_changes(
    repo: Repository, base: str, rev: str, path: str, lines: tuple[int, int]
) -> list[CommitSubject]:
    """Return the commits after ``base`` that changed a function, newest first; merges are left out.

    Args:
        repo: the repository.
        base: a commit whose history is left out.
        rev: the version of the file.
        path: the file, in that version.
        lines: first and last line of the function, in that version, from 1.
    """
    shown = ("-s", "--no-merges", "--format=%H%x00%s", f"-L{lines[0]},{lines[1]}:{path}")
    done = _quick(repo, "log", *shown, f"{base}..{rev}")
    found = []
    for one in os.fsdecode(done.stdout).split("\n") if done else ():
        commit, separator, subject = one.partition("\0")
        if separator:
            found.append(CommitSubject(id=commit, subject=subject))
    return found


def _quick(repo: Repository, *arguments: str) -> GitResult | None:
    try:
        done = git(repo.at, *arguments, deadline_s=SECONDS)
    except CommandError:
        return None
    return done if done.status == 0 else None
