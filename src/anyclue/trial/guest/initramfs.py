"""The initramfs of a guest: static busybox, a file system's programs, our tools, modules.

Its archive ("newc" cpio, see the kernel's driver-api/early-userspace/buffer-format) is written
here: device nodes can then be packed without root, and the same entries always give the same bytes.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from anyclue.model.artifact import ArtifactRef
from anyclue.model.errors import InfrastructureError
from anyclue.model.scenario import Arch
from anyclue.system.apt import Apt
from anyclue.system.files import sha256
from anyclue.system.processes import run
from anyclue.system.store import Artifact, Recipe, Store
from anyclue.trial.filesystems.file_system import FileSystem
from anyclue.trial.kernels.layout import LAYOUT, TrialSubject, layout_of

SHELL = "busybox-static"
HERE = Path(__file__).parent / "agent"
DEBIAN_ARCH: Mapping[Arch, str] = {Arch.I386: "i386", Arch.X86_64: "amd64"}
BITS: Mapping[Arch, str] = {Arch.I386: "-m32", Arch.X86_64: "-m64"}
CFLAGS = ("-O2", "-static", "-D_FILE_OFFSET_BITS=64", "-Wall", "-Wextra", "-Werror")


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A C program for the guest: its name there and its one source file."""

    name: str
    source: Path


AGENT = Tool(name="agent", source=HERE / "agent.c")


async def build_tools(store: Store, arch: Arch, tools: Sequence[Tool]) -> Artifact:
    """Return the tools, compiled statically for ``arch``."""
    version = (await run(("gcc", "--version"), deadline_s=30)).stdout.splitlines()[0]
    inputs = {
        "sources": {tool.name: sha256(tool.source) for tool in tools},
        "flags": [BITS[arch], *CFLAGS],
        "compiler": version,
    }

    async def build(directory: Path) -> None:
        for tool in tools:
            target = directory / tool.name
            await run(
                ("gcc", BITS[arch], *CFLAGS, "-s", "-o", str(target), str(tool.source)),
                deadline_s=120,
            )

    return await store.make(Recipe(kind="tools", inputs=inputs), build)


async def build_initramfs(
    store: Store,
    apt: Apt,
    arch: Arch,
    kernel: ArtifactRef,
    tools: Sequence[Tool],
    subject: TrialSubject,
    *,
    more: bool = False,
) -> Artifact:
    """Return an artifact with ``initramfs.cpio`` for one kernel; ``more``: with all its modules.

    Those under test are not among them.
    """
    file_system = subject.file_system
    built = await build_tools(store, arch, (AGENT, *tools))
    userland = await apt.closure(lean_packages(file_system))
    boot = store.get(kernel)
    layout = layout_of(boot.file(LAYOUT))
    order = layout.before(subject)
    others = layout.more(subject) if more else []
    init = (HERE / "init.sh").read_bytes()
    inputs = {
        "tools": built.key,
        "userland": userland.key,
        "kernel": kernel.key,
        "init": sha256(HERE / "init.sh"),
        "more": more,
        "order": order,
        "programs": [*file_system.programs, *file_system.files],
        "format": 4,
    }

    async def build(directory: Path) -> None:
        entries: dict[str, CpioEntry] = {
            name: CpioEntry(mode=stat.S_IFDIR | 0o755)
            for name in ("dev", "proc", "sys", "run", "tmp", "mnt", "root")
        }
        entries["dev/console"] = CpioEntry(mode=stat.S_IFCHR | 0o600, device=(5, 1))
        entries["init"] = CpioEntry(mode=stat.S_IFREG | 0o755, data=init)
        tree = userland.file("tree")
        entries["bin/busybox"] = program(tree / "bin/busybox")
        for name in (*file_system.programs, *file_system.files):
            entries[name] = program(tree / name)
        for path, file in (await shared_libraries(tree, file_system.programs)).items():
            entries[path] = program(file)
        entries["sbin/agent"] = program(built.file("agent"))
        for tool in tools:
            entries[f"bin/{tool.name}"] = program(built.file(tool.name))
        for name in (*order, *others):
            entries[f"lib/modules/{name}.ko"] = program(boot.file(f"modules/{name}.ko"))
        listing = "".join(f"{name}.ko\n" for name in order).encode()
        entries["lib/modules/order"] = CpioEntry(mode=stat.S_IFREG | 0o644, data=listing)
        (directory / "initramfs.cpio").write_bytes(pack(entries))

    return await store.make(Recipe(kind="initramfs", inputs=inputs), build)


