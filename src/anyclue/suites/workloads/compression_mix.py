"""Sizes and kinds of data that take the different paths of compression and decompression.

Inline files, page-aligned and unaligned sizes, whole 128 KiB extents and more; compressible,
incompressible and mixed data; buffered and O_DIRECT. Written, synced, dropped from the cache, read
back and verified, overwritten with fsync, verified, truncated, verified, removed.
"""

from __future__ import annotations

from collections.abc import Mapping

from anyclue.model.scenario import ParameterRule, Scalar
from anyclue.model.trial import WorkloadPlan
from anyclue.suites.workload import DROP_CACHES, SYNC, Workload, fsload, size_mib

SIZES = "1000,3000,4096,4097,12288,65536,131072,131073,200001,524288"


def _plan(parameters: Mapping[str, Scalar]) -> WorkloadPlan:
    files: dict[str, Scalar] = {
        "sizes": SIZES,
        "kinds": "text,random,mixed",
        "modes": "buffered,direct",
        "copies": parameters["copies"],
    }
    exercise: list[tuple[str, ...]] = [DROP_CACHES, fsload("verify", **files, stage=0)]
    for stage, verb in enumerate(("overwrite", "truncate"), start=1):
        exercise += [
            fsload(verb, **files),
            SYNC,
            DROP_CACHES,
            fsload("verify", **files, stage=stage),
        ]
    return WorkloadPlan(
        name=WORKLOAD.name,
        size_mib=int(parameters["size_mib"]),
        write=(fsload("write", **files),),
        exercise=tuple(exercise),
        remove=(fsload("remove"),),
    )


WORKLOAD = Workload(
    name="compression-mix",
    summary="files of many sizes and kinds of data: written, read back, overwritten, cut, removed",
    parameters=(
        ParameterRule(
            name="copies",
            default=2,
            minimum=1,
            maximum=10_000,
            summary="files of each size, kind and mode (60 combinations)",
        ),
        size_mib(512),
    ),
    plan=_plan,
)
