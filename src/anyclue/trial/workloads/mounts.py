"""Mounting and unmounting, again and again: what is lost once a mount is lost many times."""

from __future__ import annotations

from collections.abc import Mapping

from anyclue.model.scenario import ParameterRule, Scalar
from anyclue.trial.workloads.workload import (
    MNT,
    MOUNT,
    DoseParameter,
    Workload,
    WorkloadPlan,
    fsload,
    size_mib,
)

FILES: Mapping[str, Scalar] = {
    "sizes": "1000,65536",
    "kinds": "mixed",
    "modes": "buffered",
    "copies": 4,
}


def _plan(parameters: Mapping[str, Scalar]) -> WorkloadPlan:
    check = " ".join(fsload("verify", **FILES, stage=0))
    again = f"umount {MNT} && {MOUNT} && {check}"
    count = parameters["mounts"]
    loop = f"n=0; while [ $n -lt {count} ]; do {again} || exit; n=$((n + 1)); done; echo mounts $n"
    return WorkloadPlan(
        name=WORKLOAD.name,
        size_mib=int(parameters["size_mib"]),
        write=(fsload("write", **FILES),),
        exercise=(("sh", "-c", loop),),
        remove=(fsload("remove"),),
    )


WORKLOAD = Workload(
    name="mounts",
    summary="a few files, then unmounted, mounted and verified many times",
    parameters=(
        ParameterRule(
            name="mounts",
            default=20,
            minimum=1,
            maximum=10_000,
            unit="mounts",
            summary="mounts in a round, beside the one that every round has",
        ),
        size_mib(256),
    ),
    plan=_plan,
    dose=DoseParameter(parameter="mounts", done="mounts", unit="mount"),
)
