"""Debian's kernels: which versions go together, and their files, without installing anything.

The archive's newest image of one architecture and its newest source may differ in point release,
so the version to use is found by asking: the newest for which image, headers (flavour and common),
kbuild and source are all there, for every architecture of the scenario.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from anyclue.model.errors import Problem, RequestError
from anyclue.model.scenario import Arch, DebianKernel
from anyclue.system.apt import Apt, Package, PackageVersion
from anyclue.system.processes import run
from anyclue.system.store import Artifact, Recipe, Store
from anyclue.trial.kernels.modules import collect_modules


@dataclass(frozen=True, kw_only=True)
class Flavour:
    """Which of Debian's kernels stands for an architecture, and Debian's name for the latter."""

    arch: Arch
    debian_arch: str
    name: str


FLAVOURS = {
    Arch.I386: Flavour(arch=Arch.I386, debian_arch="i386", name="686-pae"),
    Arch.X86_64: Flavour(arch=Arch.X86_64, debian_arch="amd64", name="cloud-amd64"),
}


@dataclass(frozen=True, kw_only=True)
class KernelPackages:
    """The packages of one kernel, all of one version; ``abi`` is as ``6.1.0-50``."""

    series: str
    abi: str
    version: str
    flavour: Flavour

    @property
    def release(self) -> str:
        """What ``uname -r`` says in the guest."""
        return f"{self.abi}-{self.flavour.name}"

    @property
    def image(self) -> Package:
        """The kernel and its modules."""
        return self._package(f"linux-image-{self.release}", self.flavour.debian_arch)

    @property
    def headers(self) -> tuple[Package, ...]:
        """All that building an external module takes; kbuild's programs are the host's."""
        return (
            self._package(f"linux-headers-{self.release}", self.flavour.debian_arch),
            self._package(f"linux-headers-{self.abi}-common", "all"),
            self._package(f"linux-kbuild-{self.series}", "amd64"),
        )

    @property
    def source(self) -> Package:
        """The source with Debian's patches."""
        return self._package(f"linux-source-{self.series}", "all")

    @property
    def names(self) -> tuple[str, ...]:
        """All of them as apt-cache lists them: the host's architecture goes unqualified."""
        packages = (self.image, *self.headers, self.source)
        return tuple(
            one.name if one.arch in {"all", "amd64"} else f"{one.name}:{one.arch}"
            for one in packages
        )

    def _package(self, name: str, arch: str) -> Package:
        return Package(name=name, arch=arch, version=self.version)


class DebianKernels:
    """Debian's kernels as artifacts of the cache."""

    def __init__(self, apt: Apt, store: Store) -> None:
        self._apt = apt
        self._store = store
        self._resolving = asyncio.Lock()
        self._resolved: dict[tuple[DebianKernel, frozenset[Arch]], dict[Arch, KernelPackages]] = {}

    async def resolve(
        self, wanted: DebianKernel, arches: Iterable[Arch]
    ) -> dict[Arch, KernelPackages]:
        """Return the packages to use: one version, the newest that is complete for ``arches``.

        Raises:
            RequestError: there is no such series or version, or no complete one.
        """
        question = (wanted, frozenset(arches))
        async with self._resolving:
            if question not in self._resolved:
                self._resolved[question] = await self._resolve(wanted, question[1])
        return self._resolved[question]

    async def _resolve(
        self, wanted: DebianKernel, arches: frozenset[Arch]
    ) -> dict[Arch, KernelPackages]:
        await self._apt.refresh()
        flavours = [FLAVOURS[arch] for arch in sorted(arches)]
        per_arch = [await self._complete(wanted.series, flavour) for flavour in flavours]
        common = set.intersection(*(set(found) for found in per_arch))
        if wanted.version is not None:
            common &= {wanted.version}
        if not common:
            raise RequestError([await self._nothing(wanted, flavours, per_arch)])
        newest = max(common, key=PackageVersion)
        return {
            flavour.arch: found[newest] for flavour, found in zip(flavours, per_arch, strict=True)
        }

    async def _complete(self, series: str, flavour: Flavour) -> dict[str, KernelPackages]:
        """Return, by version, the kernels of which every package is on offer."""
        pattern = re.compile(
            rf"linux-image-({re.escape(series)}[\d.]*-\d+)-{re.escape(flavour.name)}$"
        )
        names = await self._apt.names(f"linux-image-{series}")
        abis = [match[1] for match in map(pattern.match, names) if match]
        if not abis:
            return {}
        probes = [
            KernelPackages(series=series, abi=abi, version="", flavour=flavour)
            for abi in sorted(abis)
        ]
        offers = await self._apt.versions(sorted({name for one in probes for name in one.names}))
        return {
            version: replace(probe, version=version)
            for probe in probes
            for version in set.intersection(*(offers.get(name, set()) for name in probe.names))
        }

    async def _nothing(
        self,
        wanted: DebianKernel,
        flavours: list[Flavour],
        per_arch: list[dict[str, KernelPackages]],
    ) -> Problem:
        offered = {
            f"{flavour.debian_arch}: {', '.join(sorted(found)) or 'none'}"
            for flavour, found in zip(flavours, per_arch, strict=True)
        }
        sources = await self._apt.names("linux-source-")
        series = sorted(name.removeprefix("linux-source-") for name in sources)
        what = f"Debian's packages hold no complete kernel {wanted.version or wanted.series}"
        return Problem(
            what=f"{what} (complete versions: {'; '.join(sorted(offered))})",
            where="kernels",
            next_step=f"series on offer here: {', '.join(series) or 'none'}",
        )

    async def image(self, packages: KernelPackages) -> Artifact:
        """Return ``vmlinuz``, ``config`` and the modules that guests load."""

        async def build(directory: Path) -> None:
            tree = directory / "tree"
            await self._apt.unpack(packages.image, tree)
            boot = tree / "boot"
            for name in ("vmlinuz", "config"):
                (boot / f"{name}-{packages.release}").rename(directory / name)
            await collect_modules(tree, packages.release, directory)
            shutil.rmtree(tree)

        recipe = Recipe(kind="kernel", inputs={"package": str(packages.image), "format": 2})
        return await self._store.make(recipe, build)

    async def unpack_headers(self, packages: KernelPackages, into: Path) -> None:
        """Unpack all that building external modules takes; see `headers_tree`."""
        for package in packages.headers:
            await self._apt.unpack(package, into)
        # The package names the common half absolutely, for /usr/src.
        makefile = headers_tree(into, packages) / "Makefile"
        makefile.write_text(f"include ../linux-headers-{packages.abi}-common/Makefile\n")

    async def source(self, packages: KernelPackages, subdirectory: str) -> Artifact:
        """Return one directory of the kernel source, at its place below ``linux``."""

        async def build(directory: Path) -> None:
            await self._apt.unpack(packages.source, directory)
            name = f"linux-source-{packages.series}"
            archive = directory / "usr/src" / f"{name}.tar.xz"
            (directory / "linux").mkdir()
            await run(
                (
                    *("tar", "-xJf", str(archive), "-C", str(directory / "linux")),
                    *("--strip-components=1", f"{name}/{subdirectory}"),
                ),
                deadline_s=600,
            )
            shutil.rmtree(directory / "usr")

        inputs = {"package": str(packages.source), "directory": subdirectory, "format": 1}
        return await self._store.make(Recipe(kind="source", inputs=inputs), build)


def headers_tree(unpacked: Path, packages: KernelPackages) -> Path:
    """Return where, in unpacked headers, ``make -C`` has to start."""
    return unpacked / "usr/src" / f"linux-headers-{packages.release}"
