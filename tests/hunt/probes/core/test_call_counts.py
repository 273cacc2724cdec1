"""Calls by caller: histograms that a real kernel printed, fewer releases, more acquisitions."""

from __future__ import annotations

from tests.hunt.probes.core.conftest import recording, symbols

from anyclue.hunt.probes.core.call_counts import ACQUIRE, RELEASE, counts
from anyclue.hunt.probes.core.differences import compare
from anyclue.hunt.probes.core.model import StackEvidence
from anyclue.hunt.probes.core.probe import SNAPSHOT_MARK, ProbeData
from anyclue.hunt.probes.core.registry import PROBES

# Real, of Debian's 6.1 for i386; rows cut.
PRINTED = """\
event free_extent_map
# event histogram
#
# trigger info: hist:keys=__probe_ret_ip.hex:vals=hitcount:sort=hitcount:size=4096 [active]
#

{ __probe_ret_ip: f7a180b5 } hitcount:          2
{ __probe_ret_ip: f79fad23 } hitcount:       1200

Totals:
    Hits: 2532
    Entries: 12
    Dropped: 4
event kmalloc
{ call_site: f7a18000 } hitcount:      77
"""
NAMES = symbols({0x1000: "first", 0x2000: "second"})
PROBE = PROBES["call-counts"]


def probe_data(rows: dict[tuple[str, int], int], *, floors: int = 4) -> ProbeData:
    """Each row is called as often in every round."""
    text = ""
    for number in range(1, floors + 1):
        text += f"{SNAPSHOT_MARK}\n"
        for (name, address), calls in rows.items():
            text += f"event {name}\n{{ call_site: {address:x} }} hitcount: {calls * number}\n"
    return ProbeData(recording=recording(), raw={"calls": text.encode()}, symbols=NAMES)


def test_histograms() -> None:
    calls, dropped = counts(PRINTED)
    assert calls == {
        ("free_extent_map", 0xF7A180B5): 2,
        ("free_extent_map", 0xF79FAD23): 1200,
        ("kmalloc", 0xF7A18000): 77,
    }
    assert dropped == 4


def test_a_release_that_is_missing_is_found_and_one_that_is_more_is_not() -> None:
    guilty = probe_data({("iput", 0x1010): 9, ("kmalloc", 0x2010): 5})
    innocent = probe_data({("iput", 0x1010): 5, ("iput", 0x2010): 600, ("kmalloc", 0x2010): 5})
    (finding,) = compare(PROBE, guilty, innocent).findings
    assert finding.what is StackEvidence.CALL
    assert (finding.subject, finding.stack[0].symbol) == ("iput", "second")
    assert finding.stack[0].offset is None  # it is the other guest's code
    assert finding.because == (
        "0 calls a round were made, over 4 rounds; in the innocent cell 600")  # fmt: skip


def test_what_is_gone_comes_before_what_is_fewer() -> None:
    guilty = probe_data({("iput", 0x1010): 13906})
    innocent = probe_data({("iput", 0x1010): 16486, ("iput", 0x2010): 1306})
    findings = compare(PROBE, guilty, innocent).findings
    assert [finding.stack[0].symbol for finding in findings] == ["second", "first"]


def test_a_guest_that_broke_is_compared_as_far_as_it_got() -> None:
    guilty = probe_data({("iput", 0x1010): 9}, floors=1)
    innocent = probe_data({("iput", 0x1010): 9, ("iput", 0x2010): 600})
    (finding,) = compare(PROBE, guilty, innocent).findings
    assert finding.stack[0].symbol == "second"
    assert "over one round" in finding.because


def test_an_acquisition_that_is_more_is_found_and_one_that_is_less_is_not() -> None:
    guilty = probe_data({("kmalloc", 0x1010): 600, ("igrab", 0x2010): 1})
    innocent = probe_data({("kmalloc", 0x1020): 0, ("igrab", 0x2010): 5})
    (finding,) = compare(PROBE, guilty, innocent).findings
    assert (finding.subject, finding.guilty.count_per_round) == ("kmalloc", 600)
    assert finding.stack[0].offset == 0x10


def test_without_an_innocent_cell_nothing_is_told() -> None:
    reading = compare(PROBE, probe_data({("kmalloc", 0x1010): 600}), None)
    assert (reading.findings, "no innocent cell" in reading.could_not) == ((), True)


def test_no_function_both_acquires_and_releases() -> None:
    assert not set(ACQUIRE) & set(RELEASE)
    assert len(ACQUIRE + RELEASE) == len(set(ACQUIRE + RELEASE))
