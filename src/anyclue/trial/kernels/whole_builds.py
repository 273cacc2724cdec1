"""Whole kernels from git: one workbench for each repository, architecture and configuration.

Repositories that share their objects share a workbench.

A workbench keeps the sources of the commit that was built last, and the build beside: the next
commit costs what it changes. Sources are set by content; a build that was interrupted leaves a
mark, and the bench is then thrown away.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import shutil
import tarfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from anyclue.git.merge import object_directory
from anyclue.git.repository import entries, repository, tree_id
from anyclue.model.errors import RequestError
from anyclue.model.scenario import Arch, GitKernel
from anyclue.system.files import write_whole
from anyclue.system.store import Artifact, Recipe, Store, locked_file
from anyclue.trial.filesystems.file_system import FileSystem
from anyclue.trial.filesystems.registry import FILE_SYSTEMS
from anyclue.trial.kernels.configuration import (
    Configuration,
    as_text,
    check_survived,
    configuration,
)
from anyclue.trial.kernels.fast_path import BuildInputs
from anyclue.trial.kernels.make import DoesNotBuildError, build_error, build_inputs, make
from anyclue.trial.kernels.modules import COLLECTED, UNFINISHED, collect_modules
from anyclue.trial.kernels.sources import BUILD, set_sources, usable_entries
from anyclue.trial.kernels.toolchain import Toolchain, host_toolchain

log = logging.getLogger(__name__)

IMAGE = f"{BUILD}/arch/x86/boot/bzImage"
KEPT = {IMAGE: "vmlinuz", f"{BUILD}/.config": "config"} | {
    f"{BUILD}/{name}": name for name in ("System.map", "Module.symvers")
}
_CONFIGURE_S = 900
# What an external module is built with, in the sources and in the build: as Debian's headers.
_HEADERS = ("include", "scripts", "arch/x86/include", "arch/x86/scripts")
_TOOLS = ("tools/objtool/objtool", "tools/bpf/resolve_btfids/resolve_btfids")


@dataclass(frozen=True, kw_only=True)
class WholeBuild:
    """What an artifact says of its build.

    ``how`` is for a reader: in full or incremental, and how many seconds it took.
    """

    release: str
    compiler: str
    how: str


class WholeBuilds:
    """Builds kernels from git; a finished one is an artifact of the cache."""

    def __init__(self, store: Store, workbenches: Path) -> None:
        self._store = store
        self._workbenches = workbenches

    async def build(
        self, kernel: GitKernel, commit: str, arch: Arch, file_system: FileSystem
    ) -> Artifact:
        """Return ``vmlinuz``, modules, symbols, ``devel.tar`` and what the build read.

        Raises:
            RequestError: the commit or its objects are not there, or a wanted symbol got lost.
            DoesNotBuildError: make failed.
        """
        texts = [_text(path) for path in kernel.config]
        asked = configuration(arch, kernel.debug, texts, needs=file_system.symbols)
        toolchain = await host_toolchain()
        version = toolchain.version
        repo = repository(Path(kernel.repository))
        inputs = {
            "tree": await asyncio.to_thread(tree_id, repo, commit),
            "config": asdict(asked),
            "compiler": version,
            "arch": arch.value,
            "modules": COLLECTED,
            "format": 2,
        }
        recipe = Recipe(kind="kernel", inputs=inputs)

        async def build(directory: Path) -> None:
            # Clones that share their objects hold versions of one tree: one workbench is enough.
            text = json.dumps([str(object_directory(repo)), arch.value, asdict(asked), version])
            name = f"git-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
            async with locked_file(self._workbenches / f"{name}.lock"):
                bench = self._workbenches / name
                short = commit[:12]
                failed = bench.with_name(f"{name}-{short}.log")
                tree = BuildTree(bench, arch, toolchain, of=f"commit {short}", failed=failed)
                how = await _build(tree, repo.at, commit, asked)
                await tree.collect(how, directory)
                directories = [one.directory for one in FILE_SYSTEMS.values()]
                read = await asyncio.to_thread(build_inputs, tree.source, directories)
                facts = {
                    "all": sorted(set[str]().union(*(one.all for one in read.values()))),
                    "outside": {at: sorted(one.outside) for at, one in read.items()},
                }
                (directory / "read.json").write_text(json.dumps(facts))

        return await self._store.make(recipe, build)


def facts_of(artifact: Artifact) -> WholeBuild:
    """Return what a kernel from git says of its build."""
    return WholeBuild(**json.loads(artifact.file("build.json").read_text()))


def unpack_devel(artifact: Artifact, into: Path) -> None:
    """Unpack what an external module for a kernel that was built here is built with."""
    with tarfile.open(artifact.file("devel.tar")) as tar:
        tar.extractall(into, filter="data")


def inputs_below(artifact: Artifact, directory: str) -> BuildInputs:
    """Return what the build of a kernel from git read of its tree."""
    found = json.loads(artifact.file("read.json").read_text())
    return BuildInputs(all=frozenset(found["all"]), outside=frozenset(found["outside"][directory]))


class BuildTree:
    """A kernel's ``source`` in a workbench whose lock is held, and its build beside.

    ``of`` says, for errors, what the sources are; ``failed`` is where the log of a build goes that
    failed.
    """

    def __init__(
        self, bench: Path, arch: Arch, toolchain: Toolchain, *, of: str, failed: Path
    ) -> None:
        self.bench = bench
        self.arch = arch
        self.of = of
        self.failed = failed
        self.source = bench / "source"
        self.final = self.source / BUILD / ".config"
        self._toolchain = toolchain

    @property
    def built(self) -> bool:
        """Whether a kernel was built there before."""
        return (self.source / IMAGE).exists()

    async def configure(self, asked: Configuration) -> None:
        """Write the configuration; one that stays as it was keeps its time.

        Raises:
            RequestError: kconfig did not keep what is wanted.
        """
        before = (
            (self.final.read_bytes(), self.final.stat().st_mtime_ns)
            if self.final.exists()
            else None
        )
        if asked.complete is None:
            await self._make("tinyconfig", what="make tinyconfig failed")
        else:
            self.final.write_text(asked.complete)
        with self.final.open("a") as file:
            file.write("\n" + as_text(asked.asked))
        await self._make("olddefconfig", what="make olddefconfig failed")
        check_survived(asked.wanted, self.final.read_text(), where=self.of)
        if before is not None and before[0] == self.final.read_bytes():
            os.utime(self.final, ns=(before[1], before[1]))

    async def build(self) -> None:
        """Build kernel and modules.

        Raises:
            DoesNotBuildError: make failed.
            InfrastructureError: there is no space.
        """
        output = await self._make("bzImage", "modules", what="the kernel does not build")
        (self.bench / "build.log").write_text(output)

    async def collect(self, how: str, into: Path) -> None:
        """Put what is kept of a finished build into a directory; ``how`` is said of it."""
        release = (self.source / BUILD / "include/config/kernel.release").read_text().strip()
        tree = self.bench / "installed"
        place = self._toolchain.place(tree, bench=self.bench)
        await self._make(
            *("modules_install", f"INSTALL_MOD_PATH={place}", "INSTALL_MOD_STRIP=1"),
            what="the kernel's modules cannot be installed",
        )
        await collect_modules(tree, release, into)
        shutil.rmtree(tree)
        for name, kept in KEPT.items():
            if (self.source / name).exists():
                shutil.copyfile(self.source / name, into / kept)
        shutil.copyfile(self.bench / "build.log", into / "build.log")
        await asyncio.to_thread(_pack_devel, self.source, into / "devel.tar")
        facts = WholeBuild(release=release, compiler=self._toolchain.version, how=how)
        (into / "build.json").write_text(json.dumps(asdict(facts), indent=1))

    async def _make(self, *targets: str, what: str) -> str:
        done = await make(
            self.source, self.arch, *targets, toolchain=self._toolchain, bench=self.bench
        )
        output = done.stdout + done.stderr
        if done.status != 0:
            write_whole(self.failed, output)
            raise build_error(
                what,
                output,
                where=f"{self.of} for {self.arch}",
                next_step=f"all that make said is in {self.failed}",
            )
        return output


async def _build(kernel: BuildTree, repo: Path, commit: str, asked: Configuration) -> str:
    """Bring a workbench to a commit; return how that was done."""
    mark = kernel.bench / UNFINISHED
    if mark.exists():
        await asyncio.to_thread(shutil.rmtree, kernel.bench)
    (kernel.source / BUILD).mkdir(parents=True, exist_ok=True)
    mark.touch()
    begin = time.monotonic()
    first = not kernel.built
    changed = await asyncio.to_thread(_set_sources, repo, commit, kernel)
    log.info(
        "%s kernel build of %s (%s): %d files set",
        *("full" if first else "incremental", commit[:12], kernel.arch, len(changed)),
    )
    try:
        if not kernel.final.exists() or any(map(_configures, changed)):
            await _configured(kernel, asked)
        await kernel.build()
    except DoesNotBuildError:
        mark.unlink(missing_ok=True)  # make has removed what did not compile
        raise
    mark.unlink()
    seconds = time.monotonic() - begin
    if first:
        return f"full build: {seconds:.0f} s"
    return f"incremental kernel build: {len(changed)} files changed, {seconds:.0f} s"


async def _configured(kernel: BuildTree, asked: Configuration) -> None:
    try:
        await kernel.configure(asked)
    except RequestError:
        kernel.final.unlink(missing_ok=True)
        (kernel.bench / UNFINISHED).unlink(missing_ok=True)
        raise


def _set_sources(repo: Path, commit: str, kernel: BuildTree) -> set[str]:
    wanted = usable_entries(entries(repository(repo), commit))
    return set_sources(repo, wanted, kernel.source, kernel.bench / "sources.json")


def _configures(path: str) -> bool:
    """Return whether a file may have a say in what the configuration is."""
    name = PurePosixPath(path).name
    return name.startswith("Kconfig") or path.startswith("scripts/") or path.endswith("config")


def _pack_devel(source: Path, archive: Path) -> None:
    """Keep what an external module needs of the sources and the build, in one tree."""
    with tarfile.open(archive, "w") as tar:
        kept: set[str] = set()
        for name, file in _devel_files(source):
            if name not in kept:
                kept.add(name)
                tar.add(file.resolve(), arcname=name, recursive=False)


def _devel_files(source: Path) -> Iterator[tuple[str, Path]]:
    """Give the files, those of the build first."""
    build = source / BUILD
    for name in (".config", "Module.symvers", *_TOOLS):
        if (build / name).is_file():
            yield name, build / name
    for top in (build, source):
        for directory in _HEADERS:
            for file in sorted((top / directory).rglob("*")):
                if file.is_file() and file.suffix not in (".o", ".cmd"):
                    yield str(file.relative_to(top)), file
    for file in sorted((*source.glob("Makefile*"), *source.glob("arch/x86/[MK]*"))):
        if file.is_file():
            yield str(file.relative_to(source)), file


def _text(path: str) -> str:
    return Path(path).read_text(errors="replace")
