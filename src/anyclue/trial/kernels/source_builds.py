"""Kernels of Debian's versions for an architecture that Debian has no packages for.

They are built from Debian's source of that version, by the compiler of its release, with the
configuration that kernels from git have. As for kernels that Debian built, a compiler that is
corrected later is no reason to build anew.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from dataclasses import asdict
from pathlib import Path

from anyclue.model.scenario import Arch
from anyclue.system.processes import run
from anyclue.system.store import Recipe
from anyclue.system.workers import processors
from anyclue.trial.filesystems.registry import FILE_SYSTEMS
from anyclue.trial.kernels.configuration import NOT_SET, Configuration, configuration
from anyclue.trial.kernels.modules import COLLECTED
from anyclue.trial.kernels.sources import BUILD
from anyclue.trial.kernels.toolchain import Toolchain
from anyclue.trial.kernels.whole_builds import BuildTree

log = logging.getLogger(__name__)

BUILD_PACKAGES = ("bc", "bison", "flex", "gzip", "kmod", "libc6-dev", "perl-base")
"""What building a kernel takes beside what building a module takes."""
BUILD_PROGRAMS = ("make", "bc", "bison", "depmod", "flex", "perl")
"""What of that a host has to have to build one with its own compiler."""
SPACE_MIB = 3072
"""What sources and build may take while a kernel is built."""
# Of 6.12 with Btrfs alone, 589 of about 1,050 objects took 447 s; the other file systems add some
# 200 objects.
CPU_S = 1000
_UNPACK_S = 900


def source_recipe(source: str, arch: Arch, *, release: str, compiler: str) -> Recipe:
    """Return what a kernel is made from: a source package, by a compiler of a release."""
    inputs = {
        "source": source,
        "arch": arch.value,
        "release": release,
        "compiler": compiler,
        "config": asdict(source_configuration(arch)),
        "modules": COLLECTED,
        "format": 1,
    }
    return Recipe(kind="kernel", inputs=inputs)


def source_configuration(arch: Arch) -> Configuration:
    """Return what is asked of kconfig: what a guest needs, and every file system."""
    needs = [line for one in FILE_SYSTEMS.values() for line in one.symbols]
    return configuration(arch, (), needs=needs)


def described(arch: Arch) -> str:
    """Return, for a reader of the report, what is asked of kconfig."""
    shown = (
        f"{symbol.removeprefix('CONFIG_')}={value}"
        for symbol, value in source_configuration(arch).asked.items()
        if value != NOT_SET
    )
    return f"tinyconfig with {' '.join(shown)}"


def say_what_it_takes(kernel: str, arch: Arch) -> None:
    """Say that a kernel will be built, and for how long."""
    minutes = max(1, round(CPU_S / processors() / 60))
    log.info(
        "Debian has no kernel %s for %s: building it from source. About %d minutes on %d "
        "processors that are free for it; then it is in the cache",
        *(kernel, arch, minutes, processors()),
    )


async def build_source(
    archive: Path, arch: Arch, toolchain: Toolchain, into: Path, *, of: str, failed: Path
) -> None:
    """Build a kernel from an ``archive`` of sources; put into ``into`` what is kept of it.

    ``of`` says, for errors, what the sources are; ``failed`` is where the log of a build goes that
    failed.

    Raises:
        DoesNotBuildError: make failed.
        RequestError: kconfig did not keep what a guest needs.
        InfrastructureError: there is no space.
    """
    bench = into / "bench"
    tree = BuildTree(bench, arch, toolchain, of=of, failed=failed)
    (tree.source / BUILD).mkdir(parents=True)
    begin = time.monotonic()
    await run(
        ("tar", "-xf", str(archive), "-C", str(tree.source), "--strip-components=1"),
        deadline_s=_UNPACK_S,
    )
    await tree.configure(source_configuration(arch))
    await tree.build()
    await tree.collect(f"full build: {time.monotonic() - begin:.0f} s", into)
    await asyncio.to_thread(shutil.rmtree, bench)
