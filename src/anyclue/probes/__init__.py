"""Evidence beyond counters: what each probe does in a guest, and what its raw data says.

Pure: text and bytes in, values out.
"""

from collections.abc import Mapping

from anyclue.probes.differences import compare
from anyclue.probes.page_allocations import PAGE_ALLOCATIONS
from anyclue.probes.probe import Gathered, Probe
from anyclue.probes.steps import Step, scratch, send, shell
from anyclue.probes.stored import readings_from_json, readings_to_json
from anyclue.probes.symbols import Symbols, read_symbols

PROBES: Mapping[str, Probe] = {probe.name: probe for probe in (PAGE_ALLOCATIONS,)}
"""Every probe, by name."""

__all__ = [
    "PROBES",
    "Gathered",
    "Probe",
    "Step",
    "Symbols",
    "compare",
    "read_symbols",
    "readings_from_json",
    "readings_to_json",
    "scratch",
    "send",
    "shell",
]
