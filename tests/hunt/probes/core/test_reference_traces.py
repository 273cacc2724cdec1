"""A trace of references, in the formats of a real kernel built with page_ref: who did not put."""

from __future__ import annotations

import struct

import pytest
from tests.hunt.probes.core.conftest import captured, recording, ring_event, ring_page, symbols

from anyclue.hunt.probes.core import page_references
from anyclue.hunt.probes.core.differences import compare
from anyclue.hunt.probes.core.model import StackEvidence
from anyclue.hunt.probes.core.probe import ProbeData
from anyclue.hunt.probes.core.registry import PROBES
from anyclue.model.verdict import Signature

FORMATS = captured("references")
STACK, MOD, UNLESS, FREEZE, UNFREEZE, SET, ALLOC, FREE = 4, 252, 249, 248, 247, 253, 214, 216
NAMES = symbols({0x1000: "vfs_write", 0x2000: "prepare_pages", 0x3000: "lzo_compress_pages",
                 0x4000: "evict", 0x5000: "worker_thread"})  # fmt: skip
WRITE, LZO, EVICT = (0x2010, 0x1010), (0x3010, 0x5010), (0x4010,)
PROBE = PROBES["page-references"]


class Guest:
    """Writes the two traces of a guest; each call is 1 ms after the one before."""

    def __init__(self) -> None:
        self.pages = b""
        self.references = b""
        self.now = 0

    def begin_round(self, number: int) -> None:
        self.now = number * 10**10 + 10**9

    def allocated(self, pfn: int) -> None:
        self.change(SET, pfn, 1, WRITE)  # a page is set to one before it is given out
        self._page(ALLOC, pfn)

    def freed(self, pfn: int) -> None:
        self._page(FREE, pfn)

    def _page(self, number: int, pfn: int) -> None:
        self.now += 10**6
        event = ring_event(number, 0, bytes(6) + struct.pack("<II", pfn, 0) + bytes(8))
        self.pages += ring_page([event], self.now)

    def change(
        self, number: int, pfn: int, value: int, stack: tuple[int, ...], *, done: int = 1
    ) -> None:
        self.now += 10**6
        body = bytes(6) + struct.pack("<I", pfn) + bytes(20) + struct.pack("<ii", value, done)
        callers = bytes(6) + struct.pack(f"<i{len(stack)}I", len(stack), *stack)
        events = [ring_event(number, 0, body), ring_event(STACK, 0, callers)]
        self.references += ring_page(events, self.now)

    def probe_data(self) -> ProbeData:
        raw = {**FORMATS, "pages-cpu0": self.pages, "references-cpu0": self.references}
        return ProbeData(recording=recording(), raw=raw, symbols=NAMES)


def guest(*, put_missing: bool, pages: int = 3) -> Guest:
    """A page cache: written, compressed, truncated; in the bad kernel LZO keeps its reference."""
    made = Guest()
    for number in range(1, 5):
        made.begin_round(number)
        for n in range(pages):
            pfn = number * 100 + n
            made.allocated(pfn)
            made.change(MOD, pfn, 1, WRITE)  # into the page cache
            made.change(MOD, pfn, -1, WRITE)
            made.change(UNLESS, pfn, 1, LZO, done=0)  # that get failed
            made.change(UNLESS, pfn, 1, LZO)
            if not put_missing:
                made.change(MOD, pfn, -1, LZO)
            made.change(FREEZE, pfn, 9, EVICT, done=0)
            if put_missing:
                made.change(MOD, pfn, -1, EVICT)
            else:
                made.change(FREEZE, pfn, 1, EVICT)
                made.freed(pfn)
    return made


def test_who_did_not_put_is_named() -> None:
    bad, good = guest(put_missing=True).probe_data(), guest(put_missing=False).probe_data()
    (finding,) = compare(PROBE, bad, good).findings
    assert [frame.symbol for frame in finding.stack] == ["lzo_compress_pages", "worker_thread"]
    assert finding.what is StackEvidence.REFERENCE
    assert finding.signature is Signature.PAGE_CACHE_REFERENCE
    assert (finding.guilty.count_per_round, finding.guilty.kib_per_round) == (3, 12)


def test_where_nothing_stays_nothing_is_named() -> None:
    good = guest(put_missing=False).probe_data()
    reading = compare(PROBE, good, good)
    assert (reading.findings, reading.could_not, reading.rounds) == ((), "", 2)


def test_of_many_pages_a_sample_stands_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_references, "MOST_PAGES", 40)
    bad = guest(put_missing=True, pages=99).probe_data()
    (finding,) = compare(PROBE, bad, None).findings
    assert finding.guilty.count_per_round == pytest.approx(99)
