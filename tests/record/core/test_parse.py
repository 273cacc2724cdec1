"""The raw recording: captured lines of the kernel log, cut short, damaged, and anything at all."""

from __future__ import annotations

import gzip
import json
import zlib
from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from anyclue.fstests.core.kmsg import begun_test
from anyclue.model.machine_recording import WHOLE_COMMAND, MachineRecording, RecordedMachine
from anyclue.record.core.parse import Record, parse_recording, parse_records, unpacked

DATA = Path(__file__).parents[2] / "recordings/data"
MACHINE = RecordedMachine(
    command=("./check",),
    hz=5.0,
    quiesce=False,
    release="6.18",
    machine="x86_64",
    host="vm",
    cpus=2,
    begin="2026-11-23T00:00:00Z",
    unread={},
)
PROC = {name: (DATA / f"{name}-6.18.txt").read_bytes() for name in ("meminfo", "zoneinfo")}
# Records of /dev/kmsg; the first two have the words that `check` of fstests writes there.
KMSG = [
    b"12,1180,38920118724,-;run fstests generic/001 at 2026-11-23 01:54:11\n",
    b"12,1187,38921320811,-;run fstests btrfs/024 at 2026-11-23 01:54:12\n SUBSYSTEM=x\n",
    b"6,1188,38921340811,-;BTRFS info (device loop0): use lzo compression, level 1\n",
    b"12,1189,38921340900,-;my words: run fstests generic/002 at 2026-11-23 01:54:12\n",
]
S = 10**9


def event(t_s: float, what: str, **fields: object) -> Record:
    return "event", int(t_s * S), json.dumps({"what": what, **fields}).encode()


def sample(t_s: float) -> list[Record]:
    return [(name, int(t_s * S), text) for name, text in PROC.items()]


def a_check() -> list[Record]:
    """Two tests, a quiet second before and behind."""
    records = [*sample(0), event(1, "begin")]
    records += [("kmsg", 2 * S, KMSG[0]), *sample(2), *sample(3)]
    records += [("kmsg", 4 * S, KMSG[1]), ("kmsg", 4 * S, KMSG[2]), ("kmsg", 4 * S, KMSG[3])]
    records += [*sample(4), *sample(5), event(6, "command-end", status=1), *sample(7)]
    return [*records, event(8, "end", why="ended", status=1)]


def packed(records: list[Record]) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    pieces = []
    for name, time_ns, data in records:
        pieces.append(packer.compress(b"%s %d %d\n" % (name.encode(), time_ns, len(data)) + data))
        pieces.append(packer.flush(zlib.Z_SYNC_FLUSH))
    return b"".join(pieces)


def read(stream: bytes) -> MachineRecording:
    return parse_recording(MACHINE, parse_records(unpacked([stream])))


def test_tests_and_their_boundaries() -> None:
    recorded = read(packed(a_check()))
    assert [(s.test, s.begin_s, s.end_s) for s in recorded.spans] == [
        ("generic/001", 2.0, 4.0),
        ("btrfs/024", 4.0, 6.0),
    ]
    assert [s.log_lines for s in recorded.spans] == [(0, 1), (1, 4)]
    assert (recorded.ended, recorded.status, recorded.command_s) == ("ended", 1, (1.0, 6.0))
    assert len(recorded.timeline) == 6
    assert {"meminfo.MemFree", "pcp.total"} <= recorded.timeline[0].counters.keys()


def test_only_what_check_wrote_is_a_test() -> None:
    assert begun_test("run fstests generic/001 at 2026-11-23 01:54:11") == "generic/001"
    assert begun_test("run fstests generic/001-two.words at 2026-11-23 01:54:11") is not None
    for text in ("my run fstests generic/001 at 2026", "run fstests ../001 at 2026", "run fst"):
        assert begun_test(text) is None


def test_the_kernel_log_is_on_the_clock_of_the_samples() -> None:
    lines = read(packed(a_check())).kernel_log
    assert [round(line.t_s, 1) for line in lines] == [2.0, 3.2, 3.2, 3.2]


def test_cut_short_anywhere_no_test_gets_an_end_that_it_did_not_have() -> None:
    whole = packed(a_check())
    for size in range(0, len(whole), 7):
        recorded = read(whole[:size])
        assert recorded.ended is None
        for span in recorded.spans:
            assert span.end_s in {None, 4.0, 6.0}
            if span.test == "btrfs/024" and span.end_s is not None:
                assert recorded.command_s == (1.0, 6.0)


def test_joined_midway() -> None:
    records = [("kmsg-before", 0, KMSG[0]), event(1, "begin"), *a_check()[6:]]
    first, second = parse_recording(MACHINE, records).spans
    assert (first.test, first.joined, first.end_s) == ("generic/001", True, 4.0)
    assert (second.test, second.joined) == ("btrfs/024", False)


def test_no_test_at_all() -> None:
    (span,) = parse_recording(MACHINE, [*sample(0), event(1, "begin"), *sample(2)]).spans
    assert (span.test, span.end_s, span.joined) == (WHOLE_COMMAND, None, False)


def test_repetitions_are_counted() -> None:
    records = [event(0, "begin"), *(("kmsg", k * S, KMSG[0]) for k in range(1, 4))]
    assert [s.number for s in parse_recording(MACHINE, records).spans] == [1, 2, 3]


@given(st.binary(max_size=300))
def test_any_bytes_are_no_crash(data: bytes) -> None:
    read(data)
    read(gzip.compress(data))
    assert all(len(record) == 3 for record in parse_records([data]))


NAMES = st.sampled_from(
    ["meminfo", "zoneinfo", "slabinfo", "vmallocinfo", "kmsg", "kmsg-before", "kmsg-lost", "event"]
)
DATA_OF = st.one_of(
    st.binary(max_size=80),
    st.sampled_from(KMSG),
    st.sampled_from(["begin", "command-end", "end", "floor-begin", "floor-end"]).map(
        lambda what: json.dumps({"what": what}).encode()
    ),
)


@settings(max_examples=200)
@given(st.lists(st.tuples(NAMES, st.integers(0, 10**12), DATA_OF), max_size=20))
def test_any_records_are_no_crash_and_no_finished_test(records: list[Record]) -> None:
    recorded = parse_recording(MACHINE, records)
    ends = [s.end_s for s in recorded.spans]
    if recorded.command_s is None or recorded.command_s[1] is None:
        assert not ends or ends[-1] is None


@settings(max_examples=50)
@given(st.data())
def test_damage_is_no_crash(data: st.DataObject) -> None:
    whole = bytearray(packed(a_check()))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    read(bytes(whole))


@settings(max_examples=50)
@given(st.lists(st.integers(0, 400), max_size=8))
def test_pieces_do_not_matter(cuts: list[int]) -> None:
    records = [("kmsg", k, text) for k, text in enumerate(KMSG)]
    stream = b"".join(b"kmsg %d %d\n" % (k, len(text)) + text for _, k, text in records)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[a:b] for a, b in pairwise(edges)]
    assert list(parse_records(pieces)) == records
