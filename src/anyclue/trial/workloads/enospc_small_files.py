"""Small files until space runs out, or a bound: what fstests generic/027 did in 2021.

Upstream's test refuses compression since fstests commit c9990174; this form does not.
"""

from __future__ import annotations

from collections.abc import Mapping

from anyclue.model.scenario import ParameterRule, Scalar
from anyclue.trial.workloads.workload import (
    DoseParameter,
    Script,
    Workload,
    WorkloadPlan,
    fsload,
    size_mib,
)

LARGEST_TEXT = 65536


def _plan(parameters: Mapping[str, Scalar]) -> WorkloadPlan:
    loops = int(parameters["loops"])
    fill = fsload(
        "fill",
        writers=parameters["writers"],
        files=parameters["files"],
        size=parameters["file_bytes"],
        direct=parameters["direct_every"],
    )
    again = (fsload("remove"), fill) * (loops - 1)
    return WorkloadPlan(
        name=WORKLOAD.name,
        size_mib=int(parameters["size_mib"]),
        write=(fill, *again),
        remove=(fsload("remove"),),
    )


def _script(parameters: Mapping[str, Scalar]) -> Script:
    """Return the same with one writer, without O_DIRECT."""
    files, size = int(parameters["files"]), int(parameters["file_bytes"])
    data = f"yes it compresses well | head -c {size}"
    made = ""
    if size <= LARGEST_TEXT:  # a shell that starts no program for each file is many times faster
        made = f"text=$({data} | tr '\\n' ' ')\n  "
        data = 'printf %s "$text"'
    bound = f"[ $i -lt {files} ] && " if files else ""
    fill = f'i=0; while {bound}{data} >"$MNT/$i"\n  do i=$((i + 1)); done'
    if not files:
        fill = f"{{ {fill}; }} 2>/dev/null"
    again = f'; rm -f "$MNT"/*; {fill}' * (int(parameters["loops"]) - 1)
    return Script(write=f"{made}{fill}{again}")


WORKLOAD = Workload(
    name="enospc-small-files",
    summary="writers fill a small file system with small files until ENOSPC or a bound; remove",
    parameters=(
        ParameterRule(
            name="files",
            default=600,
            minimum=0,
            maximum=1_000_000,
            unit="files",
            summary="bound on files a loop, over all writers; 0: until space runs out",
        ),
        ParameterRule(
            name="file_bytes",
            default=1000,
            minimum=1,
            maximum=1 << 30,
            simpler=(1, 4096),
            unit="bytes",
            summary="size of each file",
        ),
        ParameterRule(
            name="writers",
            default=8,
            minimum=1,
            maximum=256,
            simpler=(1,),
            summary="processes that write",
        ),
        ParameterRule(
            name="direct_every",
            default=2,
            minimum=0,
            maximum=256,
            simpler=(0,),
            summary="each so-many-th writer opens with O_DIRECT; 0: none does",
        ),
        ParameterRule(
            name="loops",
            default=1,
            minimum=1,
            maximum=1000,
            simpler=(1,),
            summary="fills a round, each removed",
        ),
        size_mib(256),
    ),
    plan=_plan,
    dose=DoseParameter(parameter="files", done="files", unit="file", repeat="loops"),
    script=_script,
)
