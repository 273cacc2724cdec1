"""A recording is written once and read back as it was; a damaged one is one clear error."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyclue.model.errors import RequestError
from anyclue.model.recording import (
    EndReason,
    Incident,
    IncidentKind,
    LogLine,
    Mark,
    MarkName,
    Outcome,
    Reading,
    Recording,
)
from anyclue.model.scenario import Cell, Scalar
from anyclue.recordings.rounds import find_rounds
from anyclue.recordings.run_directory import RunDirectory
from anyclue.recordings.store import read_recording, write_recording
from anyclue.recordings.telemetry import parse_telemetry

CELL = Cell(kernel="bad", machine="i386", mkfs="default", mount="lzo", workload="small-files")
MARKS = (
    Mark(t_s=6.0, name=MarkName.TRIAL_BEGIN),
    Mark(t_s=6.1, name=MarkName.ROUND_BEGIN, round=1),
    Mark(t_s=6.2, name=MarkName.FLOOR_BEGIN, round=1),
    Mark(t_s=6.3, name=MarkName.FLOOR_END, round=1),
    Mark(t_s=6.4, name=MarkName.ROUND_END, round=1, data={"files": 600, "mount": "rw", "x": True}),
)
FILES = ("outcome.json", "marks.jsonl", "samples.parquet", "kmsg.log")


def build(
    samples: tuple[Reading, ...] = (),
    marks: tuple[Mark, ...] = (),
    log: tuple[LogLine, ...] = (),
    incident: Incident | None = None,
    detail: str = "all rounds ran",
    provenance: dict[str, Scalar] | None = None,
) -> Recording:
    return Recording(
        cell=CELL,
        trial=2,
        outcome=Outcome.PASSED,
        reason=EndReason.COMPLETED,
        detail=detail,
        ram_kib=2 << 20,
        rounds=find_rounds(marks, samples),
        timeline=samples,
        marks=marks,
        kernel_log=log,
        incident=incident,
        provenance=provenance or {},
    )


@pytest.fixture
def captured(stream: bytes) -> Recording:
    telemetry = parse_telemetry(stream)
    bug = Incident(
        kind=IncidentKind.BUG, t_s=6.0, title="kernel BUG at x!", function=None, text="a\nb"
    )
    return build(telemetry.samples, MARKS, telemetry.log, bug, provenance={"qemu": "7.2"})


@pytest.fixture
def trial(tmp_path: Path, captured: Recording) -> Path:
    directory = RunDirectory(tmp_path).trial(CELL, 2)
    directory.mkdir(parents=True)
    write_recording(directory, captured, seconds=12.3456, lost_log=0)
    return directory


def test_there_and_back(trial: Path, captured: Recording) -> None:
    back = read_recording(trial)
    assert back == captured
    assert back.rounds[0].floor is not None
    fields = json.loads((trial / "outcome.json").read_text())
    assert (fields["seconds"], fields["lost_log"]) == (12.35, 0)


@pytest.mark.parametrize(
    ("detail", "reason"),
    [
        ("a round was not over after 9 s, but it was still at work: raise x", "still-at-work"),
        ("a round was not over after 9 s, but no task is stuck: raise x", None),
    ],
)
def test_an_old_recording_has_no_reason(trial: Path, detail: str, reason: str | None) -> None:
    file = trial / "outcome.json"
    fields = json.loads(file.read_text())
    del fields["reason"]
    file.write_text(json.dumps({**fields, "detail": detail}))
    assert read_recording(trial).reason == reason


def test_the_names_of_merged_caches(trial: Path, captured: Recording) -> None:
    """They are kept; recordings of old have none."""
    merged = {"vmap_area": ("btrfs_delayed_extent_op", "iommu_iova")}
    recording = replace(captured, merged_caches=merged)
    write_recording(trial, recording, seconds=1, lost_log=0)
    assert read_recording(trial) == recording
    fields = json.loads((trial / "outcome.json").read_text())
    del fields["merged_caches"]
    (trial / "outcome.json").write_text(json.dumps(fields))
    assert read_recording(trial).merged_caches == {}


counters = st.dictionaries(
    st.sampled_from(["meminfo.MemFree", "pcp.total", "vmstat.nr_dirty", "slab_kib.é x"]),
    st.floats(allow_nan=False, width=64),
    min_size=1,
)
samples_st = st.dictionaries(st.integers(0, 10**15), counters, max_size=4).map(
    lambda by_time: tuple(
        Reading(t_s=at / 1e9, counters=values) for at, values in sorted(by_time.items())
    )
)
texts = st.text(st.characters(blacklist_categories=["Cs"]), max_size=20)
scalars = st.integers(-(10**18), 10**18) | st.booleans() | st.floats(-(2.0**64), 2.0**64) | texts
marks_st = st.lists(
    st.builds(
        Mark,
        t_s=st.floats(0, 1e6),
        name=st.sampled_from(MarkName),
        round=st.integers(0, 5),
        data=st.dictionaries(texts, scalars, max_size=2),
    ),
    max_size=6,
).map(tuple)
log_st = st.lists(
    st.builds(
        LogLine,
        t_s=st.integers(0, 10**9).map(lambda us: us / 1e6),
        level=st.integers(0, 7),
        text=texts.filter(lambda text: "\n" not in text),
    ),
    max_size=4,
).map(tuple)


@settings(max_examples=50)
@given(st.builds(build, samples_st, marks_st, log_st, st.none(), texts))
def test_any_recording_goes_there_and_back(recording: Recording) -> None:
    with tempfile.TemporaryDirectory() as name:
        write_recording(Path(name), recording, seconds=1, lost_log=0)
        assert read_recording(Path(name)) == recording


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0xFF
    data[-6] ^= 0xFF
    path.write_bytes(data)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def other(path: Path) -> None:
    path.write_bytes(b"[]\n")


DAMAGE = [(file, damage) for file in FILES for damage in (Path.unlink, cut, flip, empty, other)]


@pytest.mark.parametrize(("file", "damage"), DAMAGE)
def test_a_damaged_recording(trial: Path, file: str, damage: Callable[[Path], None]) -> None:
    damage(trial / file)
    with pytest.raises(RequestError) as caught:
        read_recording(trial)
    (problem,) = caught.value.problems
    assert problem.where == str(trial)
    assert problem.what.startswith("not a whole recording")
    assert "--resume" in problem.next_step


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("schema", "anyclue.outcome/2"),
        ("outcome", "fine"),
        ("cell", {"kernel": "k"}),
        ("cell", ["k"]),
        ("trial", None),
        ("ram_kib", "much"),
        ("incident", {"kind": "bug"}),
        ("incident", 3),
    ],
)
def test_an_outcome_with_wrong_fields(trial: Path, key: str, value: object) -> None:
    file = trial / "outcome.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), key: value}))
    with pytest.raises(RequestError, match="not a whole recording"):
        read_recording(trial)


@settings(max_examples=60)
@given(st.data())
def test_bytes_flipped_in_samples_are_found(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        samples = tuple(
            Reading(t_s=float(at), counters={f"vmstat.{n}": float(at) for n in range(20)})
            for at in range(5)
        )
        write_recording(directory, build(samples), seconds=1, lost_log=0)
        file = directory / "samples.parquet"
        intact = file.read_bytes()
        content = bytearray(intact)
        places = st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=3, unique=True)
        for at in data.draw(places):
            content[at] ^= data.draw(st.integers(1, 255))
        file.write_bytes(content)
        if bytes(content) == intact:
            return
        with pytest.raises(RequestError, match="not what was recorded"):
            read_recording(directory)
