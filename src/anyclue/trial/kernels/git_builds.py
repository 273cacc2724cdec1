"""Kernels from git as guests boot them: the module alone where that is proven enough, else whole.

The kernel of the base commit is built whole. Another commit that differs from it in nothing but the
module under test is that very kernel with the module built anew; every other one is built whole,
in the same workbench.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from anyclue.git import repository as git
from anyclue.git.repository import TreeEntry, entries
from anyclue.model.errors import InfrastructureError
from anyclue.model.scenario import Arch, GitKernel, Kernel
from anyclue.system.files import staging
from anyclue.system.store import Artifact, Recipe, Store
from anyclue.trial.kernels.fast_path import FastPath, fast_path, same_interface
from anyclue.trial.kernels.make import DoesNotBuildError, interface, symvers
from anyclue.trial.kernels.modules import (
    BUILDABLE,
    DEBUG_KIND,
    UNDER_TEST,
    build_module,
    workbench,
)
from anyclue.trial.kernels.toolchain import host_toolchain
from anyclue.trial.kernels.whole_builds import (
    WholeBuilds,
    facts_of,
    inputs_below,
    unpack_devel,
)

log = logging.getLogger(__name__)

DIRECTORY = f"fs/{UNDER_TEST}"


@dataclass(frozen=True, kw_only=True)
class GitBuild:
    """A kernel from git: what boots, the module built anew (None: the one of ``boot``), and why."""

    boot: Artifact
    module: Artifact | None
    why: str

    @property
    def release(self) -> str:
        """What ``uname -r`` says in the guest."""
        return facts_of(self.boot).release


class _NotAloneError(Exception):
    """A whole kernel has to be built; the text says why."""


class GitBuilds:
    """Makes kernels from git; what it decides is said in the log."""

    def __init__(self, store: Store, workbenches: Path) -> None:
        self._store = store
        self._workbenches = workbenches
        self._whole = WholeBuilds(store, workbenches)
        self._built: dict[tuple[GitKernel, Arch], GitBuild] = {}
        self._building: dict[tuple[GitKernel, Arch], asyncio.Lock] = {}

    async def pinned(self, kernel: GitKernel) -> GitKernel:
        """Return ``kernel`` with the full id of its commit.

        Raises:
            RequestError: there is no repository, or no such commit.
        """
        if kernel.commit is not None:
            return kernel
        repo = git.repository(Path(kernel.repository))
        return replace(kernel, commit=git.commit(repo, kernel.revision))

    async def build(self, kernel: GitKernel, arch: Arch) -> GitBuild:
        """Return ``kernel`` (pinned), built in the quickest way that is proven to be right.

        Raises:
            RequestError: objects are missing, or the configuration cannot be had.
            DoesNotBuildError: the commit does not build.
        """
        kernel = await self.pinned(kernel)
        key = (kernel, arch)
        async with self._building.setdefault(key, asyncio.Lock()):
            if key not in self._built:
                built = await self._build(kernel, arch)
                log.info("%s on %s: %s", kernel.revision, arch, built.why)
                self._built[key] = built
        return self._built[key]

    async def _build(self, kernel: GitKernel, arch: Arch) -> GitBuild:
        if kernel.base in (None, kernel.commit):
            return await self._build_whole(kernel, arch)
        try:
            return await self._build_alone(kernel, arch)
        except _NotAloneError as reason:
            return await self._build_whole(kernel, arch, f" ({reason})")

    async def _build_alone(self, kernel: GitKernel, arch: Arch) -> GitBuild:
        """Return the base kernel with the module of ``kernel``.

        Raises:
            _NotAloneError: it is not proven that this is the kernel that is meant.
        """
        try:
            base = await self._whole.build(kernel, kernel.base or "", arch)
        except DoesNotBuildError as error:
            raise _NotAloneError("the base commit does not build") from error
        old, new = await asyncio.to_thread(_both_trees, kernel)
        decision = fast_path(old, new, directory=DIRECTORY, read=inputs_below(base, DIRECTORY))
        if not decision.fast:
            raise _NotAloneError(decision.why)
        named = f"the kernel of {(kernel.base or '')[:12]}"
        if _of_module(old) == _of_module(new):
            return GitBuild(boot=base, module=None, why=f"{named}: {decision.why}")
        try:
            module = await self._module(base, kernel, new, arch)
        except DoesNotBuildError as error:
            # What is wrong, with the commit or with building it so, a whole build will tell.
            raise _NotAloneError("it does not build as a module alone") from error
        why = f"module only, for {named}: {decision.why}; {module.file('proof').read_text()}"
        return GitBuild(boot=base, module=module, why=why)

    async def _build_whole(self, kernel: GitKernel, arch: Arch, reason: str = "") -> GitBuild:
        boot = await self._whole.build(kernel, kernel.commit or "", arch)
        return GitBuild(boot=boot, module=None, why=f"{facts_of(boot).how}{reason}")

    async def debug_module(self, kernel: GitKernel, arch: Arch) -> Artifact:
        """Return the module of a commit as ``module.ko``, with the lines of its code.

        Raises:
            DoesNotBuildError: it does not build as a module alone.
        """
        kernel = await self.pinned(kernel)
        built = await self.build(kernel, arch)
        repo = git.repository(Path(kernel.repository))
        tree = await asyncio.to_thread(entries, repo, kernel.commit or "")
        return await self._module(built.boot, kernel, tree, arch, debug=True)

    async def _module(
        self,
        base: Artifact,
        kernel: GitKernel,
        new: Mapping[str, TreeEntry],
        arch: Arch,
        *,
        debug: bool = False,
    ) -> Artifact:
        """Return the module of a commit as ``payload.tar``, with ``build.log`` and ``proof``.

        With ``debug``: as ``module.ko``, with the lines of its code, and nothing is proven.

        Raises:
            DoesNotBuildError: make failed.
            _NotAloneError: it does not fit the base kernel.
        """
        sources = {path: entry.id for path, entry in _of_module(new).items()}
        recipe = Recipe(
            kind=DEBUG_KIND if debug else "module",
            inputs={"kernel": base.key, "sources": sources, "compiler": facts_of(base).compiler},
        )

        async def unpack_headers(into: Path) -> None:
            await asyncio.to_thread(unpack_devel, base, into)

        async def build(directory: Path) -> None:
            repo = git.repository(Path(kernel.repository))
            name = f"git-module-{base.key[:16]}{'-debug' if debug else ''}"
            with staging(self._workbenches, "sources") as changed:
                files = await asyncio.to_thread(git.below, repo, kernel.commit or "", DIRECTORY)
                for path, content in files.items():
                    (changed / path).parent.mkdir(parents=True, exist_ok=True)
                    (changed / path).write_bytes(content)
                async with workbench(self._workbenches, name, unpack_headers) as bench:
                    work = await build_module(
                        bench=bench,
                        sources=changed / DIRECTORY,
                        headers=bench / "headers",
                        arch=arch,
                        toolchain=await host_toolchain(),
                        directory=DIRECTORY,
                        into=directory,
                        debug=debug,
                    )
                    if debug:
                        return
                    decision = await _fits(work, base)
            if not decision.fast:
                raise _NotAloneError(f"not as a module alone: {decision.why}")
            (directory / "proof").write_text(decision.why)

        return await self._store.make(recipe, build)


def with_bases(kernels: Iterable[Kernel]) -> list[Kernel]:
    """Return the kernels, each one from git with its base: the first that is built like it.

    The sources are pinned; a base that one has already stays.
    """
    bases: dict[GitKernel, str | None] = {}
    based = []
    for kernel in kernels:
        source = kernel.source
        if isinstance(source, GitKernel):
            alike = replace(source, revision="", commit=None, base=None)
            first = bases.setdefault(alike, source.base or source.commit)
            source = replace(source, base=source.base or first)
        based.append(replace(kernel, source=source))
    return based


def _both_trees(kernel: GitKernel) -> tuple[dict[str, TreeEntry], dict[str, TreeEntry]]:
    repo = git.repository(Path(kernel.repository))
    return entries(repo, kernel.base or ""), entries(repo, kernel.commit or "")


def _of_module(tree: Mapping[str, TreeEntry]) -> dict[str, TreeEntry]:
    return {path: entry for path, entry in tree.items() if path.startswith(f"{DIRECTORY}/")}


async def _fits(work: Path, base: Artifact) -> FastPath:
    """Return whether the module in ``work`` fits the kernel of ``base``."""
    _, name = BUILDABLE[DIRECTORY]
    of_base = symvers(base.file("Module.symvers").read_text())
    own = symvers((work / "Module.symvers").read_text())
    layout = json.loads(base.file("modules.json").read_text())
    if layout["under_test"] is None:
        raise InfrastructureError("the kernel has its file system built in")
    exported = {
        symbol: checksum
        for symbol, (checksum, owner) in of_base.items()
        if owner == f"{DIRECTORY}/{name.removesuffix('.ko')}"
    }
    old = await interface(base.file(f"modules/{layout['under_test']}"), exported)
    new = await interface(work / name, {symbol: own[symbol][0] for symbol in own})
    return same_interface(
        new,
        old,
        offered={symbol: checksum for symbol, (checksum, _) in of_base.items()},
        loaded={Path(file).stem.replace("-", "_") for file in layout["order"]},
    )
