"""One module's directory in several versions, kept in a run to be built from."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from anyclue.model.errors import RequestError
from anyclue.model.scenario import GitKernel, Kernel, Scenario
from anyclue.recordings.run_directory import RunDirectory
from anyclue.system.files import disk_errors, staging
from anyclue.trial.filesystems.registry import FILE_SYSTEMS

ModuleSources = Mapping[str, bytes]
"""Files by their path in the kernel's tree."""


def rebuilt_kernel(scenario: Scenario, given: Path, *, git_too: bool = False) -> tuple[Kernel, str]:
    """Return the scenario's kernel that has a module rebuilt, and the directory of that.

    It is that of the scenario's reference, or else the first that is planned. With ``git_too`` a
    kernel from git counts, whose module under test is rebuilt wherever that is enough.

    Raises:
        RequestError: there is none.
    """
    from_git = False
    directory = FILE_SYSTEMS[scenario.filesystem].directory
    for cell in (*scenario.references, *scenario.cells):
        kernel = scenario.kernels[cell.kernel]
        from_git = from_git or isinstance(kernel.source, GitKernel)
        if kernel.variant is not None and kernel.variant.also:
            what = f"kernel {kernel.name} has several directories rebuilt: one can be followed"
            step = f"name one of them alone: {', '.join(kernel.variant.directories)}"
            raise RequestError.of(what, where=f"{given}: kernels", next_step=step)
        if kernel.variant is not None:
            return kernel, kernel.variant.directory
        if git_too and isinstance(kernel.source, GitKernel):
            return kernel, directory
    step = f'add module = "{directory}" to a kernel: that directory is taken from each version'
    if from_git:
        step = "kernels from git are run by anyclue bisect; or add debian and "
        step += f'module = "{directory}"'
    what = "no kernel of this scenario has a module rebuilt"
    raise RequestError.of(what, where=f"{given}: kernels", next_step=step)


def keep_sources(run: RunDirectory, kernel: str, sources: ModuleSources) -> Path:
    """Write the sources that a kernel of a run is built from, all or nothing; return where."""
    return put_sources(run.sources(kernel).absolute(), sources)


def put_sources(target: Path, sources: ModuleSources) -> Path:
    """Write sources to a directory in place of what is there, all or nothing; return it."""
    with staging(target.parent, target.name) as directory:
        with disk_errors(directory):
            for file, content in sources.items():
                (directory / file).parent.mkdir(parents=True, exist_ok=True)
                (directory / file).write_bytes(content)
        shutil.rmtree(target, ignore_errors=True)
        directory.chmod(0o755)
        directory.rename(target)
    return target
