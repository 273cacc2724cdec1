"""Kernel modules: which a guest loads, in which order, and how the one under test is built."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tarfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from anyclue.model.scenario import Arch
from anyclue.system.files import staging
from anyclue.system.processes import run
from anyclue.system.store import Artifact, locked_file
from anyclue.trial.filesystems.registry import FILE_SYSTEMS
from anyclue.trial.kernels.layout import BASE, LAYOUT, KernelLayout, ModuleEntry, layout_text
from anyclue.trial.kernels.make import build_error
from anyclue.trial.kernels.toolchain import Toolchain

MORE = (
    *("crc32c_generic", "xxhash_generic", "blake2b_generic"),
    *("quota_v1", "quota_v2", "dm-mod", "dm-flakey", "dm-log-writes", "dm-snapshot", "dm-delay"),
    *("dm-thin-pool", "dm-zero", "dm-crypt", "scsi_debug"),
)
"""What a full guest finds beside in its ``/lib/modules``: none is loaded beforehand."""

COLLECTED = tuple(
    dict.fromkeys((*BASE, *(root for fs in FILE_SYSTEMS.values() for root in fs.modules), *MORE))
)
"""What is kept of a kernel's modules, with all that they depend on."""

UNPACKERS: Mapping[str, tuple[str, ...]] = {
    ".xz": ("xz", "-d"),
    ".gz": ("gzip", "-d"),
    ".zst": ("zstd", "-d", "-q", "--rm"),
}

BUILD_S = 1800
# BTF would be made from debug information, and is needed to trace a module's types only.
WITHOUT = ("CONFIG_DEBUG_INFO_BTF_MODULES=",)
UNFINISHED = ".unfinished"
WORK = "linux"
"""Where in a workbench the directories are that are built, at their places in the kernel's tree."""

LOAD_MODULES = (
    "cd /tmp && tar xf /dev/vda && for m in $(tar tf /dev/vda); do insmod $m || exit; done"
)
"""What loads a payload in the guest."""

DEBUG_MODULE = "module.ko"
DEBUG_KIND = "debuginfo"
DEBUG_TREE = "/linux"
"""Where debug info says that the kernel's tree is."""


async def collect_modules(tree: Path, release: str, into: Path) -> None:
    """Copy what guests may load from ``tree`` to ``into/modules``; say so in ``into/modules.json``.

    That is what is ``COLLECTED``: an artifact's recipe has it.
    """
    await run(("depmod", "-b", str(tree), release), deadline_s=120)
    (into / "modules").mkdir()
    known = _dependencies(tree / "lib/modules" / release)
    modules: dict[str, ModuleEntry] = {}
    for root in COLLECTED:
        shown = await run(
            ("modprobe", "-d", str(tree), "-S", release, "--show-depends", root),
            deadline_s=30,
            check=False,
        )
        paths = [Path(path) for path in re.findall(r"^insmod (\S+)", shown.stdout, re.MULTILINE)]
        names = [_module_name(path) for path in paths]
        for number, (name, path) in enumerate(zip(names, paths, strict=True)):
            before = names[:number]
            if number < len(names) - 1:  # before the root itself there is what it softly needs, too
                before = [other for other in before if other in known.get(name, ())]
            if name not in modules:
                await _copy_plain(path, into / "modules" / f"{name}.ko")
            elif len(before) <= len(modules[name].needs):
                continue
            directory = str(path.parent).partition(f"/{release}/kernel/")[2]
            modules[name] = ModuleEntry(directory=directory, needs=tuple(before))
    layout = KernelLayout(modules=modules, builtin=_builtin(tree / "lib/modules" / release))
    (into / LAYOUT).write_bytes(layout_text(layout))


def _module_name(path: Path) -> str:
    return path.name.split(".")[0]


def _dependencies(modules: Path) -> dict[str, frozenset[str]]:
    """Return what each module depends on, as depmod found."""
    lines = (modules / "modules.dep").read_text(errors="replace").splitlines()
    pairs = (line.partition(":")[::2] for line in lines)
    return {
        _module_name(Path(path)): frozenset(_module_name(Path(one)) for one in needed.split())
        for path, needed in pairs
    }


def _builtin(modules: Path) -> frozenset[str]:
    """Return the names of the modules that are part of the kernel, as its build lists them."""
    file = modules / "modules.builtin"
    paths = file.read_text(errors="replace").split() if file.is_file() else []
    return frozenset(Path(path).stem.replace("-", "_") for path in paths)


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
    workbenches: Path, name: str, unpack: Callable[[Path], Awaitable[None]]
) -> AsyncIterator[Path]:
    """Hold the workbench of this name: a tree `WORK` to build in, and the kernel's ``headers``.

    It is made, with ``unpack``, when it is not there, and anew when a build there did not end.
    """
    bench = workbenches / name
    async with locked_file(workbenches / f"{name}.lock"):
        if (bench / UNFINISHED).exists():
            await asyncio.to_thread(shutil.rmtree, bench)
        if not bench.is_dir():
            with staging(workbenches, "bench") as new:
                (new / WORK).mkdir()
                await unpack(new)
                new.rename(bench)
        yield bench


