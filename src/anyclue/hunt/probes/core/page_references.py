"""References on leaked pages that were got and not put, by the stack that got them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from anyclue.hunt.probes.core import ftrace
from anyclue.hunt.probes.core.ftrace import Instance, TracepointEvent
from anyclue.hunt.probes.core.model import StackEvidence
from anyclue.hunt.probes.core.page_allocations import PAGE_KIB, live_pages
from anyclue.hunt.probes.core.probe import Measurement, Probe, ProbeData, Residue, Stack
from anyclue.hunt.probes.core.ring_pages import Format
from anyclue.hunt.probes.core.rounds import TOO_FEW_ROUNDS, spans
from anyclue.model.scenario import DebugOption
from anyclue.model.verdict import Signature

CHANGES = ("page_ref_mod", "page_ref_mod_and_test", "page_ref_mod_and_return")
CONDITIONAL = ("page_ref_mod_unless",)
FROZEN = ("page_ref_freeze", "page_ref_unfreeze", "page_ref_set")
REFERENCES = Instance(
    name="references",
    events=tuple(f"page_ref/{name}" for name in (*CHANGES, *CONDITIONAL, *FROZEN)),
    stacks=True,
)
PAGES = Instance(name="pages", events=("kmem/mm_page_alloc", "kmem/mm_page_free"), stacks=False)
INSTANCES = (REFERENCES, PAGES)
MOST_PAGES = 2000
"""Leaked pages whose references are matched: a sample, evenly drawn, of more."""


@dataclass(frozen=True, kw_only=True)
class ReferenceChange:
    """One change of a page's reference count: by how much, or (``absolute``) to what."""

    time: int
    amount: int
    absolute: bool
    stack: Stack


def reference_change(
    event: TracepointEvent, formats: Mapping[str, Format]
) -> ReferenceChange | None:
    """Return what an event changed; None where it failed, or is none."""
    shape = formats[event.name]
    value = _signed(shape.of("val", event.data))
    if event.name in CONDITIONAL and not shape.of("ret", event.data):
        return None
    if event.name == "page_ref_freeze":
        if not shape.of("ret", event.data):
            return None
        return ReferenceChange(time=event.time, amount=0, absolute=True, stack=event.stack)
    absolute = event.name in FROZEN
    return ReferenceChange(time=event.time, amount=value, absolute=absolute, stack=event.stack)


def _signed(value: int) -> int:
    return value - (1 << 32) if value >= 1 << 31 else value


def unmatched(
    changes: Sequence[ReferenceChange], names: Callable[[Stack], tuple[str, ...]]
) -> list[Stack]:
    """Return the stacks that got a reference which no put is for.

    Gets and puts are matched by how much of their call chains is one, from the outside in; those
    that share most first, and of equals the oldest get.
    """
    gets: list[Stack] = []
    puts: list[Stack] = []
    count = 0
    for one in changes:
        # A count that is set says how many references there are: what differs, came or went here.
        amount = one.amount - count if one.absolute else one.amount
        count += amount
        (gets if amount > 0 else puts).extend([one.stack] * abs(amount))
    pairs = sorted(
        (
            (-_shared(names(get), names(put)), number, other)
            for number, get in enumerate(gets)
            for other, put in enumerate(puts)
        )
    )
    matched_gets: set[int] = set()
    matched_puts: set[int] = set()
    for _, get, put in pairs:
        if get not in matched_gets and put not in matched_puts:
            matched_gets.add(get)
            matched_puts.add(put)
    return [stack for number, stack in enumerate(gets) if number not in matched_gets]


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """Return how many outermost frames two stacks share."""
    count = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if a != b:
            break
        count += 1
    return count


def measure(data: ProbeData) -> Measurement:
    """Return the gets without a put on pages that stayed, by stack."""
    trace = ftrace.read_trace(data.raw)
    counted = spans(data.recording)
    wanted = {event.partition("/")[2] for one in INSTANCES for event in one.events}
    if trace is None or not wanted <= trace.layout.formats.keys():
        return Measurement(could_not="the trace did not come home")
    if not counted.count:
        return Measurement(could_not=TOO_FEW_ROUNDS)
    formats = trace.layout.formats
    pages = [e for e in trace.events(PAGES) if e.time <= counted.last_floor]
    stayed = {
        pfn: time
        for pfn, (time, _) in live_pages(pages, formats).items()
        if counted.of(time) is not None
    }
    chosen = _sample(sorted(stayed))
    since = {page: stayed[page] for page in chosen}
    # A trace of references is long: what is of other pages is not kept.
    changes = trace.events(REFERENCES, wanted=lambda event: _page(event, formats) in since)
    histories = _histories(changes, formats, since)

    @lru_cache(maxsize=100_000)
    def names(stack: Stack) -> tuple[str, ...]:
        return tuple(data.symbols.frame(address).symbol for address in stack)

    share = len(stayed) / len(chosen) if chosen else 1.0
    born = (
        (stack, stayed[pfn], share)
        for pfn, changes in histories.items()
        for stack, _ in Counter(unmatched(changes, names)).items()
    )
    return Measurement(
        residues=tuple(
            Residue(
                what=StackEvidence.REFERENCE,
                signature=Signature.PAGE_CACHE_REFERENCE,
                stack=stack,
                counts=counts,
                kib=tuple(count * PAGE_KIB for count in counts),
            )
            for stack, counts in counted.by_round(born).items()
        ),
        rounds=counted.count,
        lost=ftrace.losses(trace, data.raw),
    )


def _page(event: TracepointEvent, formats: Mapping[str, Format]) -> int:
    return formats[event.name].of("pfn", event.data)


def _sample(pages: Sequence[int]) -> list[int]:
    step = max(1, -(-len(pages) // MOST_PAGES))
    return list(pages[::step])


def _histories(
    events: Iterable[TracepointEvent], formats: Mapping[str, Format], since: dict[int, int]
) -> dict[int, list[ReferenceChange]]:
    """Return, by page, the changes since it was allocated; the allocation itself sets it to one."""
    found: dict[int, list[ReferenceChange]] = defaultdict(list)
    waiting: dict[int, list[ReferenceChange]] = defaultdict(list)
    for event in events:
        pfn = _page(event, formats)
        made = reference_change(event, formats)
        if made is None:
            continue
        if made.absolute and made.amount == 1 and made.time <= since[pfn]:
            # The page is about to be given out: the event of the allocation follows.
            waiting[pfn] = [made]
        elif made.time > since[pfn]:
            found[pfn].append(made)
    return {pfn: [*waiting[pfn], *found[pfn]] for pfn in since}


PAGE_REFERENCES = Probe(
    name="page-references",
    summary="references on leaked pages that were got and not put, by the stack that got them",
    needs='the tracepoints page_ref:* (CONFIG_DEBUG_PAGE_REF: `debug = ["page_ref"]`)',
    debug=DebugOption.PAGE_REF,
    costs="a stack for every change of a page's reference count: many for each page",
    cannot_see="which get a put was for is inferred from their call chains",
    unit="references",
    signatures=frozenset({Signature.PAGE_CACHE_REFERENCE}),
    available=ftrace.available(INSTANCES),
    start=lambda cpus: ftrace.begin(INSTANCES, cpus),
    floor=ftrace.AT_FLOOR,
    collect=ftrace.end(INSTANCES),
    measure=measure,
)
