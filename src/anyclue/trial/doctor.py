"""What this machine can do, what is missing, and how to get it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from anyclue.model.errors import AnyclueError, InfrastructureError
from anyclue.model.scenario import Arch, DebianKernel, Kernel, Machine
from anyclue.system.debian_archive import KEYRINGS, host_release
from anyclue.system.processes import run
from anyclue.system.workers import processors
from anyclue.trial.context import Context
from anyclue.trial.filesystems.btrfs import BTRFS
from anyclue.trial.guest import accelerator
from anyclue.trial.kernels.catalogue import CatalogueEntry
from anyclue.trial.kernels.layout import TrialSubject
from anyclue.trial.model import Shape

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
    "mount": ("mount", "compilers of other releases of Debian"),
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
    "zstd": ("zstd", "kernels of yours whose modules are compressed with it"),
    "ccache": ("ccache", "building kernels from git again in less time"),
}
# A header -> the same; objtool, which most 64-bit kernels are built with, and signed modules.
KERNEL_BUILD_HEADERS: dict[str, tuple[str, str]] = {
    "gelf.h": ("libelf-dev", "64-bit kernels from git"),
    "openssl/opensslv.h": ("libssl-dev", "kernels from git that sign modules"),
}
INCLUDES = (Path("/usr/include"), Path("/usr/include/x86_64-linux-gnu"))
SPACE_MIB = 2048
BOOT_S = 300
INSTALL_S = 1800
PROVEN_ON = Machine(name="doctor", arch=Arch.X86_64, ram_mib=512)
"""The guest that is booted to see that one boots."""


class CheckState(StrEnum):
    """Whether a thing is there; ``MISSING`` is what a hunt cannot do without."""

    OK = "ok"
    MISSING = "missing"
    NOTE = "note"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing looked at; ``package`` is the package of Debian's that brings it."""

    name: str
    state: CheckState
    detail: str
    remedy: str = ""
    package: str = ""


async def examine(context: Context) -> tuple[Check, ...]:
    """Look at everything that a hunt needs; start no guest."""
    checks = [_program(name, *rest, needed=True) for name, rest in PROGRAMS.items()]
    checks += [_program(name, *rest, needed=False) for name, rest in FULL_GUEST_PROGRAMS.items()]
    checks += [_program(name, *rest, needed=False) for name, rest in KERNEL_BUILD_PROGRAMS.items()]
    checks += [_header(name, *rest) for name, rest in KERNEL_BUILD_HEADERS.items()]
    checks += [_multilib(), _keyring(), _space(context.cache), _memory()]
    checks += [await _accelerator(arch, context.cache) for arch in Arch]
    if os.geteuid() != 0:
        checks.append(_user_namespaces())
    return tuple(checks)


async def prove(context: Context) -> tuple[Check, ...]:
    """See that a kernel can be had, and that a guest boots with it; what it takes stays cached."""
    mirror = await context.archive.mirror()
    where = Check(
        name="Debian's archive",
        state=CheckState.OK,
        detail=f"{mirror.main}, {mirror.security} ({mirror.origin})",
    )
    try:
        found = await context.kernels.catalogue([PROVEN_ON.arch])
        offers = [entry for entry in found.entries if entry.newest]
        if not offers:
            raise InfrastructureError("\n".join(found.failures) or "no suite has a whole kernel")
        series = ", ".join(dict.fromkeys(entry.series for entry in offers))
        kernels = Check(name="kernels", state=CheckState.OK, detail=f"on offer: {series}")
    except AnyclueError as error:
        remedy = "check the network, or name another mirror: anyclue kernels --mirror URI"
        return where, _failed("kernels", error, remedy)
    try:
        return where, kernels, await _booted(context, _nearest(offers))
    except AnyclueError as error:
        return where, kernels, _failed("a guest boots", error, "what it says is wrong, first")


def _nearest(offers: Iterable[CatalogueEntry]) -> CatalogueEntry:
    """Return the kernel that takes least: of the host's release, in the cache, of an old series."""
    return max(offers, key=lambda entry: (entry.of == host_release().name, bool(entry.cached)))


async def _booted(context: Context, entry: CatalogueEntry) -> Check:
    source = DebianKernel(series=entry.series, version=entry.version)
    kernel, arches = Kernel(name="doctor", source=source), [PROVEN_ON.arch]
    subject = TrialSubject(file_system=BTRFS)
    base = await context.kernels.base(kernel, PROVEN_ON.arch, arches, subject)
    userspace = await context.kernels.debian_release(kernel, arches, subject)
    image = await context.images.prepare(
        base, PROVEN_ON, Shape.LEAN, subject, userspace=userspace or host_release(), boot_s=BOOT_S
    )
    detail = f"{base.release} under {image.accelerator}"
    return Check(name="a guest boots", state=CheckState.OK, detail=detail)


def _failed(name: str, error: AnyclueError, remedy: str) -> Check:
    return Check(name=name, state=CheckState.MISSING, detail=str(error), remedy=remedy)


async def install(packages: Iterable[str]) -> None:
    """Install packages of Debian's, as root or where sudo asks for no password.

    Raises:
        CommandError: that is not allowed, or failed.
    """
    sudo = () if os.geteuid() == 0 else ("sudo", "-n")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    await run((*sudo, "apt-get", "update", "-qq"), deadline_s=INSTALL_S, env=quiet, check=False)
    argv = (*sudo, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages)
    await run(argv, deadline_s=INSTALL_S, env=quiet)


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
        package=package,
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
        package="gcc-multilib",
    )


def _keyring() -> Check:
    path = next((str(one) for one in KEYRINGS if one.exists()), None)
    purpose = "the signatures of Debian's packages cannot be checked"
    return _found("Debian's keys", path, "debian-archive-keyring", purpose, needed=True)


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
