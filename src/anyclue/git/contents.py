"""Contents through git: thousands of blobs through one process, and hunks applied to files."""

from __future__ import annotations

import contextlib
import os
import re
import select
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from anyclue.git.process import (
    DEADLINE_S,
    GitResult,
    command,
    failure,
    git,
    git_environment,
    missing,
)
from anyclue.model.errors import InfrastructureError
from anyclue.system.processes import CommandError, ended_with_parent

_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_REFUSED = re.compile(r"^error: patch failed: (\d+):(\d+)$", re.MULTILINE)
_NAMED = re.compile(r"^error: (\d+): (.+)$", re.MULTILINE)
_PIECE = 1 << 20


def contents(tree: Path, ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Give each blob's id and content, every id once, in order; one process reads them all.

    Raises:
        RequestError: a blob is not in the repository.
        InfrastructureError: git fails, or stays silent too long.
    """
    wanted = list(dict.fromkeys(ids))
    if not all(map(_ID.fullmatch, wanted)):
        raise InfrastructureError("not full ids of objects", where=str(tree))
    if not wanted:
        return
    argv = command(tree.absolute(), "cat-file", "--batch", "--buffer")
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as complaints:
        stdin.write("".join(f"{one}\n" for one in wanted).encode())
        stdin.seek(0)
        with _running(argv, stdin, complaints) as output:
            for one in wanted:
                about = output.line().split()
                if len(about) != 3 or about[1] != b"blob":
                    if about[1:] == [b"missing"]:
                        raise missing(tree, one)
                    raise _died(tree, argv, complaints)
                content = output.exactly(int(about[2]) + 1)
                if content is None:
                    raise _died(tree, argv, complaints)
                yield one, content[:-1]


@dataclass(frozen=True, kw_only=True)
class HunkMismatch:
    """Hunks that do not fit: the line that the failing hunk's header names, if git tells it."""

    line: int | None
    reason: str


def apply(
    files: Sequence[tuple[bytes, bytes]], *, reverse: bool, unified_zero: bool = False
) -> list[bytes | HunkMismatch]:
    """Return each content (first of the pair) with its hunks (second) applied.

    Works on copies below a directory of its own, under names of our own. A refusal stands for the
    files that do not fit; the others are applied. ``unified_zero`` allows hunks without context.

    Raises:
        InfrastructureError: git fails in another way.
    """
    results: list[bytes | HunkMismatch] = [HunkMismatch(line=None, reason="")] * len(files)
    left = dict(enumerate(files))
    while left:
        with tempfile.TemporaryDirectory(prefix="anyclue-patch-") as name:
            done = _apply(Path(name), left, reverse=reverse, unified_zero=unified_zero)
            if done.status == 0:
                for number in left:
                    results[number] = (Path(name) / "files" / str(number)).read_bytes()
                return results
        refused = {
            int(number): HunkMismatch(line=None, reason=why)
            for number, why in _NAMED.findall(done.stderr)
        }
        refused |= {
            int(number): HunkMismatch(line=int(line), reason="does not fit")
            for number, line in _REFUSED.findall(done.stderr)
        }
        refused = {number: why for number, why in refused.items() if number in left}
        if not refused:
            raise CommandError(done.argv, f"exit status {done.status}", done.stderr)
        for number, why in refused.items():
            results[number] = why
            del left[number]
    return results


def _apply(
    work: Path, files: dict[int, tuple[bytes, bytes]], *, reverse: bool, unified_zero: bool
) -> GitResult:
    (work / "files").mkdir()
    with (work / "patch").open("wb") as patch:
        for number, (content, hunks) in files.items():
            (work / "files" / str(number)).write_bytes(content)
            patch.write(b"diff --git a/%d b/%d\n--- a/%d\n+++ b/%d\n" % ((number,) * 4))
            patch.write(hunks)
    options = ["--reverse"] * reverse + ["--unidiff-zero"] * unified_zero
    environment = {
        "GIT_CEILING_DIRECTORIES": str(work.resolve()),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    arguments = ("apply", "--whitespace=nowarn", *options, str(work / "patch"))
    return git(work / "files", *arguments, environment=environment)


@contextlib.contextmanager
def _running(argv: tuple[str, ...], stdin: IO[bytes], complaints: IO[bytes]) -> Iterator[_Output]:
    """Give what a process writes; it is gone in the end, read to its end or not."""
    process = subprocess.Popen(
        ended_with_parent(argv),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=complaints,
        env=git_environment(),
    )
    assert process.stdout is not None  # noqa: S101 - it was asked for
    try:
        yield _Output(argv, process.stdout)
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


class _Output:
    """What a process writes, taken by lines and by bytes; silence has a deadline."""

    def __init__(self, argv: tuple[str, ...], stream: IO[bytes]) -> None:
        self._argv = argv
        self._stream = stream
        self._waiting = select.poll()
        self._waiting.register(stream, select.POLLIN)
        self._held = bytearray()

    def line(self) -> bytes:
        """Return the next line, without its end; what is left when it ends before."""
        while (end := self._held.find(b"\n")) < 0:
            if not self._more():
                return self._take(len(self._held))
        return self._take(end + 1)[:-1]

    def exactly(self, size: int) -> bytes | None:
        """Return the next ``size`` bytes; None when it ends before."""
        while len(self._held) < size:
            if not self._more():
                return None
        return self._take(size)

    def _take(self, size: int) -> bytes:
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken

    def _more(self) -> bool:
        if not self._waiting.poll(DEADLINE_S * 1000):
            raise CommandError(self._argv, f"silent for {DEADLINE_S:g} s")
        piece = os.read(self._stream.fileno(), _PIECE)
        self._held += piece
        return bool(piece)


def _died(tree: Path, argv: tuple[str, ...], complaints: IO[bytes]) -> Exception:
    complaints.seek(0)
    stderr = complaints.read().decode(errors="replace")
    return failure(tree, GitResult(argv=argv, status=1, stdout=b"", stderr=stderr))
