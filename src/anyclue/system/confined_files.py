"""Files of a tree as they lie there; no name and no link leads out of the tree."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from anyclue.model.errors import RequestError

_ABSENT = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO, errno.EISDIR}
)


def read_inside(root: Path, name: str) -> bytes | None:
    """Return the content of ``root/name``; None when there is no regular file inside ``root``.

    Raises:
        RequestError: it is there but cannot be read.
    """
    try:
        real = (root / name).resolve(strict=True)
        if not real.is_relative_to(root.resolve(strict=True)):
            return None
        # Neither a link that was put there a moment ago nor a pipe is waited for.
        handle = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            return None
        with os.fdopen(handle, "rb") as file:
            return file.read()
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise _unreadable(name, error) from error
    except (RuntimeError, ValueError):  # a loop of links; a name that no file has
        return None


def is_file_inside(root: Path, name: str) -> bool:
    """Return whether ``root/name`` is a file, as far as one can see."""
    try:
        return (root / name).is_file()
    except OSError:
        return False


def _unreadable(name: str, error: OSError) -> RequestError:
    what, step = f"cannot be read: {error.strerror}", "see ls -l, and the disk"
    return RequestError.of(what, where=name, next_step=step)
