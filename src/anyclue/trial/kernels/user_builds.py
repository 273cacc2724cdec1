"""Kernels that the user built: an image and its modules, or a whole finished build."""

from __future__ import annotations

import shutil
from pathlib import Path

from anyclue.model.errors import Problem, RequestError
from anyclue.model.scenario import Arch, KernelBuild, KernelFiles
from anyclue.system.files import sha256
from anyclue.system.processes import CommandError, run
from anyclue.system.store import Recipe, Store
from anyclue.trial.kernels.configuration import symbols
from anyclue.trial.kernels.layout import LAYOUT, KernelLayout, layout_text
from anyclue.trial.kernels.modules import COLLECTED, collect_modules
from anyclue.trial.model import PreparedKernel

INSTALL_S = 1800
IMAGE = "arch/x86/boot/bzImage"
RELEASE = "include/config/kernel.release"


async def from_files(store: Store, name: str, files: KernelFiles) -> PreparedKernel:
    """Return the kernel of an image and a directory of modules.

    Raises:
        RequestError: they are not there, or are no modules.
    """
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
        inputs={
            "image": sha256(image_path),
            "modules": digests,
            "collected": COLLECTED,
            "format": 3,
        },
    )

    async def build(directory: Path) -> None:
        shutil.copyfile(image_path, directory / "vmlinuz")
        if modules is None:
            _no_modules(directory)
            return
        tree = directory / "tree"
        shutil.copytree(modules, tree / "lib/modules" / modules.name, symlinks=True)
        try:
            await collect_modules(tree, modules.name, directory)
        except CommandError as error:
            raise RequestError.of(
                "this is no directory of a kernel's modules",
                where=str(modules),
                next_step="name lib/modules/RELEASE, from `make modules_install`",
            ) from error
        shutil.rmtree(tree)

    image = await store.make(recipe, build)
    return PreparedKernel(
        release=modules.name if modules else image_path.name,
        boot=image.ref,
        payload=None,
        provenance={"image": f"{files.image} (sha256 {sha256(image_path)[:12]})"},
    )


async def from_build(store: Store, source: KernelBuild, arch: Arch) -> PreparedKernel:
    """Return the kernel of a finished build.

    Raises:
        RequestError: it is not finished, for another architecture, or its modules cannot be
            installed.
    """
    tree = Path(source.build)
    release = _check_finished(tree, arch)
    image = tree / IMAGE
    modular = _modules(tree)
    stats = {str(file.relative_to(tree)): file.stat() for file in modular}
    recipe = Recipe(
        kind="kernel",
        inputs={
            "build": source.build,
            "image": sha256(image),
            "modules": {name: [stat.st_size, stat.st_mtime_ns] for name, stat in stats.items()},
            "collected": COLLECTED,
            "format": 3,
        },
    )

    async def build(directory: Path) -> None:
        shutil.copyfile(image, directory / "vmlinuz")
        shutil.copyfile(tree / ".config", directory / "config")
        if not modular:
            _no_modules(directory)
            return
        installed = directory / "tree"
        argv = (
            *("make", "-C", str(tree), f"ARCH={arch.value}", "modules_install"),
            *(f"INSTALL_MOD_PATH={installed}", "INSTALL_MOD_STRIP=1"),
        )
        done = await run(argv, deadline_s=INSTALL_S, check=False)
        if done.status != 0:
            said = (done.stdout + done.stderr).strip()[-1500:]
            raise RequestError.of(
                f"`make modules_install` failed:\n{said}",
                where=str(tree),
                next_step=f"build it: make -C {tree} ARCH={arch.value} modules",
            )
        await collect_modules(installed, release, directory)
        shutil.rmtree(installed)

    kernel = await store.make(recipe, build)
    return PreparedKernel(
        release=release,
        boot=kernel.ref,
        payload=None,
        provenance={"build": f"{source.build} (bzImage sha256 {sha256(image)[:12]})"},
    )


def _check_finished(tree: Path, arch: Arch) -> str:
    """Return the release of a build.

    Raises:
        RequestError: it is not a finished one for ``arch``.
    """
    where, step = str(tree), f"build it: make O={tree} ARCH={arch.value} bzImage modules"
    if missing := [name for name in (".config", RELEASE, IMAGE) if not (tree / name).is_file()]:
        what = f"is not a finished build: there is no {', no '.join(missing)}"
        raise RequestError.of(what, where=where, next_step=step)
    config = symbols((tree / ".config").read_text(errors="replace"))
    built = Arch.X86_64 if config.get("CONFIG_64BIT") == "y" else Arch.I386
    if built is not arch:
        step = f"let [plan] include this kernel on {built} machines only"
        what = f"is a build for {built}, and the machine is {arch}"
        raise RequestError.of(what, where=where, next_step=step)
    release = (tree / RELEASE).read_text(errors="replace").strip()
    if not release or "/" in release or release.startswith("."):
        what = f"{RELEASE} holds no release: {release[:60]!r}"
        raise RequestError.of(what, where=where, next_step=step)
    return release


def _modules(tree: Path) -> list[Path]:
    """Return the modules that a build made: as modules.order lists them, ``.ko`` or ``.o``."""
    order = tree / "modules.order"
    names = order.read_text(errors="replace").split() if order.is_file() else []
    files = [tree / Path(name.removeprefix("kernel/")).with_suffix(".ko") for name in names]
    return [file for file in files if file.is_file()]


def _no_modules(directory: Path) -> None:
    (directory / LAYOUT).write_bytes(layout_text(KernelLayout(modules={})))
