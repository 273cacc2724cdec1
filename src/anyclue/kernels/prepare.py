"""From a scenario's kernel to one that a guest can boot."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from anyclue.kernels.debian import DebianKernels
from anyclue.kernels.modules import collect_modules
from anyclue.kernels.variants import Variants, pack_payload
from anyclue.model.errors import Problem, RequestError
from anyclue.model.scenario import Arch, DebianKernel, Kernel, KernelFiles
from anyclue.model.trial import ArtifactRef, PreparedKernel
from anyclue.system.apt import Apt
from anyclue.system.files import sha256
from anyclue.system.processes import CommandError
from anyclue.system.store import Artifact, Recipe, Store


class Kernels:
    """Prepares kernels; everything that it makes stays in the cache."""

    def __init__(self, apt: Apt, store: Store, workbenches: Path) -> None:
        self._store = store
        self._debian = DebianKernels(apt, store)
        self._variants = Variants(self._debian, store, workbenches)

    async def pinned(self, kernel: Kernel, arches: Iterable[Arch]) -> Kernel:
        """Return ``kernel`` with the exact version that Debian offers for ``arches`` today.

        Raises:
            RequestError: the kernel does not exist.
        """
        if not isinstance(kernel.source, DebianKernel):
            return kernel
        packages = await self._debian.resolve(kernel.source, arches)
        version = next(iter(packages.values())).version
        return replace(kernel, source=replace(kernel.source, version=version))

    async def base(self, kernel: Kernel, arch: Arch, all_arches: Iterable[Arch]) -> PreparedKernel:
        """Return what ``kernel`` boots from on ``arch``, with no payload yet.

        Debian's kernels are of a version that is there for all of ``all_arches``.

        Raises:
            RequestError: the kernel does not exist.
            CommandError: a download failed.
        """
        if isinstance(kernel.source, KernelFiles):
            return await self._files(kernel.name, kernel.source)
        packages = (await self._debian.resolve(kernel.source, {*all_arches, arch}))[arch]
        image = await self._debian.image(packages)
        return PreparedKernel(
            release=packages.release,
            boot=image.ref,
            payload=None,
            provenance={"package": f"{packages.image.name} {packages.version}"},
        )

    async def with_payload(
        self, base: PreparedKernel, kernel: Kernel, arch: Arch, all_arches: Iterable[Arch]
    ) -> PreparedKernel:
        """Return ``base`` with the module under test, as packaged or rebuilt.

        Raises:
            RequestError: a change of the module does not apply.
            CommandError: the build failed.
        """
        if isinstance(kernel.source, KernelFiles) or kernel.variant is None:
            payload = await self._stock_payload(self._store.get(base.boot))
            return replace(base, payload=payload)
        packages = (await self._debian.resolve(kernel.source, {*all_arches, arch}))[arch]
        built = await self._variants.build(packages, kernel.variant)
        provenance = await self._variants.provenance(packages, kernel.variant)
        return replace(base, payload=built.ref, provenance={**base.provenance, **provenance})

    async def _files(self, name: str, files: KernelFiles) -> PreparedKernel:
        image_path = Path(files.image)
        modules = Path(files.modules) if files.modules else None
        problems = [
            Problem(what="no such file", where=str(path), next_step=f"see kernels.{name}")
            for path in (image_path, *((modules,) if modules else ()))
            if not path.exists()
        ]
        if problems:
            raise RequestError(problems)
        digests = {
            str(file.relative_to(modules)): sha256(file)
            for file in (sorted(modules.rglob("*.ko*")) if modules else ())
            if modules
        }
        recipe = Recipe(
            kind="kernel",
            inputs={"image": sha256(image_path), "modules": digests, "format": 1},
        )

        async def build(directory: Path) -> None:
            shutil.copyfile(image_path, directory / "vmlinuz")
            if modules is None:
                layout: dict[str, object] = {"order": [], "under_test": None}
                (directory / "modules.json").write_text(json.dumps(layout))
                return
            tree = directory / "tree"
            shutil.copytree(modules, tree / "lib/modules" / modules.name, symlinks=True)
            try:
                await collect_modules(tree, modules.name, directory)
            except CommandError as error:
                raise RequestError(
                    [
                        Problem(
                            what="this is no directory of a kernel's modules",
                            where=str(modules),
                            next_step="name lib/modules/RELEASE, from `make modules_install`",
                        )
                    ]
                ) from error
            shutil.rmtree(tree)

        image = await self._store.make(recipe, build)
        return PreparedKernel(
            release=modules.name if modules else image_path.name,
            boot=image.ref,
            payload=None,
            provenance={"image": f"{files.image} (sha256 {sha256(image_path)[:12]})"},
        )

    async def _stock_payload(self, image: Artifact) -> ArtifactRef | None:
        under_test = json.loads(image.file("modules.json").read_text())["under_test"]
        if under_test is None:
            return None

        async def build(directory: Path) -> None:
            pack_payload(image.file(f"modules/{under_test}"), directory / "payload.tar")

        recipe = Recipe(kind="module", inputs={"stock": image.key, "format": 1})
        return (await self._store.make(recipe, build)).ref
