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
from anyclue.trial.kernels.make import (
    DoesNotBuildError,
    build_inputs,
    compiler_version,
    does_not_build,
    make,
)
from anyclue.trial.kernels.modules import COLLECTED, UNFINISHED, collect_modules
from anyclue.trial.kernels.sources import BUILD, set_sources, usable_entries

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
        version = await compiler_version()
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
                bench = _Bench(self._workbenches / name, arch, commit)
                release, how = await bench.build(repo.at, asked)
                await bench.collect(release, directory)
                facts = WholeBuild(release=release, compiler=version, how=how)
                (directory / "build.json").write_text(json.dumps(asdict(facts), indent=1))

        return await self._store.make(recipe, build)


def facts_of(artifact: Artifact) -> WholeBuild:
    """Return what a kernel from git says of its build."""
    return WholeBuild(**json.loads(artifact.file("build.json").read_text()))


def inputs_below(artifact: Artifact, directory: str) -> BuildInputs:
    """Return what the build of a kernel from git read of its tree."""
    found = json.loads(artifact.file("read.json").read_text())
    return BuildInputs(all=frozenset(found["all"]), outside=frozenset(found["outside"][directory]))


class _Bench:
    """One workbench, whose lock is held."""

    def __init__(self, path: Path, arch: Arch, commit: str) -> None:
        self._path = path
        self._arch = arch
        self._commit = commit
        self._source = path / "source"
        self._state = path / "sources.json"

    async def build(self, repo: Path, asked: Configuration) -> tuple[str, str]:
        """Bring the bench to the commit; return its release, and how that was done."""
        if (self._path / UNFINISHED).exists():
            await asyncio.to_thread(shutil.rmtree, self._path)
        (self._source / BUILD).mkdir(parents=True, exist_ok=True)
        mark = self._path / UNFINISHED
        mark.touch()
        begin = time.monotonic()
        first = not (self._source / IMAGE).exists()
        changed = await asyncio.to_thread(self._set_sources, repo)
        log.info(
            "%s kernel build of %s (%s): %d files set",
            *("full" if first else "incremental", self._commit[:12], self._arch, len(changed)),
        )
        try:
            await self._configure(asked, changed)
            output = await self._make("bzImage", "modules", what="the kernel does not build")
        except DoesNotBuildError:
            mark.unlink(missing_ok=True)  # make has removed what did not compile
            raise
        (self._path / "build.log").write_text(output)
        release = (self._source / BUILD / "include/config/kernel.release").read_text().strip()
        mark.unlink()
        seconds = time.monotonic() - begin
        if first:
            return release, f"full build: {seconds:.0f} s"
        return release, f"incremental kernel build: {len(changed)} files changed, {seconds:.0f} s"

    async def collect(self, release: str, into: Path) -> None:
        """Put what is kept of a finished build into a directory."""
        tree = into / "tree"
        await self._make(
            *("modules_install", f"INSTALL_MOD_PATH={tree}", "INSTALL_MOD_STRIP=1"),
            what="the kernel's modules cannot be installed",
        )
        await collect_modules(tree, release, into)
        shutil.rmtree(tree)
        for name, kept in KEPT.items():
            if (self._source / name).exists():
                shutil.copyfile(self._source / name, into / kept)
        shutil.copyfile(self._path / "build.log", into / "build.log")
        directories = [one.directory for one in FILE_SYSTEMS.values()]
        read = await asyncio.to_thread(build_inputs, self._source, directories)
        facts = {
            "all": sorted(set[str]().union(*(one.all for one in read.values()))),
            "outside": {directory: sorted(one.outside) for directory, one in read.items()},
        }
        (into / "read.json").write_text(json.dumps(facts))
        await asyncio.to_thread(_pack_devel, self._source, into / "devel.tar")

    def _set_sources(self, repo: Path) -> set[str]:
        wanted = usable_entries(entries(repository(repo), self._commit))
        return set_sources(repo, wanted, self._source, self._state)

    async def _configure(self, asked: Configuration, changed: set[str]) -> None:
        final = self._source / BUILD / ".config"
        if final.exists() and not any(map(_configures, changed)):
            return
        before = (final.read_bytes(), final.stat().st_mtime_ns) if final.exists() else None
        try:
            if asked.complete is None:
                await self._make("tinyconfig", what="make tinyconfig failed")
            else:
                final.write_text(asked.complete)
            with final.open("a") as file:
                file.write("\n" + as_text(asked.asked))
            await self._make("olddefconfig", what="make olddefconfig failed")
            check_survived(asked.wanted, final.read_text(), where=f"commit {self._commit[:12]}")
        except RequestError:
            final.unlink(missing_ok=True)
            (self._path / UNFINISHED).unlink(missing_ok=True)
            raise
        if before is not None and before[0] == final.read_bytes():
            os.utime(final, ns=(before[1], before[1]))

    async def _make(self, *targets: str, what: str) -> str:
        done = await make(self._source, self._arch, *targets)
        output = done.stdout + done.stderr
        if done.status != 0:
            kept = self._path.with_name(f"{self._path.name}-{self._commit[:12]}.log")
            write_whole(kept, output)
            raise does_not_build(
                what,
                output,
                where=f"commit {self._commit[:12]} for {self._arch}",
                next_step=f"all that make said is in {kept}",
            )
        return output


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
