"""Kernel modules: which a guest loads, in which order, and how the one under test is built."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import tarfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from anyclue.model.scenario import Arch
from anyclue.system.files import staging
from anyclue.system.processes import run
from anyclue.system.store import locked_file
from anyclue.trial.kernels.make import build_error
from anyclue.trial.kernels.toolchain import Toolchain

ROOTS = ("virtio_pci", "virtio_blk", "virtio_console", "loop", "overlay", "squashfs", "btrfs")
"""Modules to have with all that they depend on; those that are built in need none."""

MORE_ROOTS = (
    *("ext4", "xfs", "f2fs", "crc32c_generic", "xxhash_generic", "blake2b_generic"),
    *("quota_v1", "quota_v2", "dm-mod", "dm-flakey", "dm-log-writes", "dm-snapshot", "dm-delay"),
    *("dm-thin-pool", "dm-zero", "dm-crypt", "scsi_debug"),
)
"""Modules that a full guest finds in its ``/lib/modules`` beside: none is loaded beforehand."""

UNPACKERS: Mapping[str, tuple[str, ...]] = {
    ".xz": ("xz", "-d"),
    ".gz": ("gzip", "-d"),
    ".zst": ("zstd", "-d", "-q", "--rm"),
}

UNDER_TEST = "btrfs"
"""The module that is loaded only after a snapshot is restored."""

BUILD_S = 1800
# BTF would be made from debug information, and is needed to trace a module's types only.
WITHOUT = ("CONFIG_DEBUG_INFO_BTF_MODULES=",)
UNFINISHED = ".unfinished"
DEBUG_MODULE = "module.ko"
DEBUG_KIND = "debuginfo"
DEBUG_TREE = "/linux"
"""Where debug info says that the kernel's tree is."""

# Each with what makes kbuild build that directory as a module, whatever the kernel's config says.
BUILDABLE: Mapping[str, tuple[str, str]] = {"fs/btrfs": ("CONFIG_BTRFS_FS=m", "btrfs.ko")}


async def collect_modules(tree: Path, release: str, into: Path) -> None:
    """Copy the modules of ``ROOTS`` and ``MORE_ROOTS`` from ``tree`` to ``into/modules``.

    ``into/modules.json`` says in which order:
    ``{"order": [FILE...], "under_test": FILE|null, "more": [FILE...]}``;
    dependencies come first, the module under test is not in the order but its dependencies are.
    """
    await run(("depmod", "-b", str(tree), release), deadline_s=120)
    (into / "modules").mkdir()
    order = await _copied(ROOTS, tree, release, into, [])
    more = await _copied(MORE_ROOTS, tree, release, into, order)
    under_test = f"{UNDER_TEST}.ko" if f"{UNDER_TEST}.ko" in order else None
    if under_test is not None:
        order.remove(under_test)
    layout = {"order": order, "under_test": under_test, "more": more}
    (into / "modules.json").write_text(json.dumps(layout, indent=1))


async def _copied(
    roots: Sequence[str], tree: Path, release: str, into: Path, known: Sequence[str]
) -> list[str]:
    """Copy what ``roots`` need and is not ``known``; return the names, dependencies first."""
    order: list[str] = []
    for root in roots:
        shown = await run(
            ("modprobe", "-d", str(tree), "-S", release, "--show-depends", root),
            deadline_s=30,
            check=False,
        )
        for path in re.findall(r"^insmod (\S+)", shown.stdout, re.MULTILINE):
            name = f"{Path(path).name.split('.')[0]}.ko"
            if name not in order and name not in known:
                order.append(name)
                await _copy_plain(Path(path), into / "modules" / name)
    return order


async def _copy_plain(source: Path, target: Path) -> None:
    """Copy a module; a compressed one is unpacked, since the guest's insmod could not."""
    unpack = UNPACKERS.get(source.suffix)
    if unpack is None:
        shutil.copyfile(source, target)
        return
    packed = target.with_name(target.name + source.suffix)
    shutil.copyfile(source, packed)
    await run((*unpack, str(packed)), deadline_s=60)


