"""What runs in a guest: the built-in workloads."""

from pathlib import Path

from anyclue.suites.reproducer import check_script, reproducer_script
from anyclue.suites.workload import Script, Workload
from anyclue.suites.workloads import WORKLOADS

FSLOAD_SOURCE = Path(__file__).parent / "fsload" / "fsload.c"
"""The C source of the program that the workloads' commands call in the guest."""

__all__ = ["FSLOAD_SOURCE", "WORKLOADS", "Script", "Workload", "check_script", "reproducer_script"]