def lean_packages(file_system: FileSystem) -> tuple[str, ...]:
    """Return the packages of Debian's that a lean guest's programs are from."""
    return (SHELL, *file_system.packages)


async def shared_libraries(tree: Path, programs: Sequence[str]) -> dict[str, Path]:
    """Return the shared libraries that ``programs`` need, by their path in the guest.

    Raises:
        InfrastructureError: the tree holds one of them not.
    """
    by_name = {file.name: file for file in sorted(tree.rglob("*.so*")) if "gconv" not in file.parts}
    needed: dict[str, Path] = {}
    todo = [tree / name for name in programs]
    while todo:
        program = todo.pop()
        shown = await run(("readelf", "-d", "-l", str(program)), deadline_s=30)
        paths = {}
        for name in re.findall(r"\(NEEDED\).*\[([^\]]+)\]", shown.stdout):
            if name not in by_name:
                raise InfrastructureError(
                    f"the packages of the guest's programs hold no {name}, which {program.name} "
                    "needs",
                    where=str(tree),
                    next_step="please report it, with the output of: anyclue kernels",
                )
            paths[str(by_name[name].relative_to(tree))] = by_name[name]
        # The kernel looks for the loader where the program says, wherever the package has it.
        for loader in re.findall(r"interpreter: ([^\]]+)\]", shown.stdout):
            paths[loader.lstrip("/")] = by_name[Path(loader).name]
        for path, file in paths.items():
            if path not in needed:
                needed[path] = _followed(file, tree)
                todo.append(needed[path])
    return needed


def _followed(file: Path, tree: Path) -> Path:
    """Return what a link in a tree leads to there: an absolute one starts at the tree's top."""
    while file.is_symlink():
        target = file.readlink()
        file = tree / target.relative_to("/") if target.is_absolute() else file.parent / target
    return file


@dataclass(frozen=True, kw_only=True)
class CpioEntry:
    """One file: ``mode`` with its type bits, ``device`` as (major, minor)."""

    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def program(path: Path) -> CpioEntry:
    """Return an executable regular file with the content of ``path``."""
    return CpioEntry(mode=stat.S_IFREG | 0o755, data=path.read_bytes())


def pack(entries: Mapping[str, CpioEntry]) -> bytes:
    """Return an archive of ``entries`` (relative paths), with parent directories added."""
    complete: dict[str, CpioEntry] = {}
    for name, entry in sorted(entries.items()):
        for parent in reversed(PurePosixPath(name).parents[:-1]):
            complete.setdefault(str(parent), CpioEntry(mode=stat.S_IFDIR | 0o755))
        complete[name] = entry
    out = bytearray()
    for number, (name, entry) in enumerate(complete.items(), start=1):
        _append(out, name, entry, number)
    _append(out, "TRAILER!!!", CpioEntry(mode=0), 0)
    return bytes(out)


def _append(out: bytearray, name: str, entry: CpioEntry, inode: int) -> None:
    encoded = name.encode() + b"\0"
    fields = (
        *(inode, entry.mode, 0, 0, 1, 0, len(entry.data)),
        *(0, 0, *entry.device, len(encoded), 0),
    )
    out += b"070701" + b"".join(b"%08X" % field for field in fields)
    for part in (encoded, entry.data):
        out += part
        out += b"\0" * (-len(out) % 4)
