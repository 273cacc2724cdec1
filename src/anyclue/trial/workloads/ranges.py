"""Ranges of files by every way in: write, mmap, O_DIRECT, fallocate, punch, collapse, clone, cut.

Steps are drawn by seed and made to a file and to its image in memory, which are then compared; once
more after the caches were dropped.
"""

from __future__ import annotations

from collections.abc import Mapping

from anyclue.model.scenario import ParameterRule, Scalar
from anyclue.trial.workloads.workload import (
    DROP_CACHES,
    DoseParameter,
    Workload,
    WorkloadPlan,
    fsload,
    size_mib,
)

DRAWN = ("files", "kib", "steps", "seed")


def _plan(parameters: Mapping[str, Scalar]) -> WorkloadPlan:
    drawn = {name: parameters[name] for name in DRAWN}
    return WorkloadPlan(
        name=WORKLOAD.name,
        size_mib=int(parameters["size_mib"]),
        write=(fsload("ranges", **drawn),),
        exercise=(DROP_CACHES, fsload("check-ranges", **drawn)),
        remove=(fsload("remove"),),
    )


WORKLOAD = Workload(
    name="ranges",
    summary="ranges of files written, mapped, allocated, punched, moved, cloned, cut; verified",
    parameters=(
        ParameterRule(
            name="files", default=8, minimum=1, maximum=10_000, unit="files", summary="files"
        ),
        ParameterRule(
            name="kib",
            default=512,
            minimum=64,
            maximum=16384,
            unit="KiB",
            summary="most that a file is large",
        ),
        ParameterRule(
            name="steps", default=60, minimum=1, maximum=100_000, summary="steps for each file"
        ),
        ParameterRule(
            name="seed", default=1, minimum=0, maximum=1 << 31, summary="which steps are drawn"
        ),
        size_mib(256),
    ),
    plan=_plan,
    dose=DoseParameter(parameter="files", done="files", unit="file"),
)
