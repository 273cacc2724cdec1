"""A merge's versions as kernels of a hunt: base, parents, result and the other resolution."""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from anyclue.git import repository as git
from anyclue.git.merge import borrowed
from anyclue.git.repository import Repository
from anyclue.hunt import driver as hunting
from anyclue.model.errors import Problem, RequestError
from anyclue.model.scenario import Axis, DebianKernel, Kernel, Scenario
from anyclue.recordings.run_directory import RunDirectory
from anyclue.review.merge.core.guest_blame import observed
from anyclue.review.merge.core.guest_model import MergeTest
from anyclue.review.merge.driver.conflicts import base_of
from anyclue.review.merge.driver.request import Merge, MergeRequest, find
from anyclue.scenarios.read import read_scenario
from anyclue.scenarios.stored import scenario_from_json, scenario_to_json
from anyclue.system.confined_files import read_inside
from anyclue.system.files import write_whole
from anyclue.trial.context import Context
from anyclue.trial.kernels import module_trees as trees
from anyclue.trial.kernels.module_trees import Sources

BASE, RESULT, AGAINST = "base", "result", "against"


@dataclass(frozen=True, kw_only=True)
class MergeRun:
    """A hunt that is ready to run.

    Attributes:
        run: its directory, with the sources of every version.
        parents: the kernels that are the merge's parents.
        kernel: what kernel they run in, and which directory of it is theirs.
        untested: C sources outside that directory that differ from the base's.
    """

    run: RunDirectory
    parents: tuple[str, ...]
    kernel: str
    untested: tuple[str, ...]


def begin(asked: MergeRequest, given: Path, out: Path | None) -> MergeRun:
    """Make the run directory, or find it again.

    Args:
        asked: the merge.
        given: a scenario, or the directory of a run of this merge that is to go on.
        out: the run directory to make; None for one below ``runs``.

    Raises:
        RequestError: everything that is wrong with the request.
    """
    again = RunDirectory(given) if given.is_dir() else None
    if again is not None and out is not None:
        step = "--out names the run of a new test; leave it out"
        raise _wrong("this run is there already", str(given), step)
    scenario = (
        scenario_from_json(again.plan_text(), origin=str(again.plan))
        if again is not None
        else hunting.plan(given)
    )
    kernel, directory = trees.rebuilt(scenario, given)
    real = git.repository(asked.tree)
    merge = find(real, asked)
    with borrowed(real) as repo:
        base = base_of(repo, merge.parents)
        versions = _versions(repo, real, merge, base, directory)
        untested = _outside(repo, merge, base, directory)
    if again is not None:
        _check_same(again, versions)
        run = again
    else:
        run = _written(hunting.new_run(out, "merge"), given, scenario, kernel, versions)
    source = kernel.source
    series = source.series if isinstance(source, DebianKernel) else ""
    return MergeRun(
        run=run,
        parents=tuple(name for name in versions if name not in (BASE, RESULT, AGAINST)),
        kernel=f"Debian's {series} with {directory} of each version",
        untested=untested,
    )


async def test(run: MergeRun, context: Context) -> MergeTest:
    """Run what has no outcome yet, and judge.

    Raises:
        RequestError: a version does not build.
        InfrastructureError: the machine failed; what is recorded stays.
    """
    judged = await hunting.hunt(run.run, context, jobs=None)
    against = AGAINST if AGAINST in judged.scenario.kernels else None
    return MergeTest(
        run=str(run.run.path),
        kernel=run.kernel,
        rows=observed(judged.findings.cells, run.parents, RESULT, against),
        untested=run.untested,
    )


def _versions(
    repo: Repository, real: Repository, merge: Merge, base: str, directory: str
) -> dict[str, Sources]:
    """Return the directory's files in each version, by the name of its kernel.

    Raises:
        RequestError: a version but the base has no such directory.
    """
    names = [name.replace(" ", "-") for name, _ in merge.sides]
    revs = dict(zip(names, merge.parents, strict=True))
    found: dict[str, Sources] = {BASE: trees.at(repo, base, directory)}
    found |= {name: trees.at(repo, rev, directory) for name, rev in revs.items()}
    found[RESULT] = (
        trees.at(repo, merge.result, directory)
        if merge.result is not None
        else trees.on_disk(real, directory)
    )
    if merge.against is not None:
        found[AGAINST] = trees.at(repo, merge.against, directory)
    missing = [name for name, files in found.items() if not files and name != BASE]
    if missing:
        raise RequestError(
            [
                Problem(
                    what=f"{name} has no {directory}",
                    where=str(real.at),
                    next_step="the scenario's `module` names a directory of the merged tree",
                )
                for name in missing
            ]
        )
    return {name: files for name, files in found.items() if files}


def _outside(repo: Repository, merge: Merge, base: str, directory: str) -> tuple[str, ...]:
    """Return the C sources outside the directory that a commit of the merge has changed."""
    revs = [*merge.parents, merge.result, merge.against]
    changed = {
        side.path
        for rev in revs
        if rev is not None
        for one in git.between(repo, base, rev)
        for side in (one.old, one.new)
        if side is not None
    }
    return tuple(sorted(path for path in changed if not path.startswith(f"{directory}/")))


def _written(
    run: RunDirectory,
    given: Path,
    scenario: Scenario,
    kernel: Kernel,
    versions: Mapping[str, Sources],
) -> RunDirectory:
    for name, files in versions.items():
        trees.keep(run, name, files)
    text = tomli_w.dumps(_document(given.read_text(), scenario, kernel, versions))
    write_whole(run.scenario, text)
    base = run.path.absolute()
    planned = read_scenario(text, origin=str(run.scenario), base=base, workloads=hunting.RULES)
    write_whole(run.plan, scenario_to_json(planned))
    return run


def _document(
    text: str, scenario: Scenario, kernel: Kernel, versions: Mapping[str, Sources]
) -> dict[str, Any]:
    """Return the scenario with the merge's versions as kernels, under all its conditions."""
    assert isinstance(kernel.source, DebianKernel)  # noqa: S101 - a variant has such a source
    assert kernel.variant is not None  # noqa: S101 - it is the one that is rebuilt
    debian = kernel.source.version or kernel.source.series
    directory = kernel.variant.directory
    axes = [axis.value for axis in Axis if axis is not Axis.KERNEL]
    conditions = dict.fromkeys(cell.conditions for cell in scenario.cells)
    plan: dict[str, Any] = {"include": [dict(zip(axes, one, strict=True)) for one in conditions]}
    if BASE in versions:
        plan["reference"] = {Axis.KERNEL.value: BASE}
    return tomllib.loads(text) | {
        "kernels": {
            name: {"debian": debian, "module": directory, "tree": f"sources/{name}"}
            for name in versions
        },
        "plan": plan,
        "suspects": {},  # they may name kernels that are not there any more
    }


def _check_same(run: RunDirectory, versions: Mapping[str, Sources]) -> None:
    """Check that a run is one of this very merge."""
    for name, files in versions.items():
        kept = run.sources(name)
        if any(read_inside(kept, file) != content for file, content in files.items()):
            again = shlex.quote(str(run.path))
            step = f"go on with that one by: anyclue hunt --resume {again}"
            raise _wrong(f"this run is of another merge: {name} differs", str(run.path), step)


def _wrong(what: str, where: str, next_step: str) -> RequestError:
    return RequestError([Problem(what=what, where=where, next_step=next_step)])
