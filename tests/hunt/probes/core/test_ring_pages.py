"""Ring-buffer pages: every kind of event, what a real i386 guest sent, gaps, and nonsense."""

from __future__ import annotations

import struct
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hunt.probes.core.conftest import PAGE, captured, ring_event, ring_page

from anyclue.hunt.probes.core.ftrace import Instance, losses, read_trace
from anyclue.hunt.probes.core.ring_pages import Layout, LostEvents, events, read_layout
from anyclue.hunt.probes.core.symbols import read_symbols

REAL = captured("i386")
ALLOCATED = Instance(name="allocated", events=("kmem/mm_page_alloc",), stacks=True)


def layout() -> Layout:
    found = read_layout(REAL["header-page"], REAL["formats"])
    assert found is not None
    return found


def decoded(*pages: bytes) -> list[tuple[int, int, bytes]]:
    return list(events(b"".join(pages), layout(), LostEvents()))


def test_the_layout_of_a_real_kernel() -> None:
    found = layout()
    assert (found.page, found.data, found.word) == (PAGE, 12, 4)
    assert set(found.formats) == {"kernel_stack", "mm_page_alloc", "mm_page_free"}
    assert found.formats["mm_page_alloc"].fields["pfn"].offset == 8


def test_a_real_trace() -> None:
    """What the guest of the lzo leak sent from the beginning of its second round."""
    trace = read_trace(REAL)
    assert trace is not None
    found = trace.events(ALLOCATED)
    assert [event.time for event in found] == sorted(event.time for event in found)
    assert Counter(event.name for event in found) == {"mm_page_alloc": 77}
    known = read_symbols(REAL["kallsyms"], REAL["sections"])
    stacks = Counter(tuple(known.frame(a).symbol for a in event.stack) for event in found)
    ((stack, count),) = stacks.most_common(1)
    assert count == 60
    assert stack[:4] == (
        "__alloc_pages",
        "__folio_alloc",
        "__filemap_get_folio",
        "pagecache_get_page",
    )
    assert stack[-1] == "entry_SYSENTER_32"
    assert losses(trace, REAL) == {}


def test_times_and_long_data() -> None:
    extend = struct.pack("<II", 30 | 1 << 5, 2)  # 1 + (2 << 27)
    stamp = struct.pack("<II", 31 | 7 << 5, 1)  # (1 << 27) + 7
    discarded = struct.pack("<III", 29 | 5 << 5, 8, 0)
    page = ring_page(
        [
            ring_event(9, 3, b"ab"),
            extend,
            ring_event(9, 0, bytes(200)),
            discarded,
            ring_event(8, 0, b""),
            stamp,
            ring_event(9, 1, b""),
        ],
        time=100,
    )
    after_extend = 103 + 1 + (2 << 27)
    times = [(time, number) for time, number, _ in decoded(page)]
    assert times == [(103, 9), (after_extend, 9), (after_extend + 5, 8), ((1 << 27) + 8, 9)]
    assert len(decoded(page)[1][2]) == 204


def test_padding_ends_a_page_and_pages_follow_each_other() -> None:
    first = ring_page([ring_event(9, 1, b""), struct.pack("<II", 29, 0), ring_event(9, 1, b"")])
    assert len(decoded(first, ring_page([ring_event(9, 1, b"")]))) == 2


def test_a_gap_is_counted() -> None:
    lost = LostEvents()
    page = ring_page([], flags=1 << 31 | 1 << 30, tail=struct.pack("<I", 77))
    assert list(events(page * 2, layout(), lost)) == []
    assert (lost.events, lost.pages) == (154, 2)


def test_overruns_are_counted() -> None:
    stats = b"entries: 9\noverrun: 12\ncommit overrun: 0\ndropped events: 3\noverrun: 5\n"
    raw = {**REAL, "stats": stats, "allocated-cpu0": b""}
    trace = read_trace(raw)
    assert trace is not None
    assert losses(trace, raw) == {"overrun events": 17, "dropped events": 3}


@given(st.binary(max_size=3 * PAGE))
def test_nonsense_decodes_to_something_or_nothing(stream: bytes) -> None:
    for _, number, data in events(stream, layout(), LostEvents()):
        assert number <= 0xFFFF
        assert len(data) < PAGE


@pytest.mark.parametrize("cut", [b"", b"field: u64 timestamp; offset:0; size:8;", b"\xff" * 99])
def test_without_a_layout_there_is_no_trace(cut: bytes) -> None:
    assert read_trace({"header-page": cut, "formats": REAL["formats"]}) is None
