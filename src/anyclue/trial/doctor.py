"""What this machine can do, what is missing, and how to get it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from anyclue.model.errors import InfrastructureError
from anyclue.model.scenario import Arch
from anyclue.system.workers import processors
from anyclue.trial.context import Context
from anyclue.trial.guest import accelerator

# Program -> the Debian package that brings it, and what it is for.
PROGRAMS: dict[str, tuple[str, str]] = {
    "qemu-system-i386": ("qemu-system-x86", "32-bit guests"),
    "qemu-system-x86_64": ("qemu-system-x86", "64-bit guests"),
    "apt-get": ("apt", "Debian's kernels and programs"),
    "dpkg-deb": ("dpkg", "unpacking packages"),
    "gcc": ("gcc", "the guest's tools, modules"),
    "make": ("make", "modules"),
    "patch": ("patch", "patches of a scenario"),
    "depmod": ("kmod", "module dependencies"),
    "readelf": ("binutils", "the guest's libraries"),
    "setpriv": ("util-linux", "guests that end with anyclue"),
    "tar": ("tar", "unpacking kernel source"),
    "xz": ("xz-utils", "unpacking kernel source"),
}
FULL_GUEST_PROGRAMS: dict[str, tuple[str, str]] = {
    "mmdebstrap": ("mmdebstrap", "full guests (fstests)"),
    "sqfstar": ("squashfs-tools", "full guests (fstests)"),
    "arch-test": ("arch-test", "full guests (fstests)"),
}
KERNEL_BUILD_PROGRAMS: dict[str, tuple[str, str]] = {
    "git": ("git", "kernels from git"),
    "flex": ("flex", "kernels from git"),
    "bison": ("bison", "kernels from git"),
    "bc": ("bc", "kernels from git"),
    "ccache": ("ccache", "building kernels from git again in less time"),
}
# A header -> the same; objtool, which most 64-bit kernels are built with, and signed modules.
KERNEL_BUILD_HEADERS: dict[str, tuple[str, str]] = {
    "gelf.h": ("libelf-dev", "64-bit kernels from git"),
    "openssl/opensslv.h": ("libssl-dev", "kernels from git that sign modules"),
}
INCLUDES = (Path("/usr/include"), Path("/usr/include/x86_64-linux-gnu"))
SPACE_MIB = 2048


class CheckState(StrEnum):
    """Whether a thing is there; ``MISSING`` is what a hunt cannot do without."""

    OK = "ok"
    MISSING = "missing"
    NOTE = "note"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing looked at."""

    name: str
    state: CheckState
    detail: str
    remedy: str = ""


async def examine(context: Context) -> tuple[Check, ...]:
    """Look at everything that a hunt needs; start no guest."""
    checks = [_program(name, *rest, needed=True) for name, rest in PROGRAMS.items()]
    checks += [_program(name, *rest, needed=False) for name, rest in FULL_GUEST_PROGRAMS.items()]
    checks += [_program(name, *rest, needed=False) for name, rest in KERNEL_BUILD_PROGRAMS.items()]
    checks += [_header(name, *rest) for name, rest in KERNEL_BUILD_HEADERS.items()]
    checks += [_multilib(), _space(context.cache), _memory()]
    checks += [await _accelerator(arch, context.cache) for arch in Arch]
    if os.geteuid() != 0:
        checks.append(_user_namespaces())
    return tuple(checks)


def _program(name: str, package: str, purpose: str, *, needed: bool) -> Check:
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    return _found(name, path, package, purpose, needed=needed)


def _header(name: str, package: str, purpose: str) -> Check:
    path = next((str(top / name) for top in INCLUDES if (top / name).exists()), None)
    return _found(name, path, package, purpose, needed=False)


def _found(name: str, path: str | None, package: str, purpose: str, *, needed: bool) -> Check:
    if path:
        return Check(name=name, state=CheckState.OK, detail=path)
    state = CheckState.MISSING if needed else CheckState.NOTE
    return Check(
        name=name,
        state=state,
        detail=f"not there: {purpose}",
        remedy=f"apt-get install --no-install-recommends {package}",
    )


def _multilib() -> Check:
    libraries = list(Path("/usr/lib/gcc/x86_64-linux-gnu").glob("*/32/libgcc.a"))
    if libraries:
        return Check(name="gcc -m32", state=CheckState.OK, detail=str(libraries[0]))
    return Check(
        name="gcc -m32",
        state=CheckState.MISSING,
        detail="no 32-bit libraries: the tools of 32-bit guests cannot be built",
        remedy="apt-get install --no-install-recommends gcc-multilib",
    )


def _space(cache: Path) -> Check:
    place = next(parent for parent in (cache, *cache.parents) if parent.exists())
    free = shutil.disk_usage(place).free >> 20
    if not os.access(place, os.W_OK | os.X_OK):
        return Check(
            name="cache",
            state=CheckState.MISSING,
            detail=f"{cache}: cannot be written",
            remedy="set XDG_CACHE_HOME to a place that can",
        )
    return Check(
        name="cache",
        state=CheckState.OK if free >= SPACE_MIB else CheckState.MISSING,
        detail=f"{cache}: {free} MiB free",
        remedy="" if free >= SPACE_MIB else f"free {SPACE_MIB} MiB, or set XDG_CACHE_HOME",
    )


def _memory() -> Check:
    pages, size = os.sysconf("SC_AVPHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return Check(
        name="machine",
        state=CheckState.OK,
        detail=f"{processors()} cores, {pages * size >> 20} MiB free",
    )


async def _accelerator(arch: Arch, cache: Path) -> Check:
    name = f"{arch} guests"
    try:
        known = accelerator.earlier_choice(cache, await accelerator.host_key(arch))
    except InfrastructureError:
        return Check(name=name, state=CheckState.NOTE, detail="no QEMU to ask")
    if known is None:
        return Check(
            name=name,
            state=CheckState.NOTE,
            detail="KVM or TCG: not probed yet; the first hunt boots a guest to find out",
        )
    return Check(name=name, state=CheckState.OK, detail=f"{known.accelerator}: {known.because}")


def _user_namespaces() -> Check:
    limit = Path("/proc/sys/user/max_user_namespaces")
    works = limit.exists() and int(limit.read_text()) > 0 and shutil.which("newuidmap")
    return Check(
        name="user namespaces",
        state=CheckState.OK if works else CheckState.NOTE,
        detail="full guests can be made without root"
        if works
        else "not usable: full guests can only be made as root",
        remedy="" if works else "apt-get install --no-install-recommends uidmap",
    )
