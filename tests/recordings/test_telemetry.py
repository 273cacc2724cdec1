"""The telemetry stream: captured, cut short, hostile."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.recordings.conftest import SOURCES

from anyclue.model.recording import Mark, MarkName
from anyclue.recordings.procfs import PARSERS
from anyclue.recordings.telemetry import format_mark, parse_mark, parse_telemetry, read_telemetry


def record(name: str, time_ns: int, data: bytes) -> bytes:
    return f"{name} {time_ns} {len(data)}\n".encode() + data


def test_captured(stream: bytes, guest_proc: Mapping[str, str]) -> None:
    telemetry = parse_telemetry(stream)
    assert [line.text[:6] for line in telemetry.log] == ["btrfs:", "btrfs:", "Btrfs "]
    assert [line.level for line in telemetry.log] == [4, 5, 6]
    assert telemetry.log[0].t_s == 5.763149
    assert [sample.t_s for sample in telemetry.samples] == [6.177255059, 6.244374472]
    for name in SOURCES:
        expected = PARSERS[name](guest_proc[name])
        assert expected.items() <= telemetry.samples[0].counters.items()
    assert telemetry.marks == ()
    assert telemetry.lost_log == 0
    assert telemetry.merged_caches == {}


def test_names_of_slab_caches(stream: bytes, slab_links: str) -> None:
    """The agent sends them before the first sample that counts what they name."""
    telemetry = parse_telemetry(record("caches", 1, slab_links.encode()) + stream)
    counted = telemetry.samples[0].counters
    assert telemetry.merged_caches
    assert {f"slab_objects.{name}" for name in telemetry.merged_caches} <= counted.keys()
    assert telemetry.samples == parse_telemetry(stream).samples


def test_what_is_read_at_floors(guest_proc: Mapping[str, str]) -> None:
    """Threads are the last of a floor's records: they belong to its last sample."""
    at_floor = (record(name, 7, guest_proc[name].encode()) for name in ("mounts", "threads"))
    (sample,) = parse_telemetry(b"".join(at_floor)).samples
    assert sample.counters["mounts.rootfs"] == 1
    assert sample.counters["threads.kworker"] > 1


def test_grains_are_read_at_floors_alone() -> None:
    def mark(name: MarkName, time_ns: int) -> bytes:
        return record("mark", time_ns, format_mark(name, 1, {}).encode())

    slabs = b"full 64 64 128 32 1 : tunables 0 0 0 : slabdata 2 2 0\n"
    stream = b"".join(
        (
            *(mark(MarkName.SETTLED, 1), record("slabinfo", 2, slabs)),
            *(mark(MarkName.FLOOR_BEGIN, 3), record("slabinfo", 4, slabs)),
            *(record("slabinfo", 5, slabs), mark(MarkName.FLOOR_END, 6)),
            record("slabinfo", 7, slabs),
        )
    )
    grains = [one.counters.get("slab_grain.full") for one in parse_telemetry(stream).samples]
    assert grains == [None, 32.0, 32.0, None]


def test_cut_short_anywhere(stream: bytes) -> None:
    """Only whole records count; the places around each record's ends are all tried."""
    ends, at = [0], 0
    while at < len(stream):
        line_end = stream.index(b"\n", at) + 1
        at = line_end + int(stream[at:line_end].split()[2])
        ends.append(at)
    expected = {end: parse_telemetry(stream[:end]) for end in ends}
    places = {end + by for end in ends for by in range(-3, 40)} | set(range(0, len(stream), 997))
    for place in sorted(place for place in places if 0 <= place <= len(stream)):
        last = max(end for end in ends if end <= place)
        assert parse_telemetry(stream[:place]) == expected[last], place


def test_no_file_is_no_telemetry(tmp_path: Path) -> None:
    telemetry = read_telemetry(tmp_path / "telemetry")
    assert (telemetry.samples, telemetry.marks, telemetry.log) == ((), (), ())


