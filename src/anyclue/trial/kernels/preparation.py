"""From a scenario's kernel to one that a guest can boot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from anyclue.model.artifact import ArtifactRef
from anyclue.model.debian import DebianRelease
from anyclue.model.scenario import (
    Arch,
    DebianKernel,
    GitKernel,
    Kernel,
    KernelBuild,
    KernelFiles,
    ModuleVariant,
)
from anyclue.system.debian_archive import DebianArchive
from anyclue.system.store import Artifact, Recipe, Store
from anyclue.trial.kernels.catalogue import Catalogue, catalogue
from anyclue.trial.kernels.debian import DebianKernels, KernelPackages
from anyclue.trial.kernels.git_builds import GitBuilds
from anyclue.trial.kernels.layout import LAYOUT, TrialSubject, layout_of
from anyclue.trial.kernels.modules import make_payload
from anyclue.trial.kernels.source_builds import described
from anyclue.trial.kernels.user_builds import from_build, from_files
from anyclue.trial.kernels.variants import Variants
from anyclue.trial.kernels.whole_builds import facts_of
from anyclue.trial.model import PreparedKernel


class Kernels:
    """Prepares kernels; everything that it makes stays in the cache."""

    def __init__(self, archive: DebianArchive, store: Store, workbenches: Path) -> None:
        self._store = store
        self._archive = archive
        self._debian = DebianKernels(archive, store, workbenches)
        self._variants = Variants(self._debian, archive, store, workbenches)
        self._git = GitBuilds(store, workbenches)

    async def pinned(self, kernel: Kernel, arches: Iterable[Arch], subject: TrialSubject) -> Kernel:
        """Return ``kernel`` with the exact version, for ``arches``, or the commit of today.

        Raises:
            RequestError: the kernel does not exist.
        """
        if isinstance(kernel.source, GitKernel):
            return replace(kernel, source=await self._git.pinned(kernel.source))
        if not isinstance(kernel.source, DebianKernel):
            return kernel
        packages = await self._debian.with_modules(kernel.source, arches, subject)
        version = next(iter(packages.values())).version
        return replace(kernel, source=replace(kernel.source, version=version))

    async def catalogue(self, arches: Iterable[Arch]) -> Catalogue:
        """Return what Debian offers."""
        return await catalogue(self._archive, self._debian, arches)

    async def debian_release(
        self, kernel: Kernel, arches: Iterable[Arch], subject: TrialSubject
    ) -> DebianRelease | None:
        """Return the release of Debian that ``kernel`` is of; None for one that is not Debian's.

        Raises:
            RequestError: the kernel does not exist.
        """
        if not isinstance(kernel.source, DebianKernel):
            return None
        packages = await self._debian.with_modules(kernel.source, arches, subject)
        return next(iter(packages.values())).debian

    async def base(
        self, kernel: Kernel, arch: Arch, all_arches: Iterable[Arch], subject: TrialSubject
    ) -> PreparedKernel:
        """Return what ``kernel`` boots from on ``arch``, with no payload yet.

        Debian's kernels are of a version that is there for all of ``all_arches``, with the file
        system of ``subject`` as modules.

        Raises:
            RequestError: the kernel does not exist, or does not build.
            CommandError: a download failed.
        """
        source = kernel.source
        if isinstance(source, KernelFiles):
            return await from_files(self._store, kernel.name, source)
        if isinstance(source, KernelBuild):
            return await from_build(self._store, source, arch)
        if isinstance(source, GitKernel):
            return await self._from_git(source, arch, subject)
        packages = await self._packages(source, arch, all_arches, subject)
        image = await self._debian.image(packages)
        provenance = {
            "package": f"{packages.image.name} {packages.version}",
            "suite": packages.suite,
        }
        if packages.from_source:
            facts = facts_of(image)
            provenance |= {
                "config": described(arch),
                "compiler": facts.compiler,
                "build": f"Debian has none for {arch}; {facts.how}",
            }
        return PreparedKernel(
            release=packages.release, boot=image.ref, payload=None, provenance=provenance
        )

    async def with_payload(
        self,
        base: PreparedKernel,
        kernel: Kernel,
        arch: Arch,
        all_arches: Iterable[Arch],
        subject: TrialSubject,
    ) -> PreparedKernel:
        """Return ``base`` with the modules under test, as packaged or rebuilt.

        Raises:
            RequestError: a change of the module does not apply.
            CommandError: the build failed.
        """
        source = kernel.source
        if isinstance(source, GitKernel):
            built = await self._git.build(source, arch, subject)
            if built.module is not None:
                return replace(base, payload=built.module.ref)
        if not isinstance(source, DebianKernel) or kernel.variant is None:
            payload = await self._stock_payload(self._store.get(base.boot), subject)
            return replace(base, payload=payload)
        packages = await self._packages(source, arch, all_arches, subject)
        rebuilt = await self._variants.build(packages, kernel.variant, subject)
        provenance = await self._variants.provenance(packages, kernel.variant)
        return replace(base, payload=rebuilt.ref, provenance={**base.provenance, **provenance})

    async def module_sources(
        self,
        kernel: Kernel,
        arch: Arch,
        all_arches: Iterable[Arch],
        subject: TrialSubject,
        directory: str,
        into: Path,
    ) -> None:
        """Put the sources that a Debian kernel's module is built from into ``into``.

        Raises:
            RequestError: the kernel does not exist any more, or a change does not apply.
            CommandError: a download failed.
        """
        assert isinstance(kernel.source, DebianKernel)  # noqa: S101 - others are read elsewhere
        packages = await self._packages(kernel.source, arch, all_arches, subject)
        variant = kernel.variant or ModuleVariant(directory=directory)
        await self._variants.set_sources(packages, variant, into)

    async def debug_module(
        self, kernel: Kernel, arch: Arch, all_arches: Iterable[Arch], subject: TrialSubject
    ) -> Artifact | None:
        """Return the module that is rebuilt as ``module.ko``, with the lines of its code.

        None where its sources are not known: it is as its packager built it.

        Raises:
            RequestError: it does not build.
            CommandError: a download failed.
        """
        source = kernel.source
        if isinstance(source, GitKernel):
            return await self._git.debug_module(source, arch, subject)
        if not isinstance(source, DebianKernel) or kernel.variant is None:
            return None
        packages = await self._packages(source, arch, all_arches, subject)
        return await self._variants.build(packages, kernel.variant, subject, debug=True)

    async def _packages(
        self, source: DebianKernel, arch: Arch, all_arches: Iterable[Arch], subject: TrialSubject
    ) -> KernelPackages:
        return (await self._debian.with_modules(source, {*all_arches, arch}, subject))[arch]

    async def _from_git(
        self, source: GitKernel, arch: Arch, subject: TrialSubject
    ) -> PreparedKernel:
        built = await self._git.build(source, arch, subject)
        config = ", ".join(Path(path).name for path in source.config) or "tinyconfig and a guest's"
        return PreparedKernel(
            release=built.release,
            boot=built.boot.ref,
            payload=None,
            provenance={
                "git": f"{source.repository} at {source.revision}",
                "commit": source.commit or "",
                "config": ", ".join([config, *(option.value for option in source.debug)]),
                "compiler": facts_of(built.boot).compiler,
                "build": built.why,
            },
        )

    async def _stock_payload(self, image: Artifact, subject: TrialSubject) -> ArtifactRef | None:
        tested = layout_of(image.file(LAYOUT)).under_test(subject)
        if not tested:
            return None

        async def build(directory: Path) -> None:
            await make_payload(image, tested, {}, directory)

        inputs = {"stock": image.key, "modules": tested, "format": 2}
        return (await self._store.make(Recipe(kind="module", inputs=inputs), build)).ref
