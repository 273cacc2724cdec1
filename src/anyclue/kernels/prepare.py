"""From a scenario's kernel to one that a guest can boot."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from anyclue.kernels.debian import DebianKernels, KernelPackages
from anyclue.kernels.modules import collect_modules
from anyclue.kernels.variants import Variants, pack_payload
from anyclue.model.errors import Problem, RequestError
from anyclue.model.scenario import Arch, DebianKernel, Kernel, KernelFiles
from anyclue.model.trial import ArtifactRef, PreparedKernel
from anyclue.system.apt import Apt
from anyclue.system.files import sha256
from anyclue.system.store import Artifact, Recipe, Store


class Kernels:
    """Prepares kernels; everything that it makes stays in the cache."""

    def __init__(self, apt: Apt, store: Store, workbenches: Path) -> None:
        self._store = store
        self._debian = DebianKernels(apt, store)
        self._variants = Variants(self._debian, store, workbenches)

    async def prepare(
        self, kernel: Kernel, arch: Arch, all_arches: Iterable[Arch]
    ) -> PreparedKernel:
        """Return ``kernel`` for ``arch``, of a version that all of the scenario's arches have.

        Raises:
            RequestError: the kernel does not exist, or a change of it does not apply.
            CommandError: a download or a build failed.
        """
        if isinstance(kernel.source, KernelFiles):
            return await self._files(kernel.name, kernel.source)
        return await self._from_debian(kernel, kernel.source, arch, all_arches)

    async def _from_debian(
        self, kernel: Kernel, source: DebianKernel, arch: Arch, all_arches: Iterable[Arch]
    ) -> PreparedKernel:
        packages = (await self._debian.resolve(source, {*all_arches, arch}))[arch]
        provenance = {"package": f"{packages.image.name} {packages.version}"}
        image = await self._debian.image(packages)
        if kernel.variant is None:
            payload = await self._stock_payload(image)
            provenance["module"] = "as packaged"
        else:
            payload = _ref(await self._variants.build(packages, kernel.variant))
            provenance |= await self._variants.provenance(packages, kernel.variant)
        return _prepared(packages, image, payload, provenance)

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
            await collect_modules(tree, modules.name, directory)
            shutil.rmtree(tree)

        image = await self._store.make(recipe, build)
        return PreparedKernel(
            release=modules.name if modules else image_path.name,
            boot=_ref(image),
            payload=await self._stock_payload(image),
            provenance={"image": f"{files.image} (sha256 {sha256(image_path)[:12]})"},
        )

    async def _stock_payload(self, image: Artifact) -> ArtifactRef | None:
        under_test = json.loads(image.file("modules.json").read_text())["under_test"]
        if under_test is None:
            return None

        async def build(directory: Path) -> None:
            pack_payload(image.file(f"modules/{under_test}"), directory / "payload.tar")

        recipe = Recipe(kind="module", inputs={"stock": image.key, "format": 1})
        return _ref(await self._store.make(recipe, build))


def _prepared(
    packages: KernelPackages,
    image: Artifact,
    payload: ArtifactRef | None,
    provenance: dict[str, str],
) -> PreparedKernel:
    return PreparedKernel(
        release=packages.release, boot=_ref(image), payload=payload, provenance=provenance
    )


def _ref(artifact: Artifact) -> ArtifactRef:
    return ArtifactRef(kind=artifact.kind, key=artifact.key)
