"""Module variants: one module's directory from the kernel source, changed, built for that kernel.

Each (kernel, directory, compiler) has one workbench in the cache: headers and a build tree that
stay, so that a variant which differs in one file costs one compilation. Its sources are set to what
is wanted by content before every build; a build that was interrupted leaves a mark, and the bench
is thrown away.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from pathlib import Path

from anyclue.model.errors import Problem, RequestError
from anyclue.model.scenario import ModuleVariant
from anyclue.system.files import sha256, staging
from anyclue.system.processes import CommandError, run
from anyclue.system.store import Artifact, Recipe, Store, locked_file
from anyclue.trial.kernels.debian import DebianKernels, KernelPackages, headers_tree
from anyclue.trial.kernels.edits import apply_edit
from anyclue.trial.kernels.module_builds import BUILDABLE, DEBUG_KIND, UNFINISHED, build_module

_SOURCE = re.compile(r"(?!.*\.mod\.c$)(?:[^.].*\.[chS]|(?:Makefile|Kbuild|Kconfig).*)")


class Variants:
    """Builds module variants for Debian's kernels."""

    def __init__(self, debian: DebianKernels, store: Store, workbenches: Path) -> None:
        self._debian = debian
        self._store = store
        self._workbenches = workbenches

    async def build(
        self, packages: KernelPackages, variant: ModuleVariant, *, debug: bool = False
    ) -> Artifact:
        """Return the built module as ``payload.tar``, with ``build.log``.

        With ``debug``: as ``module.ko``, with the lines of its code.

        Raises:
            RequestError: the directory cannot be built alone, or a change does not apply.
            CommandError: the compiler or a download failed.
        """
        if variant.directory not in BUILDABLE:
            known = ", ".join(BUILDABLE)
            raise RequestError(
                [
                    Problem(
                        what=f"cannot rebuild {variant.directory!r} as a module",
                        where="module",
                        next_step=f"directories that can be rebuilt: {known}",
                    )
                ]
            )
        compiler, compiler_version = await self._compiler(packages)
        with staging(self._workbenches, "sources") as changed:
            await self.set_sources(packages, variant, changed)
            inputs = {
                "release": packages.release,
                "version": packages.version,
                "compiler": compiler_version,
                "changed": {
                    str(file.relative_to(changed)): sha256(file)
                    for file in sorted(changed.rglob("*"))
                    if file.is_file()
                },
                "format": 3,
            }

            async def build(directory: Path) -> None:
                text = (
                    f"{packages.release} {packages.version} {variant.directory} {compiler_version}"
                )
                text += " debug" if debug else ""
                name = hashlib.sha256(text.encode()).hexdigest()[:16]
                async with locked_file(self._workbenches / f"{name}.lock"):
                    bench = self._workbenches / name
                    await self._set_up(bench, packages)
                    await build_module(
                        bench=bench,
                        sources=changed / variant.directory,
                        headers=headers_tree(bench / "headers", packages),
                        arch=packages.flavour.arch,
                        compiler=compiler,
                        directory=variant.directory,
                        into=directory,
                        debug=debug,
                    )

            kind = DEBUG_KIND if debug else "module"
            return await self._store.make(Recipe(kind=kind, inputs=inputs), build)

    async def set_sources(
        self, packages: KernelPackages, variant: ModuleVariant, into: Path
    ) -> None:
        """Put the directory's sources into ``into``, with all changes made.

        Raises:
            RequestError: a change does not apply.
            CommandError: a download failed.
        """
        if variant.tree is not None:
            copy_sources(Path(variant.tree), into, variant.directory)
        else:
            source = await self._debian.source(packages, variant.directory)
            shutil.copytree(source.file("linux"), into, dirs_exist_ok=True, symlinks=True)
        await _change(into, packages, variant)

    async def _set_up(self, bench: Path, packages: KernelPackages) -> None:
        """Make the bench, or make it anew when a build there did not end."""
        if (bench / UNFINISHED).exists():
            shutil.rmtree(bench)
        if not bench.is_dir():
            with staging(self._workbenches, "bench") as new:
                (new / "module").mkdir()
                await self._debian.unpack_headers(packages, new / "headers")
                new.rename(bench)

    async def provenance(self, packages: KernelPackages, variant: ModuleVariant) -> dict[str, str]:
        """Return, for a reader of the report, what the module was built from."""
        _, compiler_version = await self._compiler(packages)
        changes = [
            f"{edit.file}: in {edit.function or 'the file'}, "
            f"{' '.join(edit.find.split())!r} becomes {edit.replace.strip()!r}"
            for edit in variant.edits
        ]
        changes += [
            f"patch {Path(patch).name} ({sha256(Path(patch))[:12]})" for patch in variant.patches
        ]
        of = variant.tree or f"{packages.source.name} {packages.version}"
        return {
            "module": f"{variant.directory} of {of}",
            "changes": "; ".join(changes) or "none",
            "compiler": compiler_version,
        }

    async def _compiler(self, packages: KernelPackages) -> tuple[str, str]:
        image = await self._debian.image(packages)
        config = image.file("config").read_text()
        named = re.search(r'^CONFIG_CC_VERSION_TEXT="(\S+)', config, re.MULTILINE)
        compiler = named[1] if named else "gcc"
        try:
            version = await run((compiler, "--version"), deadline_s=30)
        except CommandError as error:
            raise CommandError(
                error.argv,
                f"kernel {packages.release} was built with {compiler}; it is needed here, too "
                f"(apt-get install {compiler})",
            ) from error
        return compiler, version.stdout.splitlines()[0]


