"""Page cache left behind on purpose: memory grows, and reclaim gives it back.

The control experiment of the verdicts: it must be called ``cache``, never ``leak``.
"""

from __future__ import annotations

from collections.abc import Mapping

from anyclue.model.scenario import ParameterRule, Scalar
from anyclue.trial.workloads.workload import (
    MNT,
    DoseParameter,
    Workload,
    WorkloadPlan,
    fsload,
    size_mib,
)


def _plan(parameters: Mapping[str, Scalar]) -> WorkloadPlan:
    return WorkloadPlan(
        name=WORKLOAD.name,
        size_mib=int(parameters["size_mib"]),
        write=(fsload("hold", f"{MNT}/held", mib=parameters["mib"]),),
    )


WORKLOAD = Workload(
    name="cache-left-behind",
    summary="one large file is written and stays in the page cache until the unmount",
    parameters=(
        ParameterRule(
            name="mib", default=300, minimum=1, maximum=4096, unit="MiB", summary="size of the file"
        ),
        size_mib(1024),
    ),
    plan=_plan,
    dose=DoseParameter(parameter="mib", unit="MiB"),
)
