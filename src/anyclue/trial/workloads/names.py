"""Directories, files, hard links, symbolic links, renames, attributes and ACLs, all verified."""

from __future__ import annotations

from collections.abc import Mapping

from anyclue.model.scenario import ParameterRule, Scalar
from anyclue.trial.workloads.workload import (
    DROP_CACHES,
    DoseParameter,
    Script,
    Workload,
    WorkloadPlan,
    fsload,
    size_mib,
)


def _plan(parameters: Mapping[str, Scalar]) -> WorkloadPlan:
    made = {name: parameters[name] for name in ("dirs", "files")}
    return WorkloadPlan(
        name=WORKLOAD.name,
        size_mib=int(parameters["size_mib"]),
        write=(fsload("names", **made),),
        exercise=(DROP_CACHES, fsload("check-names", **made)),
        remove=(fsload("remove"),),
    )


def _script(parameters: Mapping[str, Scalar]) -> Script:
    """Return the same without attributes and ACLs, which no shell can set."""
    dirs, files = int(parameters["dirs"]), int(parameters["files"])
    write = (
        f'd=0; while [ $d -lt {dirs} ]; do mkdir -p "$MNT/d$d/e" "$MNT/d$(((d + 1) % {dirs}))"\n'
        f"  i=0; while [ $i -lt {files} ]; do"
        ' f="$MNT/d$d/e/file$i"; echo "$f" >"$f"; ln "$f" "$MNT/d$d/link$i"\n'
        '    ln -s "$f" "$MNT/d$d/symlink$i"'
        f'; [ $((i % 2)) = 1 ] || mv "$f" "$MNT/d$(((d + 1) % {dirs}))/moved$d-$i"\n'
        "    i=$((i + 1)); done; d=$((d + 1)); done"
    )
    return Script(write=write)


WORKLOAD = Workload(
    name="names",
    summary="directories, links, renames, attributes and ACLs: made, verified, removed",
    parameters=(
        ParameterRule(
            name="dirs",
            default=8,
            minimum=2,
            maximum=10_000,
            simpler=(2,),
            unit="directories",
            summary="directories, each with one in it",
        ),
        ParameterRule(
            name="files",
            default=64,
            minimum=1,
            maximum=100_000,
            unit="files",
            summary="files of each directory; every other one is moved to the next",
        ),
        size_mib(256),
    ),
    plan=_plan,
    dose=DoseParameter(parameter="files", done="files", unit="file"),
    script=_script,
)
