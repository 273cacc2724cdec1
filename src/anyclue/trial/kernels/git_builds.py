"""Kernels from git as guests boot them: the module alone where that is proven enough, else whole.

The kernel of the base commit is built whole. Another commit that differs from it in nothing but the
module under test is that very kernel with the module built anew; every other one is built whole,
in the same workbench.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from anyclue.git import repository as git
from anyclue.git.repository import TreeEntry, entries
from anyclue.model.scenario import Arch, GitKernel, Kernel
from anyclue.system.files import staging
from anyclue.system.store import Artifact, Recipe, Store
from anyclue.trial.kernels.fast_path import FastPath, fast_path, same_interface
from anyclue.trial.kernels.layout import LAYOUT, KernelLayout, TrialSubject, layout_of
from anyclue.trial.kernels.make import DoesNotBuildError, interface, symvers
from anyclue.trial.kernels.modules import (
    DEBUG_KIND,
    DEBUG_MODULE,
    WORK,
    build_modules,
    make_payload,
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
        self._built: dict[tuple[GitKernel, Arch, TrialSubject], GitBuild] = {}
        self._building: dict[tuple[GitKernel, Arch, TrialSubject], asyncio.Lock] = {}

    async def pinned(self, kernel: GitKernel) -> GitKernel:
        """Return ``kernel`` with the full id of its commit.

        Raises:
            RequestError: there is no repository, or no such commit.
        """
        if kernel.commit is not None:
            return kernel
        repo = git.repository(Path(kernel.repository))
        return replace(kernel, commit=git.commit(repo, kernel.revision))

    async def build(self, kernel: GitKernel, arch: Arch, subject: TrialSubject) -> GitBuild:
        """Return ``kernel`` (pinned), built in the quickest way that is proven to be right.

        Raises:
            RequestError: objects are missing, or the configuration cannot be had.
            DoesNotBuildError: the commit does not build.
        """
        kernel = await self.pinned(kernel)
        key = (kernel, arch, subject)
        async with self._building.setdefault(key, asyncio.Lock()):
            if key not in self._built:
                built = await self._build(kernel, arch, subject)
                log.info("%s on %s: %s", kernel.revision, arch, built.why)
                self._built[key] = built
        return self._built[key]

    async def _build(self, kernel: GitKernel, arch: Arch, subject: TrialSubject) -> GitBuild:
        if kernel.base in (None, kernel.commit):
            return await self._build_whole(kernel, arch, subject)
        try:
            return await self._build_alone(kernel, arch, subject)
        except _NotAloneError as reason:
            return await self._build_whole(kernel, arch, subject, f" ({reason})")

    async def _build_alone(self, kernel: GitKernel, arch: Arch, subject: TrialSubject) -> GitBuild:
        """Return the base kernel with the module of ``kernel``.

        Raises:
            _NotAloneError: it is not proven that this is the kernel that is meant.
        """
        try:
            base = await self._whole.build(kernel, kernel.base or "", arch, subject.file_system)
        except DoesNotBuildError as error:
            raise _NotAloneError("the base commit does not build") from error
        old, new = await asyncio.to_thread(_both_trees, kernel)
        directory = subject.file_system.directory
        decision = fast_path(old, new, directory=directory, read=inputs_below(base, directory))
        if not decision.fast:
            raise _NotAloneError(decision.why)
        named = f"the kernel of {(kernel.base or '')[:12]}"
        if _below(directory, old) == _below(directory, new):
            return GitBuild(boot=base, module=None, why=f"{named}: {decision.why}")
        try:
            module = await self._module(base, kernel, new, arch, subject)
        except DoesNotBuildError as error:
            # What is wrong, with the commit or with building it so, a whole build will tell.
            raise _NotAloneError("it does not build as a module alone") from error
        why = f"module only, for {named}: {decision.why}; {module.file('proof').read_text()}"
        return GitBuild(boot=base, module=module, why=why)

    async def _build_whole(
        self, kernel: GitKernel, arch: Arch, subject: TrialSubject, reason: str = ""
    ) -> GitBuild:
        boot = await self._whole.build(kernel, kernel.commit or "", arch, subject.file_system)
        return GitBuild(boot=boot, module=None, why=f"{facts_of(boot).how}{reason}")

    async def debug_module(self, kernel: GitKernel, arch: Arch, subject: TrialSubject) -> Artifact:
        """Return the module of a commit as ``module.ko``, with the lines of its code.

        Raises:
            DoesNotBuildError: it does not build as a module alone.
        """
        kernel = await self.pinned(kernel)
        built = await self.build(kernel, arch, subject)
        repo = git.repository(Path(kernel.repository))
        tree = await asyncio.to_thread(entries, repo, kernel.commit or "")
        return await self._module(built.boot, kernel, tree, arch, subject, debug=True)

    async def _module(
        self,
        base: Artifact,
        kernel: GitKernel,
        new: Mapping[str, TreeEntry],
        arch: Arch,
        subject: TrialSubject,
        *,
        debug: bool = False,
    ) -> Artifact:
        """Return the modules of a commit as ``payload.tar``, with ``build.log`` and ``proof``.

        With ``debug``: that of the file system's directory as ``module.ko``, with the lines of its
        code, and nothing is proven.

        Raises:
            DoesNotBuildError: make failed.
            _NotAloneError: they do not fit the base kernel.
        """
        directory = subject.file_system.directory
        layout = layout_of(base.file(LAYOUT))
        names = layout.of_directory(subject, directory)
        if not debug and names != layout.under_test(subject):
            raise _NotAloneError("modules of several directories are tested")
        sources = {path: entry.id for path, entry in _below(directory, new).items()}
        recipe = Recipe(
            kind=DEBUG_KIND if debug else "module",
            inputs={
                "kernel": base.key,
                "sources": sources,
                "compiler": facts_of(base).compiler,
                "format": 2,
            },
        )

        async def unpack(bench: Path) -> None:
            await asyncio.to_thread(unpack_devel, base, bench / "headers")

        async def build(into: Path) -> None:
            repo = git.repository(Path(kernel.repository))
            name = f"git-module-{base.key[:16]}{'-debug' if debug else ''}"
            with staging(self._workbenches, "sources") as changed:
                files = await asyncio.to_thread(git.below, repo, kernel.commit or "", directory)
                for path, content in files.items():
                    (changed / path).parent.mkdir(parents=True, exist_ok=True)
                    (changed / path).write_bytes(content)
                async with workbench(self._workbenches, name, unpack) as bench:
                    built = await build_modules(
                        bench=bench,
                        sources=changed,
                        directories={directory: names},
                        headers=bench / "headers",
                        arch=arch,
                        toolchain=await host_toolchain(),
                        log_file=into / "build.log",
                        debug=debug,
                    )
                    if debug:
                        (first, *_) = built.values()
                        shutil.copyfile(first, into / DEBUG_MODULE)
                        return
                    own = symvers((bench / WORK / "Module.symvers").read_text())
                    for module in built.values():
                        decision = await _fits(module, own, base, layout, subject)
                        if not decision.fast:
                            raise _NotAloneError(f"not as a module alone: {decision.why}")
                    await make_payload(base, names, built, into)
            (into / "proof").write_text(decision.why)

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


def _below(directory: str, tree: Mapping[str, TreeEntry]) -> dict[str, TreeEntry]:
    return {path: entry for path, entry in tree.items() if path.startswith(f"{directory}/")}


async def _fits(
    module: Path,
    own: Mapping[str, tuple[str, str]],
    base: Artifact,
    layout: KernelLayout,
    subject: TrialSubject,
) -> FastPath:
    """Return whether a module that was built, with its ``own`` symbols, fits the base kernel."""
    of_base = symvers(base.file("Module.symvers").read_text())
    name = f"{layout.modules[module.stem].directory}/{module.stem}"
    old = await interface(base.file(f"modules/{module.name}"), _exports(of_base, name))
    new = await interface(module, _exports(own, name))
    return same_interface(
        new,
        old,
        offered={symbol: checksum for symbol, (checksum, _) in of_base.items()},
        loaded={one.replace("-", "_") for one in layout.before(subject)},
    )


def _exports(symbols: Mapping[str, tuple[str, str]], owner: str) -> dict[str, str]:
    """Return the symbols that a module exports: the last two parts of its path tell it apart."""
    return {
        symbol: checksum
        for symbol, (checksum, path) in symbols.items()
        if f"/{path}".endswith(f"/{owner}")
    }
