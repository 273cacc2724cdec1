"""Files that are whole or absent: written aside, flushed to disk, then renamed."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from anyclue.model.errors import InfrastructureError, Problem
from anyclue.system.processes import run

SYNC_S = 300


@contextlib.contextmanager
def disk_errors(where: Path) -> Iterator[None]:
    """Word errors of the file system (disk full, no permission) for a user."""
    try:
        yield
    except OSError as error:
        raise InfrastructureError(
            f"cannot write: {error.strerror or error}",
            where=str(where),
            next_step="free some space there; a hunt goes on with --resume"
            if error.errno in (errno.ENOSPC, errno.EDQUOT)
            else "choose a place that can be written",
        ) from error


def check_space(where: Path, mib: int, what: str) -> None:
    """Make sure that a disk has room for something before it is begun.

    Raises:
        InfrastructureError: it has not.
    """
    free = shutil.disk_usage(where).free >> 20
    if free < mib:
        raise InfrastructureError(
            f"{what} takes up to {mib} MiB, and {free} MiB are free",
            where=str(where),
            next_step="free some space there, or set XDG_CACHE_HOME to another disk; what is in "
            "the cache already needs none",
        )


def write_whole(path: Path, content: str | bytes) -> None:
    """Write ``path`` so that it is never seen half-written.

    Raises:
        InfrastructureError: the disk is full or the place cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o644)
            Path(name).rename(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise


def read_small_text(path: Path, *, most: int = 1 << 20) -> str:
    """Return the text of a file of the user's that ought to be short.

    Raises:
        ValueError: it cannot be read, is longer than ``most`` bytes, or is no text; in words.
    """
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise ValueError(getattr(error, "strerror", None) or str(error)) from error
    if len(content) > most:
        raise ValueError(f"it is larger than {most >> 10} KiB")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise ValueError("it is not text") from error


def unwritable(path: Path) -> list[Problem]:
    """Return what keeps `write_whole` from writing a file of the user's, if anything does."""
    step = "choose a file in a directory that can be written"
    try:
        if path.exists() and not path.is_file():
            return [Problem(what="is no regular file", where=str(path), next_step=step)]
        with tempfile.NamedTemporaryFile(prefix=f".{path.name}.", dir=path.parent):
            return []
    except OSError as error:
        what = f"cannot be written: {error.strerror or error}"
        return [Problem(what=what, where=str(path), next_step=step)]


async def move_whole(source: Path, target: Path) -> None:
    """Give a finished directory its final name, after all of it is on the disk."""
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        source.chmod(0o755)  # `staging` keeps to itself what is not finished
        await run(("sync", "--file-system", str(source)), deadline_s=SYNC_S)
        source.rename(target)


@contextlib.contextmanager
def staging(parent: Path, prefix: str) -> Iterator[Path]:
    """Give a directory beside the final place; what is left of it in the end is removed."""
    with disk_errors(parent):
        parent.mkdir(parents=True, exist_ok=True)
        path = Path(tempfile.mkdtemp(prefix=f".{prefix}.", dir=parent))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
