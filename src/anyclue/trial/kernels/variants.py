"""Module variants: directories of the kernel source, changed, built as modules for that kernel.

Each (kernel, directories, compiler) has one workbench in the cache: headers and a build tree that
stay, so that a variant which differs in one file costs one compilation. Its sources are set to what
is wanted by content before every build; a build that was interrupted leaves a mark, and the bench
is thrown away.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from anyclue.model.errors import Problem, RequestError
from anyclue.model.scenario import Edit, ModuleVariant
from anyclue.system.debian_archive import DebianArchive
from anyclue.system.files import sha256, staging
from anyclue.system.processes import run
from anyclue.system.store import Artifact, Recipe, Store
from anyclue.trial.kernels.debian import (
    BUILD_ARCH,
    DebianKernels,
    KernelPackages,
    headers_tree,
)
from anyclue.trial.kernels.layout import LAYOUT, TrialSubject, layout_of
from anyclue.trial.kernels.modules import (
    DEBUG_KIND,
    DEBUG_MODULE,
    WORK,
    build_modules,
    make_payload,
    workbench,
)
from anyclue.trial.kernels.toolchain import Toolchain, toolchain_of

_SOURCE = re.compile(r"(?!.*\.mod\.c$)(?:[^.].*\.[chS]|(?:Makefile|Kbuild|Kconfig).*)")
_SKIPPED = re.compile(
    r"""//[^\n]* | /\*.*?\*/ | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'""", re.DOTALL | re.VERBOSE
)
_RELATIVE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"(\.\./[^"]+)"', re.MULTILINE)
_DIRECTIVE = re.compile(r"^[ \t]*\#(?:[^\\\n]|\\.)*", re.MULTILINE | re.DOTALL)
# What may stand between a function's arguments and its body: __must_hold(&lock), __cold, ...
_ANNOTATION = re.compile(r"[^;{}=()]*\b__\w+\s*(?=\()")
_BODY = re.compile(r"[^;{}=()]*\{")


class Variants:
    """Builds module variants for Debian's kernels."""

    def __init__(
        self, debian: DebianKernels, archive: DebianArchive, store: Store, workbenches: Path
    ) -> None:
        self._debian = debian
        self._archive = archive
        self._store = store
        self._workbenches = workbenches

    async def build(
        self,
        packages: KernelPackages,
        variant: ModuleVariant,
        subject: TrialSubject,
        *,
        debug: bool = False,
    ) -> Artifact:
        """Return the modules under test as ``payload.tar``, with ``build.log``.

        Those of the variant's directories are built, others are as packaged. With ``debug``: as
        ``module.ko`` that of the variant's first directory, with the lines of its code.

        Raises:
            RequestError: no module under test is built from a directory, or a change does not
                apply.
            CommandError: the compiler or a download failed.
        """
        image = await self._debian.image(packages)
        layout = layout_of(image.file(LAYOUT))
        tested = layout.under_test(subject)
        directories = {
            directory: layout.of_directory(subject, directory) for directory in variant.directories
        }
        toolchain = await self._toolchain(packages)
        with staging(self._workbenches, "sources") as changed:
            await self.set_sources(packages, variant, changed)
            inputs = {
                "kernel": image.key,
                "compiler": toolchain.version,
                "changed": {
                    str(file.relative_to(changed)): sha256(file)
                    for file in sorted(changed.rglob("*"))
                    if file.is_file()
                },
                "modules": list(directories.values())[:1] if debug else tested,
                "format": 4,
            }

            async def unpack(bench: Path) -> None:
                await self._debian.unpack_headers(packages, bench / "headers")
                for directory in _including_beside(changed, directories):
                    beside = await self._debian.headers_beside(packages, directory)
                    shutil.copytree(beside.file("linux"), bench / WORK, dirs_exist_ok=True)

            async def build(directory: Path) -> None:
                text = f"{image.key} {' '.join(directories)} {toolchain.version}"
                text += " debug" if debug else ""
                name = hashlib.sha256(text.encode()).hexdigest()[:16]
                async with workbench(self._workbenches, name, unpack) as bench:
                    built = await build_modules(
                        bench=bench,
                        sources=changed,
                        directories=directories,
                        headers=headers_tree(bench / "headers", packages),
                        arch=packages.flavour.arch,
                        toolchain=toolchain,
                        log_file=directory / "build.log",
                        debug=debug,
                    )
                    if debug:
                        (first, *_) = built.values()
                        shutil.copyfile(first, directory / DEBUG_MODULE)
                        return
                    await make_payload(image, tested, built, directory)

            kind = DEBUG_KIND if debug else "module"
            return await self._store.make(Recipe(kind=kind, inputs=inputs), build)

    async def set_sources(
        self, packages: KernelPackages, variant: ModuleVariant, into: Path
    ) -> None:
        """Put the directories' sources into ``into``, with all changes made.

        Raises:
            RequestError: a change does not apply.
            CommandError: a download failed.
        """
        for directory in variant.directories:
            if variant.tree is not None:
                copy_sources(Path(variant.tree), into, directory)
            else:
                source = await self._debian.source(packages, directory)
                shutil.copytree(source.file("linux"), into, dirs_exist_ok=True, symlinks=True)
        await _change(into, packages, variant)

    async def provenance(self, packages: KernelPackages, variant: ModuleVariant) -> dict[str, str]:
        """Return, for a reader of the report, what the module was built from."""
        toolchain = await self._toolchain(packages)
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
            "module": f"{', '.join(variant.directories)} of {of}",
            "changes": "; ".join(changes) or "none",
            "compiler": toolchain.version,
        }

    async def _toolchain(self, packages: KernelPackages) -> Toolchain:
        image = await self._debian.image(packages)
        config = image.file("config").read_text()
        named = re.search(r'^CONFIG_CC_VERSION_TEXT="(\S+)', config, re.MULTILINE)
        return await toolchain_of(
            self._archive,
            packages.debian,
            named[1] if named else "gcc",
            packages.needs,
            BUILD_ARCH,
        )