@pytest.mark.parametrize(
    "bad",
    [
        b"meminfo 1 999999999\nMemFree: 1 kB\n",
        b"meminfo 1 99999999999999999999\n",
        b"meminfo 1 -1\n",
        b"meminfo -1 5\nMemFr",
        b"meminfo 1\n",
        b"meminfo  1 5\nMemFr",
        b"../meminfo 1 5\nMemFr",
        b"MEMINFO 1 5\nMemFr",
        b"x" * 100_000,
        b"\n",
        b"\0\xff 1 1\n1",
        b"meminfo \xd9\xa1 1\n1",
    ],
)
def test_what_is_no_record_ends_the_stream(bad: bytes) -> None:
    first = record("meminfo", 1, b"MemFree: 7 kB\n")
    last = record("meminfo", 2, b"MemFree: 8 kB\n")
    samples = parse_telemetry(first + bad + last).samples
    assert [dict(sample.counters) for sample in samples] == [{"meminfo.MemFree": 7.0}]


def test_names_that_nobody_knows_are_passed_over() -> None:
    stream = record("passwd", 1, b"root\n") + record("meminfo", 2, b"MemFree: 8 kB\n")
    assert [sample.t_s for sample in parse_telemetry(stream).samples] == [2e-9]


def test_samples_are_in_time_order_and_gaps_in_the_log_are_counted() -> None:
    stream = (
        record("meminfo", 5, b"MemFree: 5 kB\n")
        + record("kmsg-lost", 5, b"")
        + record("meminfo", 3, b"MemFree: 3 kB\n")
        + record("vmstat", 5, b"nr_dirty 1\n")
        + record("kmsg", 5, b"not a record")
    )
    telemetry = parse_telemetry(stream)
    assert [sample.t_s for sample in telemetry.samples] == [3e-9, 5e-9]
    assert telemetry.samples[1].counters == {"meminfo.MemFree": 5.0, "vmstat.nr_dirty": 1.0}
    assert telemetry.lost_log == 1
    assert telemetry.log == ()


def test_a_mark_goes_there_and_back() -> None:
    data: dict[str, int | float | bool | str] = {"files": 3, "x": 0.5, "y": True, "z": 'é"\n'}
    text = format_mark(MarkName.ROUND_END, 7, data)
    assert parse_mark(text, 1.5) == Mark(t_s=1.5, name=MarkName.ROUND_END, round=7, data=data)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"name": "no-such-mark", "round": 1}',
        '{"name": "full"}',
        '{"name": "full", "round": "x"}',
        '{"name": "full", "round": Infinity}',
        '{"name": "full", "round": NaN}',
        '{"name": "full", "round": 1, "data": []}',
        '{"name": ["full"], "round": 1}',
        '{"name": "full", "round": ' + "9" * 5000 + "}",
        "[" * 100_000,
        '{"name": "full", "round": 1, "data": {"a": ' + "[" * 100_000,
    ],
)
def test_what_is_no_mark(text: str) -> None:
    assert parse_mark(text, 0.0) is None


@pytest.mark.parametrize("value", ["1" * 400, "-1e300", "NaN", "Infinity", "-Infinity", str(2**65)])
def test_a_mark_carries_no_extreme_numbers(value: str) -> None:
    text = f'{{"name": "full", "round": 1, "data": {{"files": {value}, "ok": {2**64}}}}}'
    mark = parse_mark(text, 0.0)
    assert mark is not None
    assert mark.data == {"ok": 2**64}
    assert parse_mark(f'{{"name": "full", "round": {value}}}', 0.0) is None


def test_a_mark_carries_scalars_that_can_be_written_only() -> None:
    data: dict[str, object] = {
        "list": [1],
        "map": {},
        "none": None,
        "\ud800": 1,
        "half": "\udc00",
        "ok": 1,
    }
    mark = parse_mark(json.dumps({"name": "full", "round": 1, "data": data}), 0.0)
    assert mark is not None
    assert mark.data == {"ok": 1}


names = st.sampled_from([*PARSERS, "mark", "kmsg", "kmsg-lost", "passwd"])
payloads = st.binary(max_size=60) | st.sampled_from(
    [
        *(b"6,383,5763149,-;text\n", b"6,1," + b"9" * 5000 + b",-;x", b"MemFree: 7 kB\n"),
        *(b'{"name": "full", "round": 1e999}', b"[" * 5000),
    ]
)
records = st.builds(record, names, st.integers(0, 10**19), payloads)


@example([record("kmsg", 1, b"9" * 5000 + b",1,1,-;x")])
@given(st.lists(records | st.binary(max_size=30), max_size=8))
def test_whatever_the_bytes_nothing_is_raised(parts: list[bytes]) -> None:
    telemetry = parse_telemetry(b"".join(parts))
    assert len(telemetry.samples) + len(telemetry.marks) + len(telemetry.log) <= len(parts) * 8
