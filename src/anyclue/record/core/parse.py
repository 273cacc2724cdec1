"""From the raw recording of ``anyclue record`` to samples, boundaries of tests and kernel log."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from anyclue.fstests.core.kmsg_boundaries import begun_test
from anyclue.model.errors import Problem, RequestError
from anyclue.model.machine_recording import WHOLE_COMMAND, MachineRecording, RecordedMachine, Span
from anyclue.model.recording import LogLine, Reading
from anyclue.record.core.stream import HEADER, SCHEMA, STREAM, Record, stream_records
from anyclue.recordings.kernel_log import parse_kmsg
from anyclue.recordings.procfs import PAGE_KIB, meminfo, slabinfo, vmallocinfo, zoneinfo

_DETAILS = {"slabinfo": slabinfo, "vmallocinfo": vmallocinfo}
_LEFT_OUT = re.compile(r"^meminfo\.(?:HugePages_|DirectMap|Commit|VmallocTotal|VmallocChunk)")


def is_recorded(run: Path) -> bool:
    """Say whether a directory is what ``anyclue record`` wrote."""
    return (run / HEADER).is_file()


def read_recorded(run: Path) -> MachineRecording:
    """Read a recording; one that was cut short is read as far as it got.

    Raises:
        RequestError: its header or stream cannot be read.
    """
    try:
        fields = json.loads((run / HEADER).read_text())
        machine, page_kib = _machine(fields)
        return parse_recorded(machine, stream_records(run / STREAM), page_kib=page_kib)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RequestError(
            [
                Problem(
                    what=f"not a recording of `anyclue record`: {error}",
                    where=str(run),
                    next_step=f"it needs {HEADER} ({SCHEMA}) and {STREAM}, as they were written",
                )
            ]
        ) from error


def _machine(fields: Mapping[str, Any]) -> tuple[RecordedMachine, int]:
    if fields["schema"] != SCHEMA:
        raise ValueError(f"schema {fields['schema']!r}, this anyclue reads {SCHEMA!r}")
    machine = RecordedMachine(
        command=tuple(map(str, fields["command"])),
        hz=float(fields["hz"]),
        quiesce=bool(fields["quiesce"]),
        root=bool(fields["root"]),
        release=str(fields["release"]),
        machine=str(fields["machine"]),
        host=str(fields["host"]),
        cpus=int(fields["cpus"]),
        begin=str(fields["begin"]),
        every_s={str(k): float(v) for k, v in fields["every_s"].items()},
        unread={str(k): str(v) for k, v in fields["unread"].items()},
    )
    return machine, int(fields["page_kib"])


@dataclass(kw_only=True)
class _Gathered:
    """What the records say, in the order in which they come."""

    samples: dict[int, dict[str, float]] = field(default_factory=dict)
    begins: list[tuple[float, str, int]] = field(default_factory=list)
    joined: str | None = None
    events: list[tuple[float, Mapping[str, Any]]] = field(default_factory=list)
    log: list[tuple[float, LogLine]] = field(default_factory=list)
    lost: int = 0
    raw: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    details: dict[int, dict[str, float]] = field(default_factory=dict)
    wanted: int = -1


def parse_recorded(
    machine: RecordedMachine, records: Iterable[Record], *, page_kib: int = 4
) -> MachineRecording:
    """Return what the records of a stream say. Never raises on what is in them."""
    found = _Gathered()
    pcp = page_kib / PAGE_KIB
    for name, time_ns, data in records:
        if name == "meminfo":
            counters = meminfo(data.decode(errors="replace"))
            kept = {k: v for k, v in counters.items() if not _LEFT_OUT.match(k)}
            found.samples.setdefault(time_ns, {}).update(kept)
        elif name == "zoneinfo":
            for key, value in zoneinfo(data.decode(errors="replace")).items():
                found.samples.setdefault(time_ns, {})[key] = value * pcp
        elif name in _DETAILS:
            found.raw[name] = (time_ns, data)
            if time_ns == found.wanted:
                _add_detail(found, name)
        else:
            _note(found, name, time_ns, data)
    for name in found.raw:
        _add_detail(found, name)
    if "zoneinfo" in machine.unread:
        for counters in found.samples.values():
            counters.setdefault("pcp.total", 0.0)
    return _put_together(machine, found)


def _add_detail(found: _Gathered, name: str) -> None:
    time_ns, data = found.raw[name]
    counters = _DETAILS[name](data.decode(errors="replace"))
    found.details.setdefault(time_ns, {}).update(counters)


def _note(found: _Gathered, name: str, time_ns: int, data: bytes) -> None:
    if name == "kmsg-lost":
        found.lost += 1
    elif name == "event":
        event = _event(data)
        if event is not None:
            found.events.append((time_ns / 1e9, event))
            found.wanted = time_ns
            if event["what"] == "begin":
                for source in found.raw:
                    _add_detail(found, source)
    elif name in {"kmsg", "kmsg-before"}:
        line = parse_kmsg(data.decode(errors="replace"))
        test = begun_test(line.text) if line else None
        if line and name == "kmsg":
            found.log.append((time_ns / 1e9, line))
            if test:
                found.begins.append((time_ns / 1e9, test, len(found.log) - 1))
                found.wanted = time_ns
        elif test:
            found.joined = test


def _event(data: bytes) -> Mapping[str, Any] | None:
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and isinstance(event.get("what"), str) else None


def _put_together(machine: RecordedMachine, found: _Gathered) -> MachineRecording:
    samples = sorted(found.samples.items())
    timeline = tuple(Reading(t_s=ns / 1e9, counters=counters) for ns, counters in samples)
    begin = _when(found, "begin")
    end = _when(found, "command-end")
    last = next((e for _, e in reversed(found.events) if e["what"] == "end"), None)
    status = last.get("status") if last else None
    recorded = MachineRecording(
        machine=machine,
        spans=(),
        timeline=timeline,
        details=tuple(
            Reading(t_s=ns / 1e9, counters=counters) for ns, counters in found.details.items()
        ),
        floors=_floors(found),
        kernel_log=_one_clock(found.log),
        lost_log=found.lost,
        ended=str(last.get("why")) if last else None,
        status=status if isinstance(status, int) else None,
        command_s=(begin, end) if begin is not None else None,
    )
    return replace(recorded, spans=_spans(found, begin, end, command=bool(machine.command)))


def _when(found: _Gathered, what: str) -> float | None:
    return next((t_s for t_s, event in found.events if event["what"] == what), None)


def _floors(found: _Gathered) -> tuple[tuple[float, float], ...]:
    floors = []
    begin = None
    for t_s, event in found.events:
        if event["what"] == "floor-begin":
            begin = t_s
        elif event["what"] == "floor-end" and begin is not None:
            floors.append((begin, t_s))
            begin = None
    return tuple(floors)


def _one_clock(log: list[tuple[float, LogLine]]) -> tuple[LogLine, ...]:
    """Move the kernel log's own clock, which drifts, onto that of the samples.

    The smallest distance between a line's time and the sample that read it is the clocks' own.
    """
    shift = min((t_s - line.t_s for t_s, line in log), default=0.0)
    return tuple(replace(line, t_s=line.t_s + shift) for _, line in log)


def _spans(
    found: _Gathered, begin: float | None, end: float | None, *, command: bool
) -> tuple[Span, ...]:
    """Return a span from each test's line to the next; with no such line one for the command."""
    if begin is None:
        return ()
    begins = [b for b in found.begins if begin <= b[0] <= (end if end is not None else b[0])]
    joined = found.joined is not None
    if joined:
        begins.insert(0, (begin, str(found.joined), 0))
    if not begins:
        begins = [(begin, WHOLE_COMMAND, 0)]
    numbers: Counter[str] = Counter()
    spans: list[Span] = []
    nexts = [*begins[1:], (end, "", len(found.log))]
    for (t_s, test, line), (until, _, next_line) in zip(begins, nexts, strict=True):
        numbers[test] += 1
        first = not spans
        spans.append(
            Span(
                test=test,
                number=numbers[test],
                begin_s=t_s,
                end_s=until,
                joined=first and (joined or (test == WHOLE_COMMAND and not command)),
                log_lines=(line, next_line),
            )
        )
    return tuple(spans)