def _including_beside(sources: Path, directories: Iterable[str]) -> list[str]:
    """Return the directories whose sources include headers from outside of them."""

    def leaves(file: Path, directory: Path) -> bool:
        included = _RELATIVE.findall(file.read_text(errors="replace"))
        places = (Path(os.path.normpath(file.parent / path)) for path in included)
        return not all(place.is_relative_to(directory) for place in places)

    tops = {one: sources / one for one in directories}
    return [
        one for one, top in tops.items() if any(leaves(file, top) for file in top.rglob("*.[chS]"))
    ]


def copy_sources(tree: Path, into: Path, directory: str) -> None:
    """Copy what one directory of a kernel tree is built from; what a build left there stays.

    Raises:
        RequestError: it cannot be read, or holds nothing of the kind.
    """
    where, step = str(tree / directory), "name the top of a kernel tree"
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
        what = f"cannot be read: {error.strerror}"
        raise RequestError.of(what, where=where, next_step=step) from error
    if Path(directory, "Makefile") not in files:
        what = "holds no kernel module's sources: no Makefile"
        raise RequestError.of(what, where=where, next_step=step)


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
            said = (applied.stdout + applied.stderr).strip()[-1500:]
            raise RequestError.of(
                f"the patch does not apply to {', '.join(variant.directories)}:\n{said}",
                where=patch,
                next_step=f"rebase it on {packages.source.name} {packages.version}",
            )
    problems: list[Problem] = []
    for edit in variant.edits:
        file = into / edit.file
        if not file.is_file() or not file.resolve().is_relative_to(into.resolve()):
            problems.append(
                Problem(
                    what="the kernel source has no such file",
                    where=edit.file,
                    next_step=f"name a file below {' or '.join(variant.directories)}",
                )
            )
            continue
        try:
            file.write_text(apply_edit(file.read_text(), edit))
        except RequestError as error:
            problems += error.problems
    if problems:
        raise RequestError(problems)


def apply_edit(text: str, edit: Edit) -> str:
    """Return ``text`` with ``edit`` applied.

    Raises:
        RequestError: the function is not there, or ``edit.find`` does not occur in it exactly
            ``edit.times`` times.
    """
    begin, end = (0, len(text)) if edit.function is None else function_body(text, edit)
    words = edit.find.split()
    pattern = re.compile(r"\s+".join(re.escape(word) for word in words))
    # Take the white space before a deleted statement along, so that no blank line is left.
    if not edit.replace.strip():
        pattern = re.compile(r"(?:(?<=\n)[ \t]*)?" + pattern.pattern + r"(?:[ \t]*\n)?")
    changed, count = pattern.subn(lambda _: edit.replace, text[begin:end])
    if count != edit.times:
        where = f"{edit.file}, function {edit.function}" if edit.function else edit.file
        raise RequestError.of(
            f"the edit does not apply: its text occurs {count} times, "
            f"expected {edit.times}: {' '.join(words)!r}",
            where=where,
            next_step="compare `find` with this kernel version's source, or set `times`",
        )
    return text[:begin] + changed + text[end:]


def function_body(text: str, edit: Edit) -> tuple[int, int]:
    """Return where the definition of ``edit.function`` begins and ends in ``text``.

    Raises:
        RequestError: the file defines no such function.
    """
    # Same length, so that positions hold; comments, strings and macros can no longer mislead.
    plain = text
    for misleading in (_SKIPPED, _DIRECTIVE):
        plain = misleading.sub(lambda match: " " * len(match[0]), plain)
    for match in re.finditer(rf"\b{re.escape(edit.function or '')}\s*\(", plain):
        after = _closing(plain, match.end() - 1, "()")
        while after is not None and (annotation := _ANNOTATION.match(plain, after)):
            after = _closing(plain, annotation.end(), "()")
        brace = _BODY.match(plain, after) if after is not None else None
        if brace is None:
            continue
        end = _closing(plain, brace.end() - 1, "{}")
        if end is not None:
            return match.start(), end
    raise RequestError.of(
        f"no function {edit.function!r} is defined there",
        where=edit.file,
        next_step="check the name, or leave `function` out to search the whole file",
    )


def _closing(text: str, opening: int, pair: str) -> int | None:
    depth = 0
    for at in range(opening, len(text)):
        if text[at] == pair[0]:
            depth += 1
        elif text[at] == pair[1]:
            depth -= 1
            if depth == 0:
                return at + 1
    return None