def copy_sources(tree: Path, into: Path, directory: str) -> None:
    """Copy what one directory of a kernel tree is built from; what a build left there stays.

    Raises:
        RequestError: it cannot be read, or holds nothing of the kind.
    """
    try:
        files = [
            Path(below, name).relative_to(tree)
            for below, _, names in os.walk(tree / directory)
            for name in names
            if _SOURCE.fullmatch(name) and not Path(below, name).is_symlink()
        ]
        for file in files:
            (into / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(tree / file, into / file)
    except OSError as error:
        raise _not_a_tree(f"cannot be read: {error.strerror}", tree / directory) from error
    if Path(directory, "Makefile") not in files:
        raise _not_a_tree("holds no kernel module's sources: no Makefile", tree / directory)


def _not_a_tree(what: str, where: Path) -> RequestError:
    step = "name the top of a kernel tree"
    return RequestError([Problem(what=what, where=str(where), next_step=step)])


async def _change(into: Path, packages: KernelPackages, variant: ModuleVariant) -> None:
    """Apply the variant's patches and edits."""
    for patch in variant.patches:
        applied = await run(
            ("patch", "-p1", "--batch", "--forward", "-F0", "-d", str(into), "-i", patch),
            deadline_s=60,
            check=False,
        )
        # An empty file "applies", and the variant would be the kernel that it is compared with.
        if applied.status != 0 or "patching file" not in applied.stdout:
            raise RequestError(
                [
                    Problem(
                        what=f"the patch does not apply to {variant.directory}:\n"
                        f"{(applied.stdout + applied.stderr).strip()[-1500:]}",
                        where=patch,
                        next_step=f"rebase it on {packages.source.name} {packages.version}",
                    )
                ]
            )
    problems: list[Problem] = []
    for edit in variant.edits:
        file = into / edit.file
        if not file.is_file() or not file.resolve().is_relative_to(into.resolve()):
            problems.append(
                Problem(
                    what="the kernel source has no such file",
                    where=edit.file,
                    next_step=f"name a file below {variant.directory}",
                )
            )
            continue
        try:
            file.write_text(apply_edit(file.read_text(), edit))
        except RequestError as error:
            problems += error.problems
    if problems:
        raise RequestError(problems)
