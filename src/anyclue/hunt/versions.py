"""Versions of one module as the kernels of one hunt, under all conditions of a scenario."""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from anyclue.hunt import driver
from anyclue.model.errors import RequestError
from anyclue.model.scenario import Axis, DebianKernel, Scenario
from anyclue.recordings.run_directory import RunDirectory
from anyclue.scenarios.plan_document import scenario_from_json, scenario_to_json
from anyclue.scenarios.read import read_scenario
from anyclue.system.confined_files import read_inside
from anyclue.system.files import write_whole
from anyclue.trial.kernels.module_trees import ModuleSources, keep_sources, rebuilt_kernel


@dataclass(frozen=True, kw_only=True)
class VersionsRequest:
    """A scenario whose kernels are to be the versions of one module.

    Attributes:
        given: the scenario's file, or the directory of a run that is to go on.
        out: the run directory to make; None for one below ``runs``.
        scenario: the scenario.
        source: the kernel that the versions run in.
        directory: which directory of it is theirs.
    """

    given: Path
    out: Path | None
    scenario: Scenario
    source: DebianKernel
    directory: str


def read_request(given: Path, out: Path | None) -> VersionsRequest:
    """Read and check a scenario, or the plan of a run that is to go on.

    Raises:
        RequestError: everything that is wrong with it.
    """
    if given.is_dir():
        if out is not None:
            step = "--out names the run of a new test; leave it out"
            raise RequestError.of("this run is there already", where=str(given), next_step=step)
        run = RunDirectory(given)
        scenario = scenario_from_json(run.plan_text(), origin=str(run.plan))
    else:
        scenario = driver.plan(given)
    kernel, directory = rebuilt_kernel(scenario, given)
    assert isinstance(kernel.source, DebianKernel)  # noqa: S101 - a variant has such a source
    return VersionsRequest(
        given=given, out=out, scenario=scenario, source=kernel.source, directory=directory
    )


def begin_run(
    request: VersionsRequest, versions: Mapping[str, ModuleSources], *, of: str, base: str
) -> RunDirectory:
    """Make the run directory, or find it again.

    Args:
        request: the scenario.
        versions: the module's files in each version.
        of: what they are versions of, in a word: it names the run.
        base: the version that is the reference, when it is there.

    Raises:
        RequestError: the run is there already, or is one of other versions.
    """
    if request.given.is_dir():
        run = RunDirectory(request.given)
        _check_same(run, versions, of)
        return run
    run = driver.new_run(request.out, of)
    for name, files in versions.items():
        keep_sources(run, name, files)
    text = tomli_w.dumps(_document(request, versions, base))
    write_whole(run.scenario, text)
    beside = run.path.absolute()
    planned = read_scenario(text, origin=str(run.scenario), base=beside, workloads=driver.RULES)
    write_whole(run.plan, scenario_to_json(planned))
    return run


def _document(
    request: VersionsRequest, versions: Mapping[str, ModuleSources], base: str
) -> dict[str, Any]:
    """Return the scenario with the versions as kernels, under all its conditions."""
    axes = [axis.value for axis in Axis if axis is not Axis.KERNEL]
    conditions = dict.fromkeys(cell.conditions for cell in request.scenario.cells)
    plan: dict[str, Any] = {"include": [dict(zip(axes, one, strict=True)) for one in conditions]}
    if base in versions:
        plan["reference"] = {Axis.KERNEL.value: base}
    return tomllib.loads(request.given.read_text()) | {
        "kernels": {
            name: {
                "debian": request.source.version or request.source.series,
                **({"suite": request.source.suite} if request.source.suite else {}),
                "module": request.directory,
                "tree": f"sources/{name}",
            }
            for name in versions
        },
        "plan": plan,
        "suspects": {},  # they may name kernels that are not there any more
    }


def _check_same(run: RunDirectory, versions: Mapping[str, ModuleSources], of: str) -> None:
    """Check that a run is one of these very versions."""
    for name, files in versions.items():
        kept = run.sources(name)
        if any(read_inside(kept, file) != content for file, content in files.items()):
            again = shlex.quote(str(run.path))
            raise RequestError.of(
                f"this run is of another {of}: {name} differs",
                where=str(run.path),
                next_step=f"go on with that one by: anyclue hunt --resume {again}",
            )
