"""Evidence beyond counters: what each probe does in a guest, and what its raw data says.

Pure: text and bytes in, values out.
"""

from collections.abc import Mapping

from anyclue.probes.allocation_tags import ALLOCATION_TAGS
from anyclue.probes.call_counts import CALL_COUNTS
from anyclue.probes.differences import compare
from anyclue.probes.incidents import INCIDENTS
from anyclue.probes.kmap_balance import KMAP_BALANCE
from anyclue.probes.kmemleak import KMEMLEAK
from anyclue.probes.page_allocations import PAGE_ALLOCATIONS
from anyclue.probes.page_owner import PAGE_OWNER
from anyclue.probes.page_references import PAGE_REFERENCES
from anyclue.probes.probe import Gathered, Probe
from anyclue.probes.slab_growth import SLAB_GROWTH
from anyclue.probes.slab_traces import SLAB_TRACES
from anyclue.probes.steps import Step, scratch, send, shell
from anyclue.probes.stored import readings_from_json, readings_to_json
from anyclue.probes.symbols import Symbols, read_symbols
from anyclue.probes.vmalloc_callers import VMALLOC_CALLERS

PROBES: Mapping[str, Probe] = {
    probe.name: probe
    for probe in (
        *(PAGE_ALLOCATIONS, PAGE_REFERENCES, PAGE_OWNER),
        *(SLAB_GROWTH, SLAB_TRACES, KMEMLEAK, CALL_COUNTS),
        *(VMALLOC_CALLERS, ALLOCATION_TAGS, KMAP_BALANCE, INCIDENTS),
    )
}
"""Every probe, by name."""

__all__ = [
    "KMAP_BALANCE",
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
