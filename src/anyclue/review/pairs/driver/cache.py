"""The cache: results of analyses on disk, by the content they were made from."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import marshal
import os
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

from anyclue.review.pairs.frontend.unit import Unit, unit

LARGEST = 16 << 20
"""A file larger than this many bytes is not read: no C source that a person wrote is."""


@functools.cache
def engine_digest() -> str:
    """Return what tells this version of the checker from others: its code, parser and Python."""
    digest = hashlib.sha256(sys.version.encode())
    for name in ("tree-sitter", "tree-sitter-c"):
        digest.update(metadata.version(name).encode())
    review = Path(__file__).parents[2]
    for file in sorted([*(review / "source").rglob("*.py"), *(review / "pairs").rglob("*.py")]):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:32]


class Cache:
    """Plain values on disk; a value that is damaged, or can't be kept, is as if it was not there.

    Args:
        root: where they are; None keeps nothing.
    """

    def __init__(self, root: Path | None) -> None:
        self._root = root / engine_digest() if root is not None else None

    def get(self, kind: str, key: str) -> Any:  # noqa: ANN401
        """Return a value; None when there is none."""
        if self._root is None:
            return None
        try:
            data = self._path(kind, key).read_bytes()
        except OSError:
            return None
        if hashlib.sha256(data[32:]).digest() != data[:32]:
            return None
        return marshal.loads(data[32:])  # noqa: S302 - its digest was checked

    def put(self, kind: str, key: str, value: Any) -> None:  # noqa: ANN401
        """Keep a value made of plain types."""
        if self._root is None:
            return
        data = marshal.dumps(value)
        path = self._path(kind, key)
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(hashlib.sha256(data).digest() + data)
                Path(name).rename(path)
            except OSError:
                with contextlib.suppress(OSError):
                    Path(name).unlink()

    def _path(self, kind: str, key: str) -> Path:
        assert self._root is not None  # noqa: S101
        return self._root / kind / key[:2] / key[2:]


def cached_unit(text: bytes, cache: Cache) -> Unit:
    """Return a file's functions, from the cache where they are there."""
    if len(text) > LARGEST:
        return Unit(functions=(), others=(), notes={}, unread=((1, 1),), lines=text.count(b"\n"))
    key = hashlib.sha256(text).hexdigest()
    plain = cache.get("unit", key)
    if plain is not None:
        return Unit.unpack(plain)
    made = unit(text)
    cache.put("unit", key, made.pack())
    return made
