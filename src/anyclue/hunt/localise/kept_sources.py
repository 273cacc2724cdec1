"""The sources of both kernels, kept in the run, so that the clue can be made anew without them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from anyclue.git import repository as git
from anyclue.hunt.localise.symptoms import AccusedKernel
from anyclue.model.errors import AnyclueError
from anyclue.model.scenario import DebianKernel, GitKernel, Kernel, KernelBuild, Scenario
from anyclue.recordings.run_directory import RunDirectory
from anyclue.system.files import staging, write_whole
from anyclue.trial.context import Context
from anyclue.trial.filesystems.registry import FILE_SYSTEMS
from anyclue.trial.kernels.module_trees import put_sources
from anyclue.trial.preparation import subject_of

SCHEMA = "anyclue.kept/1"
MANIFEST = "kept.json"
_KERNEL = TypeAdapter(Kernel)


@dataclass(frozen=True, kw_only=True)
class KeptSources:
    """What the run keeps of the kernels' sources.

    Attributes:
        of: what tells this pair of kernels from another.
        directory: that of the module.
        kernels: the kernels whose sources are there.
        alone: whether the kernels differ in nothing but that directory.
        notes: what could not be had, and why.
    """

    of: str
    directory: str
    kernels: tuple[str, ...] = ()
    alone: bool = False
    notes: tuple[str, ...] = ()
    schema: str = field(default=SCHEMA)


_KEPT = TypeAdapter(KeptSources)


def sources_path(run: RunDirectory, kernel: str) -> Path:
    """Return where the sources of a kernel are kept, as it was built."""
    return run.path / "clue" / kernel


def read_kept(run: RunDirectory, scenario: Scenario, of: AccusedKernel) -> KeptSources | None:
    """Return what the run keeps of these kernels; None where it has nothing of them."""
    named = _named(scenario, of)
    for name in (MANIFEST, _further(named)):
        try:
            found = _KEPT.validate_json((run.path / "clue" / name).read_bytes())
        except (OSError, ValidationError):
            continue
        same = found.schema == SCHEMA and found.of == named
        if same and all(sources_path(run, kernel).is_dir() for kernel in found.kernels):
            return found
    return None


def _further(named: str) -> str:
    """Return the manifest's name of a pair of kernels that is not the first of its run."""
    return f"kept-{named[:12]}.json"


async def keep_sources(
    run: RunDirectory, scenario: Scenario, of: AccusedKernel, context: Context
) -> KeptSources:
    """Put the sources of the guilty kernel, and of the innocent one beside it, into the run.

    What cannot be had is noted, and is no error.
    """
    bad = scenario.kernels[of.bad]
    good = scenario.kernels[of.good] if of.good is not None else None
    directory = next(
        (k.variant.directory for k in (bad, good) if k is not None and k.variant is not None),
        FILE_SYSTEMS[scenario.filesystem].directory,
    )
    there, notes = [], []
    for kernel in (good, bad):
        if kernel is None:
            continue
        try:
            sources = await _sources(scenario, kernel, directory, context)
            if not sources:
                notes.append(f"kernel {kernel.name}: no C source below {directory} is known of it")
                continue
            put_sources(sources_path(run, kernel.name), sources)
            there.append(kernel.name)
        except AnyclueError as error:
            notes.append(f"sources of kernel {kernel.name} could not be had: {error}")
    alone, outside = differences_outside(good, bad, directory) if good is not None else (False, ())
    made = KeptSources(
        of=_named(scenario, of),
        directory=directory,
        kernels=tuple(there),
        alone=alone,
        notes=(*notes, *outside),
    )
    first = not (run.path / "clue" / MANIFEST).exists()
    name = MANIFEST if first else _further(made.of)
    write_whole(run.path / "clue" / name, _KEPT.dump_json(made, indent=2) + b"\n")
    return made


async def _sources(
    scenario: Scenario, kernel: Kernel, directory: str, context: Context
) -> Mapping[str, bytes]:
    source = kernel.source
    if isinstance(source, GitKernel):
        repo = git.repository(Path(source.repository))
        return _of_c(git.below(repo, source.commit or source.revision, directory))
    if isinstance(source, KernelBuild):
        tree = Path(source.build)
        tree = tree / "source" if (tree / "source" / directory).is_dir() else tree
        return c_sources(tree, directory)
    if not isinstance(source, DebianKernel):
        return {}
    machines = scenario.machines
    arches = {machines[cell.machine].arch for cell in scenario.cells}
    own = {machines[cell.machine].arch for cell in scenario.cells if cell.kernel == kernel.name}
    (context.cache / "clues").mkdir(parents=True, exist_ok=True)
    with staging(context.cache / "clues", "sources") as into:
        subject = subject_of(scenario)
        await context.kernels.module_sources(kernel, min(own), arches, subject, directory, into)
        return c_sources(into, directory)


def c_sources(root: Path, directory: str) -> dict[str, bytes]:
    """Return the C sources below a directory of a tree, by their path below the tree."""
    return {
        str(file.relative_to(root)): file.read_bytes()
        for file in sorted((root / directory).rglob("*.[ch]"))
        if file.is_file() and not file.is_symlink() and not file.name.endswith(".mod.c")
    }


def _of_c(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    return {path: text for path, text in sources.items() if path.endswith((".c", ".h"))}


def _named(scenario: Scenario, of: AccusedKernel) -> str:
    kernels = [scenario.kernels[name] for name in (of.good, of.bad) if name is not None]
    text = json.dumps([_KERNEL.dump_python(one, mode="json") for one in kernels], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def differences_outside(good: Kernel, bad: Kernel, directory: str) -> tuple[bool, tuple[str, ...]]:
    """Return whether nothing but the module differs, and what has to be said of the rest."""
    one, two = good.source, bad.source
    if isinstance(one, DebianKernel) and isinstance(two, DebianKernel):
        return _debian(one, two, directory)
    if isinstance(one, GitKernel) and isinstance(two, GitKernel):
        return _git(one, two, directory)
    return False, (f"what differs between the kernels outside of {directory} was not looked at",)


def _debian(one: DebianKernel, two: DebianKernel, directory: str) -> tuple[bool, tuple[str, ...]]:
    if one == two:
        return True, ()
    names = f"Debian's {one.version or one.series} and {two.version or two.series}"
    return False, (f"what differs between {names} outside of {directory} was not looked at",)


def _git(one: GitKernel, two: GitKernel, directory: str) -> tuple[bool, tuple[str, ...]]:
    if one.repository != two.repository or one.commit is None or two.commit is None:
        return False, (
            f"what differs between the repositories outside of {directory} is not known",
        )
    try:
        repo = git.repository(Path(one.repository))
        differing = git.differing(repo, one.commit, two.commit)
    except AnyclueError as error:
        return False, (f"what differs between the commits could not be had: {error}",)
    outside = [path for path in differing if not path.startswith(f"{directory}/")]
    if outside:
        many = f"{len(outside)} files differ" if len(outside) > 1 else "1 file differs"
        said = f"{many} outside of {directory} ({outside[0]}): they were not looked at"
        return False, (said,)
    return one.config == two.config and one.debug == two.debug, ()
