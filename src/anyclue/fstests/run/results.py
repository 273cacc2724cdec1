"""Result files out of a guest: a tar archive on a raw disk, every name and size of it hostile."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path, PurePosixPath
from typing import Final

from anyclue.fstests.core.model import TestId
from anyclue.fstests.run.journal import REPORT

MOST_FILE: Final = 8 << 20
MOST_TEST: Final = 64 << 20
MOST_FILES: Final = 200
BLOCK: Final = 1 << 20

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}", re.ASCII)
_PART = re.compile(r"[A-Za-z0-9_+-]{1,80}", re.ASCII)


def keep_results(disk: Path, test: TestId, number: int, into: Path) -> tuple[str, ...]:
    """Copy the files of one test from the archive on ``disk``; return their paths below ``into``.

    Kept are regular files of the test's own (``001.full``, ``001.out.bad``), and check's
    ``result.xml``. Where they go follows from the test's name, which was checked, and from
    ``number``; a file that is too large is cut. What is not such an archive gives nothing.
    """
    group, _, name = test.test.partition("/")
    if not (_PART.fullmatch(group) and _PART.fullmatch(name)):
        return ()
    place = Path(f"{number:04}", group)
    kept: list[str] = []
    total = 0
    try:
        with tarfile.open(disk, "r:") as archive:
            while (member := archive.next()) and len(kept) < MOST_FILES and total < MOST_TEST:
                wanted = _wanted(member, group, name)
                source = archive.extractfile(member) if wanted else None
                if wanted is None or source is None:
                    continue
                data = source.read(min(MOST_FILE, MOST_TEST - total))
                total += len(data)
                path = place / wanted
                (into / path.parent).mkdir(parents=True, exist_ok=True)
                (into / path).write_bytes(data)
                kept.append(str(path))
    except (tarfile.TarError, EOFError, ValueError):
        pass  # what came before is kept
    with disk.open("r+b") as file:
        file.write(bytes(BLOCK))  # so that no archive is read twice
    return tuple(dict.fromkeys(kept))


def _wanted(member: tarfile.TarInfo, group: str, name: str) -> str | None:
    """Return the file name under which to keep a member, None to leave it."""
    path = PurePosixPath(member.name)
    own = path.name == name or path.name.startswith(f"{name}.")
    if not member.isreg() or not _NAME.fullmatch(path.name):
        return None
    if path.name == REPORT:
        return path.name
    return path.name if own and path.parent.name == group else None
