"""Debian's kernel sources and headers, from apt into the user's cache."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from anyclue.model.debian import release_of
from anyclue.model.errors import InfrastructureError
from anyclue.model.scenario import Arch
from anyclue.system.apt import Apt, Package, PackageVersion
from anyclue.system.debian_archive import DebianArchive
from anyclue.system.processes import run
from anyclue.system.store import Recipe, Store
from anyclue.trial.kernels.debian import HEADERS, SOURCE, DebianKernels, Flavour, headers_tree

SERIES = "6.1"
RELEASE = release_of("bookworm")
# What is unpacked of the source: `make bench-pairs` reads fs and mm, the compilers the rest.
PARTS = ("fs", "mm", "include", "block", "kernel", "lib", "ipc", "scripts/coccinelle")
# The flavour that has every file system as a module.
FLAVOUR = Flavour(arch=Arch.X86_64, debian_arch="amd64", name="amd64")
UNPACK_S = 900
AUTHOR = ("-c", "user.name=bench", "-c", "user.email=bench@invalid", "-c", "commit.gpgsign=false")


@dataclass(frozen=True, kw_only=True)
class Versions:
    """What apt offers of the source: the newest, and the oldest of the same series."""

    newest: str
    oldest: str


class Sources:
    """Unpacks what Debian has; what was unpacked once stays in the cache."""

    def __init__(self, cache: Path) -> None:
        self._store = Store(cache / "store")
        self._workbenches = cache / "workbenches"
        self._archive = DebianArchive(cache / "apt", self._store)

    async def _apt(self) -> Apt:
        return await self._archive.apt(RELEASE, FLAVOUR.debian_arch)

    async def versions(self) -> Versions:
        """Ask apt which versions of the source there are.

        Raises:
            InfrastructureError: there is none.
        """
        apt = await self._apt()
        name = f"linux-source-{SERIES}"
        offers = (await apt.offers([name]))[name]
        offered = sorted({one.version for one in offers}, key=PackageVersion)
        if not offered:
            raise InfrastructureError(
                f"apt offers no {name}",
                where="Debian's archive",
                next_step="anyclue kernels lists what there is",
            )
        return Versions(newest=offered[-1], oldest=offered[0])

    async def tree(self, version: str) -> Path:
        """Return the directory in which this version's ``fs``, ``mm`` and ``include`` lie."""

        async def build(directory: Path) -> None:
            await self._unpack(version, directory, PARTS)

        inputs = {"package": str(_source(version)), "parts": list(PARTS), "format": 1}
        made = await self._store.make(Recipe(kind="source", inputs=inputs), build)
        return made.file("linux")

    async def repository(self, version: str) -> Path:
        """Return a bare repository; its only commit, ``main``, has all of this version's files."""

        async def build(directory: Path) -> None:
            await self._unpack(version, directory, ())
            tree, bare = directory / "linux", directory / "linux.git"
            for words in (
                ("init", "-q", "-b", "main", "--template="),
                ("add", "--all", "--force"),
                ("commit", "-q", "-m", f"linux-source-{SERIES} {version}"),
                ("repack", "-adq"),
                ("config", "core.bare", "true"),
            ):
                await run(("git", "-C", str(tree), *AUTHOR, *words), deadline_s=UNPACK_S)
            (tree / ".git").rename(bare)
            shutil.rmtree(tree)

        inputs = {"package": str(_source(version)), "format": 1}
        made = await self._store.make(Recipe(kind="repository", inputs=inputs), build)
        return made.file("linux.git")

    async def _unpack(self, version: str, directory: Path, parts: Sequence[str]) -> None:
        """Unpack parts of the source, all of it when none is named, to ``linux``."""
        await (await self._apt()).unpack(_source(version), directory)
        name = f"linux-source-{SERIES}"
        archive = directory / "usr/src" / f"{name}.tar.xz"
        (directory / "linux").mkdir()
        await run(
            (
                *("tar", "-xJf", str(archive), "-C", str(directory / "linux")),
                *("--strip-components=1", *(f"{name}/{part}" for part in parts)),
            ),
            deadline_s=UNPACK_S,
        )
        shutil.rmtree(directory / "usr")

    async def headers(self, version: str) -> tuple[Path, Path]:
        """Return the unpacked headers of this version (or the newest there are).

        First those of the flavour, with the configuration, then those all flavours share.

        Raises:
            InfrastructureError: there are none.
        """
        kernels = DebianKernels(self._archive, self._store, self._workbenches)
        offers, _ = await kernels.offered([RELEASE], [FLAVOUR], SERIES)
        choices = [one.complete[FLAVOUR.arch] for one in offers if FLAVOUR.arch in one.complete]
        if not choices:
            raise InfrastructureError(
                f"apt offers no headers of Linux {SERIES}",
                where="Debian's archive",
                next_step="leave the other tools out: --peers 0",
            )
        packages = next((one for one in choices if one.version == version), choices[-1])

        async def build(directory: Path) -> None:
            await kernels.unpack_headers(packages, directory)

        inputs = {"headers": [str(package) for package in packages.headers], "format": 2}
        made = await self._store.make(Recipe(kind="headers", inputs=inputs), build)
        own = headers_tree(made.path, packages)
        (common,) = made.file("usr/src").glob(f"{HEADERS}*-common")
        return own, common


def _source(version: str) -> Package:
    return Package(name=f"{SOURCE}{SERIES}", arch="all", version=version)