@asynccontextmanager
async def workbench(
    workbenches: Path, name: str, unpack_headers: Callable[[Path], Awaitable[None]]
) -> AsyncIterator[Path]:
    """Hold the workbench of this name: a ``module`` to build, and the kernel's ``headers``.

    It is made when it is not there, and made anew when a build there did not end.
    """
    bench = workbenches / name
    async with locked_file(workbenches / f"{name}.lock"):
        if (bench / UNFINISHED).exists():
            await asyncio.to_thread(shutil.rmtree, bench)
        if not bench.is_dir():
            with staging(workbenches, "bench") as new:
                (new / "module").mkdir()
                await unpack_headers(new / "headers")
                new.rename(bench)
        yield bench


async def build_module(
    *,
    bench: Path,
    sources: Path,
    headers: Path,
    arch: Arch,
    toolchain: Toolchain,
    directory: str,
    into: Path,
    debug: bool = False,
) -> Path:
    """Build in the workbench, and put the stripped module into ``into/payload.tar``.

    With ``debug`` it stays as it is, with the lines of its code, as ``into/module.ko``; it is no
    other code.

    Returns:
        The directory in which it was built; it stays as it is while the bench is locked.

    Raises:
        DoesNotBuildError: make failed, or made no module.
        InfrastructureError: there is no space.
        CommandError: it took longer than ``BUILD_S``.
    """
    (bench / UNFINISHED).touch()
    work = bench / "module"
    set_sources(sources, work)
    config, module = BUILDABLE[directory]
    (work / module).unlink(missing_ok=True)  # what is there in the end was made now
    place = toolchain.place(work, bench=bench)
    # No debug information: it is not needed to run, and costs a third of the time. Messages of the
    # kernel name the file as the kernel's tree does, and so do lines.
    flags = f"-g{int(debug)} -fmacro-prefix-map={place}/={directory}/"
    flags += f" -fdebug-prefix-map={place}={DEBUG_TREE}/{directory}" if debug else ""
    built = await toolchain.run(
        (
            *("make", "-C", str(toolchain.place(headers, bench=bench)), f"M={place}"),
            *(f"ARCH={arch.value}", f"CC={toolchain.compiler}", "CROSS_COMPILE="),
            *(f"KCFLAGS={flags}", f"-j{os.cpu_count() or 1}", *WITHOUT),
            *(*toolchain.variables, config, "modules"),
        ),
        bench=bench,
        deadline_s=BUILD_S,
    )
    log = (built.stdout + built.stderr).replace(f"{place}/", f"{directory}/")
    if built.status != 0:
        # make has removed what did not compile: the bench stays as good as it was.
        (bench / UNFINISHED).unlink()
        raise build_error(
            "the module does not build",
            log,
            where=directory,
            next_step="correct the patch or edit (anyclue -v shows the whole command)",
        )
    if not (work / module).is_file():
        (bench / UNFINISHED).unlink()
        raise build_error(
            f"make succeeded, but made no {module}",
            log,
            where=directory,
            next_step=f"its Makefile has to build {module} with {config}",
        )
    (into / "build.log").write_text(log)
    if debug:
        shutil.copyfile(work / module, into / DEBUG_MODULE)
        (bench / UNFINISHED).unlink()
        return work
    shutil.copyfile(work / module, into / module)
    await run(("strip", "-g", str(into / module)), deadline_s=60)
    pack_payload(into / module, into / "payload.tar")
    (into / module).unlink()
    (bench / UNFINISHED).unlink()
    return work


def set_sources(sources: Path, work: Path) -> None:
    """Make the work tree's sources equal to ``sources``; files that are equal keep their time."""
    wanted = {file.relative_to(sources) for file in sources.rglob("*") if file.is_file()}
    for name in wanted:
        target = work / name
        content = (sources / name).read_bytes()
        if not target.is_file() or target.read_bytes() != content:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    for file in work.rglob("*.[chS]"):
        if file.relative_to(work) not in wanted and not file.name.endswith(".mod.c"):
            file.unlink()


def pack_payload(module: Path, archive: Path) -> None:
    """Put one module into a tar archive, the form in which it reaches the guest's disk."""
    with tarfile.open(archive, "w") as tar:
        info = tarfile.TarInfo("under-test.ko")
        info.size = module.stat().st_size
        with module.open("rb") as file:
            tar.addfile(info, file)
