"""The probes by name."""

from collections.abc import Mapping

from anyclue.hunt.probes.core.allocation_tags import ALLOCATION_TAGS
from anyclue.hunt.probes.core.call_counts import CALL_COUNTS
from anyclue.hunt.probes.core.incidents import INCIDENTS
from anyclue.hunt.probes.core.kmap_balance import KMAP_BALANCE
from anyclue.hunt.probes.core.kmemleak import KMEMLEAK
from anyclue.hunt.probes.core.page_allocations import PAGE_ALLOCATIONS
from anyclue.hunt.probes.core.page_owner import PAGE_OWNER
from anyclue.hunt.probes.core.page_references import PAGE_REFERENCES
from anyclue.hunt.probes.core.probe import Probe
from anyclue.hunt.probes.core.slab_growth import SLAB_GROWTH
from anyclue.hunt.probes.core.slab_traces import SLAB_TRACES
from anyclue.hunt.probes.core.vmalloc_callers import VMALLOC_CALLERS

PROBES: Mapping[str, Probe] = {
    probe.name: probe
    for probe in (
        *(PAGE_ALLOCATIONS, PAGE_REFERENCES, PAGE_OWNER),
        *(SLAB_GROWTH, SLAB_TRACES, KMEMLEAK, CALL_COUNTS),
        *(VMALLOC_CALLERS, ALLOCATION_TAGS, KMAP_BALANCE, INCIDENTS),
    )
}
