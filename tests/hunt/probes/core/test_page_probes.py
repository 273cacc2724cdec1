"""Pages that stay: by trace, by reference, by the kernel's books; which rounds count."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import pytest
from tests.hunt.probes.core.conftest import captured, recording, ring_event, ring_page, symbols

from anyclue.hunt.probes.core.differences import compare
from anyclue.hunt.probes.core.model import StackEvidence
from anyclue.hunt.probes.core.page_owner import owners
from anyclue.hunt.probes.core.page_references import ReferenceChange, unmatched
from anyclue.hunt.probes.core.probe import Probe, ProbeData, Stack
from anyclue.hunt.probes.core.registry import PROBES
from anyclue.model.recording import Recording
from anyclue.model.scenario import Cell

REAL = captured("i386")
STACK, ALLOC, FREE = 4, 645, 647
LEAK, FINE = 0x1010, 0x2010
NAMES = symbols({0x1000: "leaks", 0x2000: "is_fine", 0x3000: "beyond"})
INNOCENT = Cell(kernel="good", machine="m", mkfs="d", mount="lzo", workload="w")

Step = tuple[float, str, int, int, int]
"""Seconds, "alloc" or "free", page, order, return address."""


def traced(steps: Sequence[Step]) -> dict[str, bytes]:
    """The two traces that a guest would send; every event on a page of its own."""
    made, freed = [], []
    for at, what, pfn, order, address in steps:
        time = round(at * 1e9)
        head = bytes(6) + struct.pack("<II", pfn, order)
        if what == "alloc":
            event = ring_event(ALLOC, 0, head + bytes(8))
            stack = ring_event(STACK, 0, bytes(6) + struct.pack("<iI", 1, address))
            made.append(ring_page([event, stack], time))
        else:
            freed.append(ring_page([ring_event(FREE, 0, head)], time))
    parts = {name: REAL[name] for name in ("header-page", "formats")}
    return {**parts, "allocated-cpu0": b"".join(made), "freed-cpu0": b"".join(freed)}


def probe_data(raw: dict[str, bytes], of: Recording | None = None) -> ProbeData:
    return ProbeData(recording=of or recording(), raw=raw, symbols=NAMES)


def leaking(per_round: int, *, order: int = 0) -> list[Step]:
    """Pages of which ``per_round`` stay in each of four rounds, and as many that come and go."""
    steps: list[Step] = []
    for number in range(1, 5):
        for n in range(per_round):
            pfn = (number * 1000 + n) << order
            steps.append((number * 10 + 1.0, "alloc", pfn, order, LEAK))
            steps.append((number * 10 + 1.0, "alloc", 1 << 20 | n, 0, FINE))
            steps.append((number * 10 + 2.0, "free", 1 << 20 | n, 0, 0))
    return sorted(steps)


PAGES: Probe = PROBES["page-allocations"]


def test_what_stays_in_the_guilty_guest_is_found() -> None:
    reading = compare(
        PAGES, probe_data(traced(leaking(5))), probe_data(traced([]), recording(cell=INNOCENT))
    )
    (finding,) = reading.findings
    assert finding.what is StackEvidence.ALLOCATION
    assert [frame.symbol for frame in finding.stack] == ["leaks"]
    assert (finding.guilty.count_per_round, finding.guilty.kib_per_round) == (5, 20)
    assert finding.innocent is not None
    assert finding.innocent.count_per_round == 0
    assert (reading.rounds, reading.could_not, reading.innocent) == (2, "", INNOCENT)
    assert (
        finding.because == "5 pages (20 KiB) a round stayed, over 2 rounds; in the innocent cell 0"
    )


def test_what_stays_in_both_is_not_found() -> None:
    assert (
        compare(PAGES, probe_data(traced(leaking(5))), probe_data(traced(leaking(5)))).findings
        == ()
    )
    more = compare(PAGES, probe_data(traced(leaking(6))), probe_data(traced(leaking(5))))
    assert [f.innocent.count_per_round for f in more.findings if f.innocent] == [5]


def test_without_an_innocent_cell_all_that_stays_is_found() -> None:
    (finding,) = compare(PAGES, probe_data(traced(leaking(5))), None).findings
    assert finding.innocent is None
    assert "no innocent cell" in finding.because


def test_what_is_given_back_one_round_later_does_not_stay() -> None:
    kept = [(n * 10 + 1.0, "alloc", n, 0, LEAK) for n in range(1, 5)]
    given = [((n + 1) * 10 + 1.0, "free", n, 0, 0) for n in range(1, 4)]
    assert compare(PAGES, probe_data(traced(sorted([*kept, *given]))), None).findings == ()


def test_one_round_alone_is_no_finding() -> None:
    once: list[Step] = [(21.0, "alloc", n, 0, LEAK) for n in range(50)]
    assert compare(PAGES, probe_data(traced(once)), None).findings == ()


def test_a_block_is_freed_in_pieces() -> None:
    steps = leaking(2, order=2)
    freed: list[Step] = [
        (number * 10 + 3.0, "free", ((number * 1000 + n) << 2) + piece, 0, 0)
        for number in range(1, 5)
        for n in range(2)
        for piece in range(3)
    ]
    (finding,) = compare(PAGES, probe_data(traced(sorted([*steps, *freed]))), None).findings
    assert finding.guilty.count_per_round == 2


def test_what_cannot_be_judged_says_so() -> None:
    few = compare(PAGES, probe_data(traced(leaking(5)), recording(rounds=2)), None)
    assert (few.findings, "three rounds" in few.could_not) == ((), True)
    assert compare(PAGES, probe_data({}), None).could_not == "the trace did not come home"
    beside = compare(PAGES, probe_data(traced(leaking(5))), probe_data({}))
    assert (beside.findings, "innocent" in beside.could_not) == ((), True)


def test_losses_of_both_guests_are_told() -> None:
    raw = {**traced(leaking(1)), "stats": b"overrun: 7\n"}
    assert compare(PAGES, probe_data(raw), probe_data(raw)).lost == {
        "overrun events (guilty)": 7,
        "overrun events (innocent)": 7,
    }


WRITE, LZO, TRUNCATE, LRU = (1, 10, 100), (2, 20, 200), (3, 300), (4, 400)


def test_the_get_without_its_put_is_named() -> None:
    """The seed's bug: the reference that LZO took is the one that nobody put."""
    changes = [
        ReferenceChange(time=1, amount=1, absolute=True, stack=WRITE),  # allocated
        ReferenceChange(time=2, amount=1, absolute=False, stack=(5, *WRITE)),  # into the page cache
        ReferenceChange(time=3, amount=1, absolute=False, stack=LRU),
        ReferenceChange(
            time=4, amount=-1, absolute=False, stack=(6, *WRITE)
        ),  # the write puts its own
        ReferenceChange(time=5, amount=1, absolute=False, stack=LZO),
        ReferenceChange(time=6, amount=-1, absolute=False, stack=(7, *LRU)),
        ReferenceChange(time=7, amount=0, absolute=True, stack=TRUNCATE),  # frozen at two
        ReferenceChange(time=8, amount=1, absolute=True, stack=TRUNCATE),
    ]
    assert unmatched(changes, names) == [LZO]


