"""Mappings of pages that were made and not undone, by the stack that made them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from anyclue.hunt.probes.core import ftrace
from anyclue.hunt.probes.core.ftrace import Instance, TracepointEvent
from anyclue.hunt.probes.core.model import StackEvidence
from anyclue.hunt.probes.core.probe import (
    TRACEFS,
    Measurement,
    Probe,
    ProbeData,
    Residue,
    Stack,
    require_files,
    shell,
)
from anyclue.hunt.probes.core.ring_pages import Format
from anyclue.hunt.probes.core.rounds import spans
from anyclue.model.verdict import Signature

GROUP = "anyclue_kmap"
# Each with the function at which it is, and what is fetched. A local mapping is known by the
# address that it got, which only the return has; one of kmap() by its page.
POINTS = {
    "map_local": ("p", "__kmap_local_page_prot", ""),
    "mapped_local": ("r", "__kmap_local_page_prot", "what=$retval"),
    "unmap_local": ("p", "kunmap_local_indexed", "what=$arg1"),
    "map_high": ("p", "kmap_high", "what=$arg1"),
    "mapped_high": ("r", "kmap_high", ""),
    "unmap_high": ("p", "kunmap_high", "what=$arg1"),
}
MADE = Instance(name="made", events=(f"{GROUP}/map_local", f"{GROUP}/map_high"), stacks=True)
UNDONE = Instance(
    name="undone",
    events=tuple(f"{GROUP}/{name}" for name in POINTS if not name.startswith("map_")),
    stacks=False,
)
INSTANCES = (MADE, UNDONE)
PAGE_MASK = ~4095


def unmatched(
    events: Iterable[TracepointEvent], formats: Mapping[str, Format]
) -> list[tuple[int, Stack]]:
    """Return the mappings that nobody undid: when, and by which stack."""
    begun: dict[tuple[str, int], list[TracepointEvent]] = defaultdict(list)
    made: dict[tuple[str, int], list[tuple[int, Stack]]] = defaultdict(list)
    for event in events:
        shape = formats[event.name]
        verb, _, kind = event.name.partition("_")
        task = (kind, shape.of("common_pid", event.data))
        what = shape.of("what", event.data)
        if verb == "map":
            begun[task].append(event)
        elif verb == "mapped" and begun[task]:
            begin = begun[task].pop()
            if kind == "high":
                what = formats[begin.name].of("what", begin.data)
            caller = shape.of("__probe_ret_ip", event.data)
            made[_key(kind, what)].append((begin.time, _stack(begin.stack, caller)))
        elif verb == "unmap" and made[_key(kind, what)]:
            made[_key(kind, what)].pop()
    return [mapping for left in made.values() for mapping in left]


def _key(kind: str, what: int) -> tuple[str, int]:
    """Name a mapping: by its address without the offset in the page, or by its page."""
    return kind, what & PAGE_MASK if kind == "local" else what


def _stack(stack: Stack, caller: int) -> Stack:
    """Return the stack with the caller, which has no frame yet where a function begins."""
    return stack if caller in stack[:2] else (*stack[:1], caller, *stack[1:])


def measure(data: ProbeData) -> Measurement:
    """Return what stayed mapped, by stack; of a trial that broke, all of it."""
    trace = ftrace.read_trace(data.raw)
    if trace is None or not POINTS.keys() <= trace.layout.formats.keys():
        return Measurement(could_not="the trace did not come home")
    counted = spans(data.recording)
    left = unmatched(trace.events(*INSTANCES), trace.layout.formats)
    if counted.count:
        by_stack = counted.by_round((stack, time, 1.0) for time, stack in left)
    else:
        by_stack = {stack: (float(n),) for stack, n in Counter(s for _, s in left).items()}
    return Measurement(
        residues=tuple(
            Residue(
                what=StackEvidence.KMAP,
                signature=Signature.KMAP_SLOTS,
                stack=stack,
                counts=counts,
                kib=(0.0,) * len(counts),
            )
            for stack, counts in by_stack.items()
        ),
        rounds=counted.count,
        lost=ftrace.losses(trace, data.raw),
    )


_DEFINED = "\n".join(
    f"echo '{kind}:{GROUP}/{name} {function} {fetched}' >>{TRACEFS}/kprobe_events"
    for name, (kind, function, fetched) in POINTS.items()
)
_FUNCTIONS = sorted({function for _, function, _ in POINTS.values()})

KMAP_BALANCE = Probe(
    name="kmap-balance",
    summary="mappings of pages that were made and not undone, by the stack that made them",
    needs="kprobe events (CONFIG_KPROBE_EVENTS) and a kernel with high memory (32 bit)",
    costs="a stack for every mapping, an event for its end",
    cannot_see="on 64 bit nothing: mapping a page is no work there; which end was meant for which "
    "mapping where one page is mapped twice at once",
    unit="mappings",
    signatures=frozenset({None, Signature.KMAP_SLOTS}),
    available=require_files(f"{TRACEFS}/kprobe_events")
    + "\n"
    + "\n".join(
        f"grep -q ' {function}$' /proc/kallsyms || "
        f"{{ echo 'the kernel has no function {function}'; exit 1; }}"
        for function in _FUNCTIONS
    ),
    start=lambda cpus: (shell(_DEFINED), *ftrace.begin(INSTANCES, cpus)),
    floor=ftrace.AT_FLOOR,
    collect=ftrace.end(INSTANCES),
    measure=measure,
    crash_tells=True,
)
