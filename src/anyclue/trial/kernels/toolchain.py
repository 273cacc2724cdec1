"""What modules are built with: the host's own programs, or those of another release of Debian.

Compiler, kbuild's programs and the C library that these want are of the release that the kernel is
from. Where the host is of another one, they run in a tree of that release's packages.
"""

from __future__ import annotations

import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from anyclue.model.debian import DebianRelease
from anyclue.system.apt import Apt
from anyclue.system.debian_archive import DebianArchive, host_release
from anyclue.system.debian_roots import WORK, run_in_tree
from anyclue.system.processes import CommandError, Completed, run

COMPILER = "gcc"
# What a make around this one would have its own say by.
_QUIET = {"MAKEFLAGS": "", "MFLAGS": "", "KBUILD_OUTPUT": "", "KCONFIG_CONFIG": ""}
# What make and kbuild's scripts call, and what a C compiler does not depend on by itself.
SHELL_PACKAGES = (
    *("base-files", "bash", "binutils", "coreutils", "dash", "diffutils", "findutils", "grep"),
    *("make", "mawk", "sed"),
)


@dataclass(frozen=True, kw_only=True)
class Toolchain(ABC):
    """A compiler with all that it takes; ``version`` says which, for a reader and for a key."""

    compiler: str
    version: str
    variables: ClassVar[tuple[str, ...]] = ()
    """What make has to be told beside."""

    @abstractmethod
    async def run(self, argv: Sequence[str], *, bench: Path, deadline_s: float) -> Completed:
        """Run a command that works on ``bench``; its status may be any.

        Raises:
            CommandError: it cannot be started, or takes too long.
            InfrastructureError: the programs cannot be had, or cannot be run here.
        """

    @abstractmethod
    def place(self, path: Path, *, bench: Path) -> Path:
        """Return what a path in ``bench`` is called in a command."""


@dataclass(frozen=True, kw_only=True)
class HostToolchain(Toolchain):
    """The host's own."""

    async def run(self, argv: Sequence[str], *, bench: Path, deadline_s: float) -> Completed:  # noqa: ARG002
        """As `Toolchain.run`."""
        quiet = {name: value for name, value in _QUIET.items() if name in os.environ}
        return await run(argv, deadline_s=deadline_s, env=quiet, check=False)

    def place(self, path: Path, *, bench: Path) -> Path:  # noqa: ARG002
        """As `Toolchain.place`."""
        return path


@dataclass(frozen=True, kw_only=True)
class ReleaseToolchain(Toolchain):
    """That of a release of Debian: ``packages`` with all that they depend on."""

    apt: Apt
    packages: tuple[str, ...]
    # The package's script that installs the link "awk" was not run.
    variables = ("AWK=mawk",)

    async def run(self, argv: Sequence[str], *, bench: Path, deadline_s: float) -> Completed:
        """As `Toolchain.run`."""
        tree = (await self.apt.closure(self.packages)).file("tree")
        return await run_in_tree(tree, argv, work=bench, deadline_s=deadline_s, check=False)

    def place(self, path: Path, *, bench: Path) -> Path:
        """As `Toolchain.place`."""
        return WORK / path.relative_to(bench)


async def host_toolchain() -> HostToolchain:
    """Return the host's compiler of kernels: through ccache where that is installed.

    Raises:
        CommandError: there is none.
    """
    named = f"ccache {COMPILER}" if shutil.which("ccache") else COMPILER
    return HostToolchain(compiler=named, version=await _version(COMPILER))


async def _version(name: str) -> str:
    return (await run((name, "--version"), deadline_s=30)).stdout.splitlines()[0]


async def toolchain_of(
    archive: DebianArchive,
    release: DebianRelease,
    name: str,
    needs: Sequence[str],
    arch: str,
    *,
    programs: Sequence[str] = ("make",),
) -> Toolchain:
    """Return the compiler ``name`` of a release: the host's own, where the host is of it.

    ``needs`` are the packages that bring it, with kbuild's own needs, for ``arch``; the host's own
    has to have these ``programs``, too.

    Raises:
        InfrastructureError: the release cannot be asked.
        CommandError: its packages cannot be had.
    """
    if host_release() == release and all(map(shutil.which, (name, *programs))):
        return HostToolchain(compiler=name, version=await _version(name))
    apt = await archive.apt(release, arch)
    packages = tuple(sorted({*needs, *SHELL_PACKAGES}))
    try:
        closure = await apt.resolved(packages)
    except CommandError as error:
        raise CommandError(
            error.argv, f"the compiler of {release.name} cannot be had", error.output
        ) from error
    base = name.removeprefix("x86_64-linux-gnu-")
    version = closure.versions.get(base, "")
    described = f"{base} {version} of {release.name} ({closure.recipe.key[:12]})"
    return ReleaseToolchain(compiler=name, version=described, apt=apt, packages=packages)
