"""Whether building one module anew gives the very kernel that a whole build would give.

Pure decisions, made twice: before the build, from the files of both commits and what the whole
build read; after it, from what the module says of itself. What is not known to be safe is not fast.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from anyclue.git.repository import TreeEntry
from anyclue.trial.kernels.sources import FILES, is_read

# Where a C file that no object was made from cannot be part of a kernel: it is no tool of the
# build, and nothing generates code from it.
_LEAVES = ("drivers/", "fs/", "net/", "sound/")
_C = frozenset({".c", ".h", ".S"})


@dataclass(frozen=True, kw_only=True)
class FastPath:
    """Whether the module alone is enough, and why (not), for a reader."""

    fast: bool
    why: str


@dataclass(frozen=True, kw_only=True)
class BuildInputs:
    """What a whole build read of its tree, by path.

    Attributes:
        all: every file that an object, program or linker script was made from.
        outside: those below the module's directory that something elsewhere was made from.
    """

    all: frozenset[str]
    outside: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Interface:
    """What a built module has to do with its kernel.

    ``imports`` and ``exports`` map a symbol to the checksum of its type; ``imports`` is empty
    when the kernel keeps no checksums. ``depends`` are names of modules.
    """

    vermagic: str
    imports: Mapping[str, str]
    exports: Mapping[str, str]
    depends: frozenset[str]


def fast_path(
    old: Mapping[str, TreeEntry], new: Mapping[str, TreeEntry], *, directory: str, read: BuildInputs
) -> FastPath:
    """Return whether ``new`` differs from ``old`` in nothing but one module's own code.

    ``old`` was built whole, and that build read ``read``; the module is built from ``directory``.
    """
    if not any(path.startswith(f"{directory}/") for path in read.all):
        return FastPath(fast=False, why="the build of the base kept no record of what it read")
    differing = sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))
    counted = {"inside": 0, "unbuilt": 0, "unread": 0}
    for path in differing:
        entries = [entry for entry in (old.get(path), new.get(path)) if entry is not None]
        if not is_read(path):
            counted["unread"] += 1
        elif any(entry.mode not in FILES for entry in entries):
            return _slow(path, "is a link or a submodule")
        elif path.startswith(f"{directory}/"):
            if reason := _unsafe_inside(path, read):
                return _slow(path, reason)
            counted["inside"] += 1
        elif path.startswith(_LEAVES) and path.endswith(".c") and path not in read.all:
            counted["unbuilt"] += 1
        else:
            return _slow(path, f"is outside of {directory}, and may be built or included")
    return FastPath(fast=True, why=_difference(directory, counted))


def same_interface(
    new: Interface, old: Interface, *, offered: Mapping[str, str], loaded: Iterable[str]
) -> FastPath:
    """Return whether a rebuilt module fits the kernel and modules that ``old`` was built with.

    ``offered`` are all symbols of the kernel and its modules, with their checksums, which are 0
    where the kernel keeps none; ``loaded`` the
    modules that are there when this one is loaded.
    """
    if new.vermagic != old.vermagic:
        return FastPath(fast=False, why=f"vermagic is {new.vermagic!r}, not {old.vermagic!r}")
    if new.exports != old.exports:
        names = ", ".join(sorted(name for name, _ in new.exports.items() ^ old.exports.items()))
        return FastPath(fast=False, why=f"what it exports to others differs: {names}")
    if missing := sorted(new.depends - set(loaded)):
        return FastPath(fast=False, why=f"it needs modules that are not loaded: {missing}")
    if not any(int(checksum, 16) for checksum in offered.values()):
        why = "the kernel has no MODVERSIONS: no checksum proves that what it imports is the same"
        return FastPath(fast=False, why=why)
    for symbol, checksum in sorted(new.imports.items()):
        if offered.get(symbol) != checksum:
            return FastPath(fast=False, why=f"the checksum of {symbol} is not the kernel's")
    checked = f"{len(new.imports)} symbol checksums" if new.imports else "no symbol checksums"
    return FastPath(fast=True, why=f"vermagic, exports and {checked} checked")


def _unsafe_inside(path: str, read: BuildInputs) -> str:
    name = PurePosixPath(path)
    if name.suffix not in _C:
        return "may change how the module is built"
    if path in read.outside:
        return "is included by files outside of the directory"
    if name.suffix == ".h" and read.outside:
        return "is a header, and others include headers of this directory"
    return ""


def _slow(path: str, why: str) -> FastPath:
    named = path if path.isprintable() else ascii(path)  # it will be on a terminal
    return FastPath(fast=False, why=f"{named} differs and {why}")


def _difference(directory: str, counted: Mapping[str, int]) -> str:
    words = [
        f"{counted['inside']} files of {directory} differ" if counted["inside"] else "",
        f"{counted['unbuilt']} that this kernel is not built from" if counted["unbuilt"] else "",
        f"{counted['unread']} that no build reads" if counted["unread"] else "",
    ]
    return ", ".join(word for word in words if word) or "no file differs"
