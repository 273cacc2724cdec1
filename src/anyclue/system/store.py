"""The cache: artifacts named by what went into them, safe under several runs at once.

    ROOT/KIND/KEY/FILE...   KEY is the SHA-256 of the recipe
    ROOT/KIND/KEY/manifest.json   the recipe and the SHA-256 of every file

An artifact is built aside under a lock and renamed when whole, so a directory that exists is
complete. Every use compares the files with the manifest: a damaged artifact is set aside, never
used.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import json
import logging
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from anyclue.model.artifact import ArtifactRef
from anyclue.model.errors import InfrastructureError
from anyclue.system.files import disk_errors, move_whole, sha256, staging

log = logging.getLogger(__name__)

LOCK_POLL_S = 0.2
MANIFEST = "manifest.json"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What an artifact is made of: ``inputs`` holds JSON values only, other artifacts' keys too."""

    kind: str
    inputs: Mapping[str, object]

    @property
    def key(self) -> str:
        """SHA-256 over the canonical JSON form of the recipe."""
        text = json.dumps([self.kind, self.inputs], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A finished artifact: a directory that nobody changes any more."""

    kind: str
    key: str
    path: Path

    @property
    def ref(self) -> ArtifactRef:
        """What names this artifact, here and on another machine."""
        return ArtifactRef(kind=self.kind, key=self.key)

    def file(self, name: str) -> Path:
        """Return the path of one of its files."""
        return self.path / name


class Store:
    """The artifacts below ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._checked: set[str] = set()
        self._making: dict[str, asyncio.Lock] = {}

    def find(self, kind: str, key: str) -> Artifact:
        """Return the artifact with this key.

        Raises:
            InfrastructureError: it is not there, or its files are not what they were.
        """
        artifact = Artifact(kind=kind, key=key, path=self.root / kind / key)
        if not artifact.path.is_dir():
            raise InfrastructureError(
                f"no {kind} with key {key[:12]} in the cache",
                where=str(self.root),
                next_step="start the hunt again: it makes what is missing",
            )
        if key not in self._checked:
            self._check(artifact)
            self._checked.add(key)
        return artifact

    def get(self, ref: ArtifactRef) -> Artifact:
        """Return the artifact that ``ref`` names, as `find`."""
        return self.find(ref.kind, ref.key)

    async def make(self, recipe: Recipe, build: Callable[[Path], Awaitable[None]]) -> Artifact:
        """Return the artifact of ``recipe``, built by ``build(directory)`` when it is missing."""
        path = self.root / recipe.kind / recipe.key
        async with self._making.setdefault(recipe.key, asyncio.Lock()):
            if not path.is_dir():
                async with locked_file(self.root / "locks" / f"{recipe.kind}-{recipe.key}"):
                    if not path.is_dir():
                        await self._build(recipe, path, build)
        return await asyncio.to_thread(self.find, recipe.kind, recipe.key)

    async def _build(
        self, recipe: Recipe, path: Path, build: Callable[[Path], Awaitable[None]]
    ) -> None:
        begin = time.monotonic()
        log.info("making %s %s", recipe.kind, recipe.key[:12])
        # What a killed builder left: nobody else makes this one, its lock is ours.
        for left in path.parent.glob(f".{recipe.key[:16]}.*"):
            shutil.rmtree(left, ignore_errors=True)
        with staging(path.parent, recipe.key[:16]) as directory:
            with disk_errors(directory):
                await build(directory)
                files = {
                    str(file.relative_to(directory)): await asyncio.to_thread(sha256, file)
                    for file in sorted(directory.rglob("*"))
                    if file.is_file() and not file.is_symlink()
                }
                manifest = {"inputs": recipe.inputs, "files": files}
                (directory / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True))
            await move_whole(directory, path)
        self._checked.add(recipe.key)
        log.info("made %s %s in %.1f s", recipe.kind, recipe.key[:12], time.monotonic() - begin)

    def _check(self, artifact: Artifact) -> None:
        try:
            files = json.loads((artifact.path / MANIFEST).read_text())["files"]
            damaged = [
                name
                for name, digest in files.items()
                if not (artifact.path / name).is_file() or sha256(artifact.path / name) != digest
            ]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            damaged = [f"{MANIFEST} ({error})"]
        if damaged:
            aside = artifact.path.with_name(f"damaged-{artifact.key}")
            shutil.rmtree(aside, ignore_errors=True)
            with contextlib.suppress(OSError):
                artifact.path.rename(aside)
            raise InfrastructureError(
                f"the cached {artifact.kind} is damaged: {', '.join(damaged)}",
                where=str(artifact.path),
                next_step=f"it was set aside as {aside.name}; run again: it is then made anew",
            )


async def _lock(file: IO[str], name: str) -> None:
    told = False
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not told:
                log.debug("waiting for another anyclue: %s", name[:40])
                told = True
            await asyncio.sleep(LOCK_POLL_S)
        else:
            return


@contextlib.asynccontextmanager
async def locked_file(path: Path) -> AsyncIterator[None]:
    """Hold an exclusive lock on ``path`` (created when missing) across processes."""
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w")
    with file:
        await _lock(file, path.name)
        yield
