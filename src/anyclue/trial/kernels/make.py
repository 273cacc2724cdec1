"""How make is called for kernels, what a build says of itself, and how its failure is told."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from anyclue.model.errors import RequestError
from anyclue.model.scenario import Arch
from anyclue.system.processes import Completed, run
from anyclue.trial.kernels.fast_path import BuildInputs, Interface
from anyclue.trial.kernels.sources import BUILD

BUILD_S = 7200
COMPILER = "gcc"
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
_QUIET = {"MAKEFLAGS": "", "MFLAGS": "", "KBUILD_OUTPUT": "", "KCONFIG_CONFIG": ""}
_ERROR = re.compile(
    r"^.*(?:error:|ERROR:|undefined!|undefined reference|No space left|not found$|can't open"
    r"|No rule to make target|: \*\*\* ).*$",
    re.MULTILINE,
)
_DEPS = re.compile(r"^(?:deps_\S+ := \\\n((?:.+\\\n)*)|source_\S+ := (.+)\n)", re.MULTILINE)


class DoesNotBuildError(RequestError):
    """The sources do not build: says something of a commit, and nothing of the machine."""


async def make(source: Path, arch: Arch, *targets: str, deadline_s: float = BUILD_S) -> Completed:
    """Run make for the kernel in ``source``, building in its ``.build``; its status may be any.

    Raises:
        CommandError: it cannot be started, or takes longer than ``deadline_s`` seconds.
    """
    jobs = f"-j{os.cpu_count() or 1}"
    return await run(
        (
            *("make", "-C", str(source), f"O={source / BUILD}", f"ARCH={arch.value}"),
            *(f"CC={compiler()}", *_FIXED, jobs, *targets),
        ),
        deadline_s=deadline_s,
        env={name: value for name, value in _QUIET.items() if name in os.environ},
        check=False,
    )


def compiler() -> str:
    """Return the compiler to build git's kernels with: through ccache where that is installed."""
    return f"ccache {COMPILER}" if shutil.which("ccache") else COMPILER


async def compiler_version() -> str:
    """Return the first line of what the compiler says of itself.

    Raises:
        CommandError: there is none.
    """
    return (await run((COMPILER, "--version"), deadline_s=30)).stdout.splitlines()[0]


def first_errors(log: str, most: int = 5) -> str:
    """Return the first lines of a log that name an error, indented; else its last lines."""
    found = _ERROR.findall(log) or log.splitlines()[-most:]
    return "\n".join(f"    {line.strip()}" for line in found[:most])


def does_not_build(what: str, log: str, *, where: str, next_step: str) -> DoesNotBuildError:
    """Return the error for sources that do not build."""
    said = f"{what}; the first that make said:\n{first_errors(log)}"
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
