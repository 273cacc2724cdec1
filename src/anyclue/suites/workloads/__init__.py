"""The built-in workloads, one file each."""

from collections.abc import Mapping

from anyclue.suites.workload import Workload
from anyclue.suites.workloads.cache_left_behind import WORKLOAD as _CACHE
from anyclue.suites.workloads.compression_mix import WORKLOAD as _MIX
from anyclue.suites.workloads.enospc_small_files import WORKLOAD as _ENOSPC
from anyclue.suites.workloads.shell import WORKLOAD as _SHELL

WORKLOADS: Mapping[str, Workload] = {w.name: w for w in (_ENOSPC, _MIX, _CACHE, _SHELL)}