async def build_modules(
    *,
    bench: Path,
    sources: Path,
    directories: Mapping[str, Sequence[str]],
    headers: Path,
    arch: Arch,
    toolchain: Toolchain,
    log_file: Path,
    debug: bool = False,
) -> dict[str, Path]:
    """Build directories of a kernel's tree in the workbench, as its configuration has them.

    ``directories`` names the modules that each has to make; ``sources`` has them at their places.
    With ``debug`` the modules have the lines of their code; they are no other code.

    Returns:
        The modules by name. They stay as they are while the bench is locked, and so does what
        make left beside them in `WORK`.

    Raises:
        DoesNotBuildError: make failed, or made no such module.
        InfrastructureError: there is no space.
        CommandError: it took longer than ``BUILD_S``.
    """
    (bench / UNFINISHED).touch()
    work = bench / WORK
    built = {
        name: work / directory / f"{name}.ko"
        for directory, names in directories.items()
        for name in names
    }
    for directory in directories:
        set_sources(sources / directory, work / directory)
    for module in built.values():
        module.unlink(missing_ok=True)  # what is there in the end was made now
    descend = "".join(f"obj-m += {directory}/\n" for directory in directories)
    (work / "Kbuild").write_text(descend)
    place = toolchain.place(work, bench=bench)
    _link_below(headers, place, work)
    # No debug information: it is not needed to run, and costs a third of the time. Messages of the
    # kernel name the file as the kernel's tree does, and so do lines.
    flags = f"-g{int(debug)} -fmacro-prefix-map={place}/="
    flags += f" -fdebug-prefix-map={place}={DEBUG_TREE}" if debug else ""
    made = await toolchain.run(
        (
            *("make", "-C", str(toolchain.place(headers, bench=bench)), f"M={place}"),
            *(f"ARCH={arch.value}", f"CC={toolchain.compiler}", "CROSS_COMPILE="),
            *(f"KCFLAGS={flags}", f"-j{os.cpu_count() or 1}", *WITHOUT),
            *(*toolchain.variables, "modules"),
        ),
        bench=bench,
        deadline_s=BUILD_S,
    )
    log = (made.stdout + made.stderr).replace(f"{place}/", "")
    where = ", ".join(directories)
    # make has removed what did not compile: the bench stays as good as it was.
    (bench / UNFINISHED).unlink()
    if made.status != 0:
        raise build_error(
            "the module does not build",
            log,
            where=where,
            next_step="correct the patch or edit (anyclue -v shows the whole command)",
        )
    if missing := [module.name for module in built.values() if not module.is_file()]:
        raise build_error(
            f"make succeeded, but made no {', no '.join(missing)}",
            log,
            where=where,
            next_step="its Makefile has to build that with the kernel's configuration",
        )
    log_file.write_text(log)
    return built


def _link_below(headers: Path, place: Path, work: Path) -> None:
    """Let Makefiles find their directory below ``$(srctree)``, too.

    Up to 6.9 they say ``-I $(srctree)/$(src)``, which for a module built elsewhere is the path of
    that place behind the tree's.
    """
    for tree in (headers, *headers.parent.glob("linux-headers-*-common")):
        link = tree / place.relative_to("/")
        if not link.is_symlink():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(os.path.relpath(work, link.parent))


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


async def make_payload(
    kernel: Artifact, tested: Iterable[str], built: Mapping[str, Path], into: Path
) -> None:
    """Put the modules under test into ``into/payload.tar``, in the order of ``tested``.

    Those that were ``built`` go without their debug information; others are as in ``kernel``.
    """
    with staging(into, "stripped") as bare:
        files = []
        for name in tested:
            file = kernel.file(f"modules/{name}.ko")
            if name in built:
                file = bare / file.name
                await run(("strip", "-g", "-o", str(file), str(built[name])), deadline_s=60)
            files.append(file)
        pack_payload(files, into / "payload.tar")


def pack_payload(modules: Iterable[Path], archive: Path) -> None:
    """Put modules into a tar archive, in the order in which a guest loads them."""
    with tarfile.open(archive, "w") as tar:
        for module in modules:
            info = tarfile.TarInfo(module.name)
            info.size = module.stat().st_size
            with module.open("rb") as file:
                tar.addfile(info, file)
