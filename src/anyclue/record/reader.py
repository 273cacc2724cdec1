"""Read what ``anyclue record`` wrote into a directory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from anyclue.model.errors import RequestError
from anyclue.model.machine_recording import MachineRecording, RecordedMachine
from anyclue.record.core.parse import Record, parse_recording, parse_stream
from anyclue.record.recorder.stream import HEADER, SCHEMA, STREAM

_CHUNK = 1 << 18


def read_machine_recording(run: Path) -> MachineRecording:
    """Read a recording; one that was cut short is read as far as it got.

    Raises:
        RequestError: its header or stream cannot be read.
    """
    try:
        fields = json.loads((run / HEADER).read_text())
        machine = _machine(fields)
        page_kib = int(fields["page_kib"])
        return parse_recording(machine, read_records(run / STREAM), page_kib=page_kib)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RequestError.of(
            f"not a recording of `anyclue record`: {error}",
            where=str(run),
            next_step=f"it needs {HEADER} ({SCHEMA}) and {STREAM}, as they were written",
        ) from error


def read_records(stream: Path) -> Iterator[Record]:
    """Give the whole records of a stream on disk.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no such stream.
    """
    with stream.open("rb") as file:
        yield from parse_stream(iter(lambda: file.read(_CHUNK), b""))


def _machine(fields: Mapping[str, Any]) -> RecordedMachine:
    if fields["schema"] != SCHEMA:
        raise ValueError(f"schema {fields['schema']!r}, this anyclue reads {SCHEMA!r}")
    return RecordedMachine(
        command=tuple(map(str, fields["command"])),
        hz=float(fields["hz"]),
        quiesce=bool(fields["quiesce"]),
        release=str(fields["release"]),
        machine=str(fields["machine"]),
        host=str(fields["host"]),
        cpus=int(fields["cpus"]),
        begin=str(fields["begin"]),
        unread={str(k): str(v) for k, v in fields["unread"].items()},
    )
