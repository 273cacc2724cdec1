"""The kernel axis: from its tables to ``Kernel``, with paths that exist."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from anyclue.model.scenario import (
    DebianKernel,
    DebugOption,
    Edit,
    GitKernel,
    Kernel,
    KernelBuild,
    KernelFiles,
    KernelSource,
    ModuleVariant,
)
from anyclue.scenarios.lines import KeyPath
from anyclue.scenarios.problems import Problems, quoted
from anyclue.scenarios.schema import ORIGINS, SOURCE_PATH, EditTable, KernelTable
from anyclue.scenarios.schema_problems import table_or_none
from anyclue.scenarios.texts import check_no_nul

_RELATIVE = "correct the path; it is relative to the scenario file"


def read_kernels(tables: Mapping[str, Any], base: Path, problems: Problems) -> dict[str, Kernel]:
    """Return the kernels whose tables are right; note what is wrong with the others."""
    kernels = {}
    for name, value in tables.items():
        if isinstance(value, Mapping):
            path = ("kernels", name)
            _check_combination(value, path, problems)
            _check_edits(value, path, problems)
            _check_files(value, base, path, problems)
        table = table_or_none(KernelTable, value)
        if table is not None:
            kernels[name] = _kernel(name, table, base)
    return kernels


def _kernel(name: str, table: KernelTable, base: Path) -> Kernel:
    variant = None
    rebuilt = _rebuilt(table.module, table.modules if table.debian is not None else None)
    if rebuilt:
        first, *also = rebuilt
        variant = ModuleVariant(
            directory=first,
            also=tuple(also),
            tree=str(_resolved(table.tree, base)) if table.tree is not None else None,
            edits=tuple(_edit(edit) for edit in table.edits),
            patches=tuple(str(_resolved(patch, base)) for patch in table.patches),
        )
    return Kernel(name=name, source=_source(table, base), variant=variant)


def _rebuilt(module: object, modules: object) -> list[str]:
    """Return the directories that are rebuilt, from the values of both keys."""
    named = [module, *(modules if isinstance(modules, list) else [])]
    paths = [one for one in named if isinstance(one, str) and re.search(SOURCE_PATH, one)]
    return list(dict.fromkeys(str(PurePosixPath(one)) for one in paths))


def _source(table: KernelTable, base: Path) -> KernelSource:
    if table.debian is not None:
        return _debian(table.debian, table.suite)
    if table.build is not None:
        return KernelBuild(build=str(_resolved(table.build, base)))
    if table.git is not None:
        repository, revision = repository_and_revision(table.git)
        return GitKernel(
            repository=str(_resolved(repository, base)),
            revision=revision,
            config=tuple(str(_resolved(file, base)) for file in table.config),
            debug=tuple(sorted({DebugOption(name) for name in table.debug})),
        )
    return KernelFiles(
        image=str(_resolved(table.image or "", base)),
        modules=str(_resolved(table.modules[0], base)) if table.modules else None,
    )


def repository_and_revision(text: str) -> tuple[str, str]:
    """Return repository and revision: the last ``@`` parts them, those of ``HEAD@{1}`` aside."""
    at = max((m.start() for m in re.finditer(r"@(?!\{)", text)), default=len(text))
    return text[:at], text[at + 1 :]


def _check_combination(given: Mapping[str, Any], path: KeyPath, problems: Problems) -> None:
    """Check which keys are there, whatever their values."""
    origins = [key for key in ORIGINS if key in given]
    for key in origins[1:]:
        problems.add(
            (*path, key),
            "a kernel comes either from Debian's packages (debian), your files (image), "
            "your build (build) or a commit (git)",
            "remove all of these keys but one, or make more kernels of them",
        )
    if not origins:
        problems.add(
            path,
            "does not say where the kernel comes from",
            'add debian = "6.1" (from Debian\'s packages), image = "PATH" or build = "DIRECTORY" '
            '(one that you built), or git = "REPOSITORY@REVISION" (one to build)',
        )
    _check_rebuilt(given, path, problems)
    if "suite" in given and origins and "debian" not in given:
        problems.add(
            (*path, "suite"),
            "says where a kernel of Debian's packages is looked up, and this is none",
            'remove it, or use debian = "6.12"',
        )
    for key in ("config", "debug"):
        if key in given and "git" not in given:
            problems.add(
                (*path, key),
                "belongs to a kernel that is built from a commit, and this is none",
                'add git = "REPOSITORY@REVISION", or configure your own build',
            )


def _check_rebuilt(given: Mapping[str, Any], path: KeyPath, problems: Problems) -> None:
    """Check the keys of modules: those of an image, and those that are rebuilt."""
    origins = [key for key in ORIGINS if key in given]
    listed = isinstance(given.get("modules"), list)
    if "modules" in given and not listed and "image" not in given:
        problems.add(
            (*path, "modules"),
            "belongs to an image of your own, and there is none",
            'add image = "PATH"; to rebuild a module of Debian\'s kernel, the key is module, or '
            'for several: modules = ["fs/jbd2", "fs/ext4"]',
        )
    for index, item in enumerate(_list(given, "modules")):
        if isinstance(item, str) and not re.search(SOURCE_PATH, item):
            what = f"{quoted(item)} is no directory of the kernel's source"
            problems.add((*path, "modules", index), what, 'write it as in ["fs/jbd2", "fs/ext4"]')
    if listed and "module" in given:
        problems.add(
            (*path, "module"), "names a directory beside modules", "name all of them in modules"
        )
    for key in ("module", *(("modules",) if listed else ())):
        if key in given and origins and "debian" not in given:
            problems.add(
                (*path, key),
                "only a kernel from Debian's packages can be rebuilt for now",
                "build the changed module yourself, commit the change and use git, or use debian",
            )
    for key in ("tree", "edits", "patches"):
        if key in given and "module" not in given and not listed:
            problems.add(
                (*path, key),
                "needs to know which module to rebuild",
                'add module = "DIRECTORY" to the kernel, for example "fs/btrfs"',
            )


def _debian(text: str, suite: str | None) -> DebianKernel:
    if "-" not in text:
        return DebianKernel(series=text, suite=suite)
    upstream = text.replace("~", ".").replace("-", ".").split(".")
    return DebianKernel(series=".".join(upstream[:2]), version=text, suite=suite)


def _check_edits(given: Mapping[str, Any], path: KeyPath, problems: Problems) -> None:
    """Check each edit whose own shape is right, even in a kernel whose shape is not."""
    directories = _rebuilt(given.get("module"), given.get("modules"))
    for index, item in enumerate(_list(given, "edits")):
        edit = table_or_none(EditTable, item)
        if edit is not None:
            _check_edit(edit, directories, (*path, "edits", index), problems)


def _check_edit(
    edit: EditTable, directories: Sequence[str], path: KeyPath, problems: Problems
) -> None:
    parents = map(str, PurePosixPath(edit.file).parents)
    if directories and not {*parents} & {*directories}:
        problems.add(
            (*path, "file"),
            f"{quoted(edit.file)} is outside the module's directory "
            f"{' and '.join(map(quoted, directories))}",
            "only files of the module that is rebuilt can be changed",
        )
    if not edit.find.strip():
        problems.add((*path, "find"), "must hold more than white space")
    elif edit.find.split() == edit.replace.split():
        problems.add(
            (*path, "replace"),
            "is the same as find, so the edit changes nothing",
            "for a kernel without changes, leave the edit out",
        )
    check_no_nul(edit.find, (*path, "find"), problems)
    check_no_nul(edit.replace, (*path, "replace"), problems)


def _edit(table: EditTable) -> Edit:
    return Edit(**{**table.model_dump(), "file": str(PurePosixPath(table.file))})


def _check_files(given: Mapping[str, Any], base: Path, path: KeyPath, problems: Problems) -> None:
    """Check that the files that a kernel names are there."""
    files: dict[KeyPath, Any] = {("image",): given.get("image")}
    for key in ("patches", "config"):
        files.update({(key, index): item for index, item in enumerate(_list(given, key))})
    for place, text in files.items():
        file = _resolved(text, base) if isinstance(text, str) and text else None
        if file is not None and not _is(file, Path.is_file):
            what = f"no such file: {quoted(str(file), most=400)}"
            problems.add((*path, *place), what, _RELATIVE)
    _check_directories(given, base, path, problems)
    _check_tree(given, base, path, problems)
    modules = given.get("modules")
    if not isinstance(modules, str) or not modules:
        return
    directory = _resolved(modules, base)
    _check_directory(directory, (*path, "modules"), problems)
    if _is(directory / "lib" / "modules", Path.is_dir):
        problems.add(
            (*path, "modules"),
            f"{quoted(modules, most=400)} is not the directory of one kernel release",
            f"point it at {quoted(modules.rstrip('/') + '/lib/modules/RELEASE')}",
        )


def _check_directories(
    given: Mapping[str, Any], base: Path, path: KeyPath, problems: Problems
) -> None:
    """Check the directories of a build and of a repository; what is in them is looked at later."""
    build, commit = given.get("build"), given.get("git")
    named = {"build": build if isinstance(build, str) else ""}
    if isinstance(commit, str) and "@" in commit:
        repository, revision = repository_and_revision(commit)
        if repository and revision:
            named["git"] = repository
        else:
            problems.add(
                (*path, "git"),
                f"{quoted(commit)} does not name a repository and a revision",
                'write it as in git = "~/linux@v6.1"',
            )
    for key, text in named.items():
        if text:
            _check_directory(_resolved(text, base), (*path, key), problems)


def _check_tree(given: Mapping[str, Any], base: Path, path: KeyPath, problems: Problems) -> None:
    tree = given.get("tree")
    if isinstance(tree, str) and tree:
        step = "name the top of a kernel tree; a relative path starts at the scenario file"
        for one in _rebuilt(given.get("module"), given.get("modules")):
            _check_directory(_resolved(tree, base) / one, (*path, "tree"), problems, step)


def _check_directory(
    directory: Path, path: KeyPath, problems: Problems, step: str = _RELATIVE
) -> None:
    if not _is(directory, Path.is_dir):
        what = f"no such directory: {quoted(str(directory), most=400)}"
        problems.add(path, what, step)


def _list(given: Mapping[str, Any], key: str) -> list[Any]:
    value = given.get(key)
    return value if isinstance(value, list) else []


def _resolved(text: str, base: Path) -> Path:
    """Return an absolute path; a leading ``~`` is the user's home."""
    path = Path(text)
    if path.parts[:1] == ("~",):
        path = Path.home().joinpath(*path.parts[1:])
    return (base / path).absolute()


def _is(path: Path, kind: Callable[[Path], bool]) -> bool:
    try:
        return kind(path)
    except OSError:  # a name too long for the file system, a directory that may not be searched
        return False
