"""The built-in workloads by name, and the program that their commands call in the guest."""

from collections.abc import Mapping
from pathlib import Path

from anyclue.trial.workloads.cache_left_behind import WORKLOAD as CACHE_LEFT_BEHIND
from anyclue.trial.workloads.compression_mix import WORKLOAD as COMPRESSION_MIX
from anyclue.trial.workloads.enospc_small_files import WORKLOAD as ENOSPC_SMALL_FILES
from anyclue.trial.workloads.mounts import WORKLOAD as MOUNTS
from anyclue.trial.workloads.names import WORKLOAD as NAMES
from anyclue.trial.workloads.ranges import WORKLOAD as RANGES
from anyclue.trial.workloads.shell import WORKLOAD as SHELL
from anyclue.trial.workloads.workload import Workload

FSLOAD_SOURCE = Path(__file__).parent / "fsload" / "fsload.c"
"""The C source of the program that the workloads' commands call in the guest."""

WORKLOADS: Mapping[str, Workload] = {
    w.name: w
    for w in (ENOSPC_SMALL_FILES, COMPRESSION_MIX, NAMES, RANGES, MOUNTS, CACHE_LEFT_BEHIND, SHELL)
}
