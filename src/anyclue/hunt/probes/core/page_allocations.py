"""Pages that were allocated and not freed, by the stack that allocated them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from anyclue.hunt.probes.core import ftrace
from anyclue.hunt.probes.core.ftrace import Instance, TracepointEvent
from anyclue.hunt.probes.core.model import StackEvidence
from anyclue.hunt.probes.core.probe import Measurement, Probe, ProbeData, Residue, Stack
from anyclue.hunt.probes.core.ring_pages import Format
from anyclue.hunt.probes.core.rounds import TOO_FEW_ROUNDS, spans
from anyclue.model.verdict import Signature

ALLOCATED = Instance(name="allocated", events=("kmem/mm_page_alloc",), stacks=True)
FREED = Instance(name="freed", events=("kmem/mm_page_free",), stacks=False)
INSTANCES = (ALLOCATED, FREED)
PAGE_KIB = 4
MOST_ORDER = 10


def live_pages(
    events: Iterable[TracepointEvent], formats: Mapping[str, Format]
) -> dict[int, tuple[int, Stack]]:
    """Return the pages that are allocated after ``events``: by number, since when, by whom."""
    pages: dict[int, tuple[int, Stack]] = {}
    for event in events:
        pfn = formats[event.name].of("pfn", event.data)
        order = formats[event.name].of("order", event.data)
        # A block may be freed in other pieces than it was allocated in.
        block = range(pfn, pfn + (1 << min(order, MOST_ORDER)))
        if event.name == "mm_page_alloc":
            entry = (event.time, event.stack)
            for page in block:
                pages[page] = entry
        else:
            for page in block:
                pages.pop(page, None)
    return pages


def measure(data: ProbeData) -> Measurement:
    """Return what stayed, by stack."""
    trace = ftrace.read_trace(data.raw)
    counted = spans(data.recording)
    if trace is None or not {"mm_page_alloc", "mm_page_free"} <= trace.layout.formats.keys():
        return Measurement(could_not="the trace did not come home")
    if not counted.count:
        return Measurement(could_not=TOO_FEW_ROUNDS)
    events = [e for e in trace.events(*INSTANCES) if e.time <= counted.last_floor]
    pages = live_pages(events, trace.layout.formats)
    by_stack = counted.by_round((stack, time, 1.0) for time, stack in pages.values())
    return Measurement(
        residues=tuple(
            Residue(
                what=StackEvidence.ALLOCATION,
                signature=None,
                stack=stack,
                counts=counts,
                kib=tuple(count * PAGE_KIB for count in counts),
            )
            for stack, counts in by_stack.items()
        ),
        rounds=counted.count,
        lost=ftrace.losses(trace, data.raw),
    )


PAGE_ALLOCATIONS = Probe(
    name="page-allocations",
    summary="pages that were allocated and not freed, by the stack that allocated them",
    needs="tracefs with the events kmem:mm_page_alloc and kmem:mm_page_free (CONFIG_FTRACE)",
    costs="a stack for every page that is allocated; ring buffers of 16 MiB",
    cannot_see="who holds a page that was allocated innocently: a page-cache page that leaks shows "
    "the write or read that brought it in; pages that alloc_pages_bulk() takes have no event",
    unit="pages",
    signatures=frozenset(
        {
            Signature.PAGE_CACHE_REFERENCE,
            Signature.RAW_PAGES,
            Signature.PAGE_TABLES,
            Signature.KERNEL_STACKS,
        }
    ),
    available=ftrace.available(INSTANCES),
    start=lambda cpus: ftrace.begin(INSTANCES, cpus),
    floor=ftrace.AT_FLOOR,
    collect=ftrace.end(INSTANCES),
    measure=measure,
)
