"""The sources of one commit in a workbench: set by content, so that make sees only what changed.

Contents come as git's objects: no filter, hook or attribute of the repository has a say, and
nothing is written into it.
"""

from __future__ import annotations

import contextlib
import json
import posixpath
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from anyclue.git.contents import contents
from anyclue.git.repository import TreeEntry

BUILD = ".build"
"""Where in the sources the build goes: no file of a commit comes there."""

FILES = frozenset({"100644", "100755"})
LINK = "120000"
_LINK_MAX = 4096
# A build for x86 reads none of these; what is not there cannot matter. Their Kconfig files it may.
_UNREAD = re.compile(
    r"(?:Documentation|LICENSES|arch/(?!x86/|um/)[^/]+|tools/(?:testing|perf))/"
    r"(?!(?:.*/)?(?:Kconfig|Makefile|Kbuild)[^/]*$)"
    r"|(?:MAINTAINERS|CREDITS|README)$"
    r"|(?:.*/)?\.(?:gitignore|gitattributes|mailmap|get_maintainer\.ignore|clang-format)$"
)


def is_read(path: str) -> bool:
    """Return whether a build for x86 may read a file; those that it may not are never set up."""
    return not _UNREAD.match(path)


def usable_entries(entries: Mapping[str, TreeEntry]) -> dict[str, TreeEntry]:
    """Return what of a commit comes into a workbench: files and links, under sound names."""
    links = {path for path, entry in entries.items() if entry.mode == LINK}
    return {
        path: entry
        for path, entry in entries.items()
        if (entry.mode in FILES or entry.mode == LINK)
        and is_read(path)
        and _sound(path)
        and not any(parent in links for parent in _parents(path))
    }


def set_sources(
    repository: Path, wanted: Mapping[str, TreeEntry], into: Path, state: Path
) -> set[str]:
    """Make ``into`` hold the ``wanted`` files; return the paths of those that changed.

    ``state`` is a file that says what ``into`` holds. The caller sees to it that a workbench in
    which this did not end is thrown away.

    Raises:
        RequestError: a content is not in the repository.
    """
    known = json.loads(state.read_text()) if state.is_file() else {}
    as_known = {path: f"{entry.mode} {entry.id}" for path, entry in wanted.items()}
    gone = known.keys() - as_known.keys()
    changed = {path for path, text in as_known.items() if known.get(path) != text}
    for path in sorted(gone | (changed & known.keys())):
        (into / path).unlink(missing_ok=True)
    for parent in sorted({parent for path in gone for parent in _parents(path)}, reverse=True):
        with contextlib.suppress(OSError):
            (into / parent).rmdir()
    places: dict[str, list[str]] = defaultdict(list)
    for path in sorted(changed):
        places[wanted[path].id].append(path)
    for parent in sorted({posixpath.dirname(path) for path in changed}):
        (into / parent).mkdir(parents=True, exist_ok=True)
    for object_id, content in contents(repository, places):
        for path in places[object_id]:
            _write(into / path, path, wanted[path].mode, content)
    state.write_text(json.dumps(as_known))
    return gone | changed


def _write(target: Path, path: str, mode: str, content: bytes) -> None:
    if mode != LINK:
        with target.open("xb") as file:
            file.write(content)
        if mode == "100755":
            target.chmod(0o755)
        return
    text = content.decode(errors="surrogateescape")
    end = posixpath.normpath(posixpath.join(posixpath.dirname(path), text))
    # A link that leaves the tree is no source.
    if 0 < len(text) < _LINK_MAX and "\0" not in text and not end.startswith(("/", "..")):
        target.symlink_to(text)


def _sound(path: str) -> bool:
    parts = path.split("/")
    return parts[0] != BUILD and not any(part in ("", ".", "..", ".git") for part in parts)


def _parents(path: str) -> list[str]:
    return [str(parent) for parent in PurePosixPath(path).parents][:-1]