def test_all_gets_have_their_puts() -> None:
    changes = [
        ReferenceChange(time=1, amount=1, absolute=True, stack=WRITE),
        ReferenceChange(time=2, amount=1, absolute=False, stack=LZO),
        ReferenceChange(time=3, amount=-1, absolute=False, stack=(9, *LZO)),
        ReferenceChange(time=4, amount=-1, absolute=False, stack=TRUNCATE),
    ]
    assert unmatched(changes, names) == []


def names(stack: Stack) -> tuple[str, ...]:
    return tuple(map(str, stack))


def test_the_books_of_page_owner() -> None:
    text = (
        "Page allocated via order 1, mask 0x1(GFP), pid 7, tgid 7 (x), ts 21000000000 ns, "
        "free_ts 0 ns\n"
        "PFN 0x12 type Unmovable Block 0 type Unmovable Flags 0x0()\n"
        " prep_new_page+0x1/0x2\n leaks+0x10/0x40 [btrfs]\nCharged to memcg x\n\n"
        "Page allocated via order 99999, mask 0x1(GFP), pid 7, ts 1 ns\n\nnonsense\n\n"
    )
    ((frames, time, pages),) = owners(text)
    assert [(f.symbol, f.module) for f in frames] == [("prep_new_page", None), ("leaks", "btrfs")]
    assert (time, pages) == (21_000_000_000, 2)


@pytest.mark.parametrize("name", list(PROBES))
def test_no_probe_trips_over_a_guest_that_sent_nothing(name: str) -> None:
    reading = compare(PROBES[name], probe_data({}, recording(rounds=0)), None)
    assert reading.findings == ()
    assert reading.could_not or name == "incidents"


@pytest.mark.parametrize("name", list(PROBES))
def test_no_probe_trips_over_nonsense(name: str) -> None:
    files = ("alloc-traces", "slabinfo", "vmallocinfo", "allocinfo", "kmemleak", "page-owner")
    traces = ("stats", "formats", "allocated-cpu0", "made-cpu0", "references-cpu0")
    no_fields = b"".join(
        f"name: {event}\nID: {number}\nformat:\n".encode()
        for number, event in enumerate(("mm_page_alloc", "mm_page_free", "kernel_stack"), start=1)
    )
    kinds = (b"\xff\x00" * 5000, b"unreferenced object 0x (size 9" * 99, b"cache \n 5 \n" * 99)
    for nonsense in (*kinds, no_fields):
        raw = dict.fromkeys((*files, *traces), nonsense)
        compare(PROBES[name], probe_data({**raw, "header-page": REAL["header-page"]}), None)
