"""How git is run: from lists, with a deadline, deaf to the environment and to hostile settings."""

from __future__ import annotations

import logging
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from anyclue.model.errors import AnyclueError, InfrastructureError, RequestError
from anyclue.system.processes import CommandError, ended_with_parent

log = logging.getLogger(__name__)

DEADLINE_S = 300.0
# What a user may set for git as such; the rest (GIT_DIR, GIT_EXTERNAL_DIFF, ...) is of one call.
_KEPT = frozenset(
    {
        "GIT_CEILING_DIRECTORIES",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_CONFIG_SYSTEM",
        "GIT_DISCOVERY_ACROSS_FILESYSTEM",
        "GIT_EXEC_PATH",
    }
)
_ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "GIT_ALLOW_PROTOCOL": "",  # stronger than protocol.*.allow of a repository
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}
_SETTINGS = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.pager": "cat",
    "core.quotePath": "false",
    "diff.ignoreSubmodules": "all",
    "diff.relative": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "protocol.allow": "never",
    "submodule.recurse": "false",
}
_MISSING = re.compile(
    r"promisor|\bmissing\b|bad object|could not fetch|unable to read|unable to find"
    r"|not a valid object|invalid object|could not get object info"
)


@dataclass(frozen=True, kw_only=True)
class GitResult:
    """What git left: exit status (negative: the signal) and its output."""

    argv: tuple[str, ...]
    status: int
    stdout: bytes
    stderr: str


def git(
    at: Path,
    *arguments: str,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
    deadline_s: float = DEADLINE_S,
) -> GitResult:
    """Run git in a directory to its end, whatever its exit status.

    Raises:
        InfrastructureError: it cannot be started, or takes longer than ``deadline_s`` seconds.
    """
    argv = command(at, *arguments)
    try:
        done = subprocess.run(
            ended_with_parent(argv),
            input=stdin,
            capture_output=True,
            check=False,
            env=git_environment(environment),
            timeout=deadline_s,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandError(argv, f"still running after {deadline_s:g} s") from error
    except OSError as error:
        raise CommandError(argv, f"cannot start ({error.strerror})") from error
    stderr = done.stderr.decode(errors="replace")
    return GitResult(argv=argv, status=done.returncode, stdout=done.stdout, stderr=stderr)


def git_output(
    at: Path, *arguments: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None
) -> bytes:
    """Return what git prints; it has to succeed.

    Raises:
        RequestError: objects are not there.
        InfrastructureError: git fails in another way, or cannot be run.
    """
    done = git(at, *arguments, stdin=stdin, environment=environment)
    if done.status != 0:
        raise failure(at, done)
    return done.stdout


def git_line(at: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """Return the line that git prints; it has to succeed.

    Raises:
        RequestError: objects are not there.
        InfrastructureError: git fails in another way, or cannot be run.
    """
    return os.fsdecode(git_output(at, *arguments, environment=environment)).removesuffix("\n")


def command(at: Path, *arguments: str) -> tuple[str, ...]:
    """Return the argv that runs git in a directory; it is logged.

    Raises:
        InfrastructureError: git is not installed.
    """
    if shutil.which("git") is None:
        raise InfrastructureError("git is not installed", next_step="apt install git")
    argv = ("git", "--no-pager", "-C", str(at), *arguments)
    log.debug("+ %s", shlex.join(argv))
    return argv


def git_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for git: nothing of ours that changes what it does, and ``more``."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name != "LANGUAGE" and (not name.startswith("GIT_") or name in _KEPT)
    }
    return {**kept, **_ENVIRONMENT, **settings({}), **(more or {})}


def settings(more: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that set our settings, and ``more``, above all configuration files."""
    every = {**_SETTINGS, **more}
    variables = {"GIT_CONFIG_COUNT": str(len(every))}
    for number, (key, value) in enumerate(every.items()):
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return variables


def failure(at: Path, done: GitResult) -> AnyclueError:
    """Return the error for a git that failed: a request's when objects are not there."""
    if _MISSING.search(done.stderr):
        return missing(at, last_complaint(done))
    return CommandError(done.argv, f"exit status {done.status}", done.stderr)


def missing(at: Path, detail: str) -> RequestError:
    """Return the error for objects that this repository does not hold."""
    return RequestError.of(
        f"objects of this revision are not in the repository, and none are fetched: {detail}",
        where=str(at),
        next_step="in a partial clone, show the revision once with git (it fetches them); "
        "else see git fsck",
    )


def last_complaint(done: GitResult) -> str:
    """Return the last line that git complained in."""
    lines: Sequence[str] = done.stderr.strip().splitlines() or [f"exit status {done.status}"]
    return lines[-1].removeprefix("fatal: ").removeprefix("error: ")
