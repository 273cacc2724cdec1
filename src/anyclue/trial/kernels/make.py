"""How make is called for kernels, what a build says of itself, and how its failure is told."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from anyclue.model.errors import InfrastructureError, RequestError
from anyclue.model.scenario import Arch
from anyclue.system.processes import Completed, run
from anyclue.trial.kernels.fast_path import BuildInputs, Interface
from anyclue.trial.kernels.sources import BUILD
from anyclue.trial.kernels.toolchain import Toolchain

BUILD_S = 7200
# The same content gives the same kernel, whoever builds it and when.
_FIXED = (
    "KBUILD_BUILD_USER=anyclue",
    "KBUILD_BUILD_HOST=anyclue",
    "KBUILD_BUILD_VERSION=1",
    "KBUILD_BUILD_TIMESTAMP=Thu Jan  1 00:00:00 UTC 1970",
    "LOCALVERSION=",
    "KCFLAGS=",
    "LLVM=",
    "CROSS_COMPILE=",
)
_ERROR = re.compile(
    r"^.*(?:error:|ERROR:|undefined!|undefined reference|No space left|not found$|can't open"
    r"|No rule to make target|: \*\*\* ).*$",
    re.MULTILINE,
)
_DEPS = re.compile(r"^(?:deps_\S+ := \\\n((?:.+\\\n)*)|source_\S+ := (.+)\n)", re.MULTILINE)


class DoesNotBuildError(RequestError):
    """The sources do not build: says something of a commit, and nothing of the machine."""


async def make(
    source: Path, arch: Arch, *targets: str, toolchain: Toolchain, bench: Path
) -> Completed:
    """Run make for the kernel in ``source``, building in its ``.build``; its status may be any.

    ``source`` is in ``bench``, where the toolchain works.

    Raises:
        CommandError: it cannot be started, or takes longer than ``BUILD_S`` seconds.
    """
    place = toolchain.place(source, bench=bench)
    return await toolchain.run(
        (
            *("make", "-C", str(place), f"O={place / BUILD}", f"ARCH={arch.value}"),
            *(f"CC={toolchain.compiler}", f"HOSTCC={toolchain.compiler}", *_FIXED),
            *(*toolchain.variables, f"-j{os.cpu_count() or 1}", *targets),
        ),
        bench=bench,
        deadline_s=BUILD_S,
    )


def first_errors(log: str, most: int = 5) -> str:
    """Return the first lines of a log that name an error, indented; else its last lines."""
    found = _ERROR.findall(log) or log.splitlines()[-most:]
    return "\n".join(f"    {line.strip()}" for line in found[:most])


def build_error(
    what: str, log: str, *, where: str, next_step: str
) -> DoesNotBuildError | InfrastructureError:
    """Return the error for a build that failed: for want of space, or because of the sources."""
    said = f"{what}; the first that make said:\n{first_errors(log)}"
    if os.strerror(errno.ENOSPC) in log:
        step = "free some space on the disk of the cache, then run again"
        return InfrastructureError(said, where=where, next_step=step)
    return DoesNotBuildError.of(said, where=where, next_step=next_step)


def build_inputs(source: Path, directories: Iterable[str]) -> dict[str, BuildInputs]:
    """Return, for each directory, what a finished build read of its tree: kbuild keeps record."""
    every: set[str] = set()
    outside: dict[str, set[str]] = {directory: set() for directory in directories}
    build = source / BUILD
    for record in build.rglob(".*.cmd"):
        place = f"{record.parent.relative_to(build)}/"
        paths = set(_dependencies(record.read_text(errors="replace"), source))
        every |= paths
        for directory, used in outside.items():
            if not place.startswith(f"{directory}/"):
                used |= {path for path in paths if path.startswith(f"{directory}/")}
    return {
        directory: BuildInputs(all=frozenset(every), outside=frozenset(used))
        for directory, used in outside.items()
    }


def _dependencies(record: str, source: Path) -> Iterator[str]:
    for listed, made_from in _DEPS.findall(record):
        for word in (listed or made_from).split():
            if path := _in_tree(word, f"{source}/"):
                yield path


@lru_cache(maxsize=100_000)
def _in_tree(word: str, source: str) -> str:
    """Return a path of the source tree; of a path in the build, where it would be there."""
    if word.startswith(("$", "\\")) or word.endswith(")"):
        return ""
    path = os.path.normpath(word.removeprefix(source).removeprefix(f"{BUILD}/"))
    while path.startswith("../"):
        path = path[3:]
    return "" if path.startswith("/") else path


def symvers(text: str) -> dict[str, tuple[str, str]]:
    """Return, by symbol, its checksum and whose it is, from a ``Module.symvers``."""
    rows = (line.split("\t") for line in text.splitlines())
    return {row[1]: (_checksum(row[0]), row[2]) for row in rows if len(row) >= 3}


async def interface(module: Path, exports: dict[str, str]) -> Interface:
    """Return what a module file has to do with its kernel.

    Raises:
        CommandError: the file is no module.
    """

    async def field(name: str) -> str:
        return (await run(("modinfo", "-F", name, str(module)), deadline_s=30)).stdout.strip()

    # A kernel without checksums has none to show.
    dumped = await run(("modprobe", "--dump-modversions", str(module)), deadline_s=30, check=False)
    rows = (line.split() for line in dumped.stdout.splitlines())
    names = (await field("depends")).split(",")
    return Interface(
        vermagic=await field("vermagic"),
        imports={row[1]: _checksum(row[0]) for row in rows if len(row) == 2},
        exports=exports,
        depends=frozenset(name.replace("-", "_") for name in names if name),
    )


def _checksum(text: str) -> str:
    return f"{int(text, 16):#010x}"
