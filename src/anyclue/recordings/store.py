"""A trial's directory: written once, whole; read back as a `Recording`.

samples.parquet  one row a counter and sample: t_s (s), counter, value
marks.jsonl  kmsg.log  console.log  qemu.log  outcome.json
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from anyclue.model.errors import RequestError
from anyclue.model.recording import (
    EndReason,
    Incident,
    IncidentKind,
    LeakedObject,
    Mark,
    Outcome,
    Reading,
    Recording,
)
from anyclue.model.scenario import Cell
from anyclue.recordings.kernel_log import format_lines, parse_lines
from anyclue.recordings.rounds import find_rounds
from anyclue.recordings.telemetry import parse_mark
from anyclue.system.files import sha256

SCHEMA = "anyclue.outcome/1"
OUTCOME = "outcome.json"
CHECKED = ("samples.parquet", "marks.jsonl", "kmsg.log")
"""Files that judging rests on: outcome.json holds their SHA-256."""


def write_recording(
    directory: Path, recording: Recording, *, seconds: float, lost_log: int
) -> None:
    """Write a trial's files into ``directory`` (which the caller then gives its final name)."""
    samples_frame(recording.timeline).write_parquet(
        directory / "samples.parquet", compression="zstd", statistics=False
    )
    (directory / "marks.jsonl").write_text(
        "".join(
            json.dumps({"t_s": m.t_s, "name": m.name, "round": m.round, "data": dict(m.data)})
            + "\n"
            for m in recording.marks
        )
    )
    (directory / "kmsg.log").write_text(format_lines(recording.kernel_log))
    fields = {
        "schema": SCHEMA,
        "cell": asdict(recording.cell),
        "trial": recording.trial,
        "outcome": recording.outcome.value,
        "reason": recording.reason.value if recording.reason else None,
        "detail": recording.detail,
        "ram_kib": recording.ram_kib,
        "seconds": round(seconds, 2),
        "lost_log": lost_log,
        "incident": asdict(recording.incident) if recording.incident else None,
        "provenance": dict(recording.provenance),
        "merged_caches": {name: list(others) for name, others in recording.merged_caches.items()},
        "sha256": {name: sha256(directory / name) for name in CHECKED},
    }
    (directory / OUTCOME).write_text(json.dumps(fields, indent=1))


def samples_frame(samples: Iterable[Reading]) -> pl.DataFrame:
    """Return samples in long form."""
    times: list[float] = []
    names: list[str] = []
    values: list[float] = []
    for sample in samples:
        times += [sample.t_s] * len(sample.counters)
        names += sample.counters.keys()
        values += sample.counters.values()
    return pl.DataFrame(
        {"t_s": times, "counter": names, "value": values},
        schema={"t_s": pl.Float64, "counter": pl.Categorical, "value": pl.Float64},
    )


def read_samples(path: Path) -> tuple[Reading, ...]:
    """Read ``samples.parquet`` back."""
    frame = pl.read_parquet(path).with_columns(pl.col("counter").cast(pl.String))
    return tuple(
        Reading(
            t_s=float(str(key[0])),
            counters=dict(zip(group["counter"].to_list(), group["value"].to_list(), strict=True)),
        )
        for key, group in frame.group_by("t_s", maintain_order=True)
    )


def read_recording(directory: Path) -> Recording:
    """Read a trial's directory.

    Raises:
        RequestError: it is not a whole recording of this version.
    """
    with _whole(directory):
        fields = _fields(directory)
        _check_files(directory, fields["sha256"])
        marks = read_marks(directory / "marks.jsonl")
        samples = read_samples(directory / "samples.parquet")
        return Recording(
            cell=Cell(**fields["cell"]),
            trial=int(fields["trial"]),
            outcome=Outcome(fields["outcome"]),
            reason=_reason(fields),
            detail=str(fields["detail"]),
            ram_kib=int(fields["ram_kib"]),
            rounds=find_rounds(marks, samples),
            timeline=samples,
            marks=marks,
            kernel_log=parse_lines((directory / "kmsg.log").read_bytes().decode()),
            incident=_incident(fields["incident"]) if fields["incident"] else None,
            provenance=fields["provenance"],
            merged_caches={
                name: tuple(others) for name, others in fields.get("merged_caches", {}).items()
            },
        )


def read_seconds(directory: Path) -> float:
    """Read from a trial's directory only how long it took, in seconds of real time.

    Raises:
        RequestError: it is not a whole recording of this version.
    """
    with _whole(directory):
        return float(_fields(directory)["seconds"])


def read_outcome(directory: Path) -> Outcome:
    """Read from a trial's directory only how it ended.

    Raises:
        RequestError: it is not a whole recording of this version.
    """
    with _whole(directory):
        return Outcome(_fields(directory)["outcome"])


def _incident(fields: object) -> Incident:
    """Return the incident; recordings of old do not say what the kernel itself calls leaked."""
    if not isinstance(fields, dict):
        raise TypeError("an incident is no object")
    leaked = fields.get("leaked")
    return Incident(
        kind=IncidentKind(fields["kind"]),
        t_s=fields["t_s"],
        title=fields["title"],
        function=fields["function"],
        text=fields["text"],
        leaked=LeakedObject(leaked) if leaked is not None else None,
        subject=fields.get("subject"),
    )


def _reason(fields: Mapping[str, Any]) -> EndReason | None:
    """Return why the trial ended; recordings of old say only in words when it was still at work."""
    if fields.get("reason") is not None:
        known = {reason.value: reason for reason in EndReason}
        return known.get(fields["reason"])  # a later version may have more
    old = "reason" not in fields and "but it was still at work" in fields["detail"]
    return EndReason.STILL_AT_WORK if old else None


def check_files(directory: Path) -> None:
    """Check that a trial's files are what was recorded.

    Raises:
        RequestError: it is not a whole recording of this version.
    """
    with _whole(directory):
        _check_files(directory, _fields(directory)["sha256"])


@contextmanager
def _whole(directory: Path) -> Iterator[None]:
    try:
        yield
    except (
        *(OSError, ValueError, KeyError, TypeError, OverflowError),
        *(pl.exceptions.PolarsError, pl.exceptions.PanicException),  # on some damaged files
    ) as error:
        raise RequestError.of(
            f"not a whole recording: {error}",
            where=str(directory),
            next_step="remove this trial's directory and continue with --resume",
        ) from error


def _fields(directory: Path) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads((directory / OUTCOME).read_text())
    _check_schema(fields["schema"])
    return fields


def _check_schema(schema: object) -> None:
    if schema != SCHEMA:
        raise ValueError(f"schema {schema!r}, this anyclue reads {SCHEMA!r}")


def _check_files(directory: Path, digests: Mapping[str, str]) -> None:
    for name in CHECKED:
        if sha256(directory / name) != digests[name]:
            raise ValueError(f"{name} is not what was recorded")


def read_marks(path: Path) -> tuple[Mark, ...]:
    """Read ``marks.jsonl`` back."""
    marks = []
    for line in path.read_text().splitlines():
        mark = parse_mark(line, float(json.loads(line)["t_s"]))
        if mark is not None:
            marks.append(mark)
    return tuple(marks)
