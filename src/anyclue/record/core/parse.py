r"""From the stream of ``anyclue record`` to samples, boundaries of tests and kernel log.

The stream is gzip of records ``NAME NANOSECONDS LENGTH\n`` and their data. What is cut short or
damaged ends it; only a file that is none from the start is refused.
"""

from __future__ import annotations

import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any, Final, TypeAlias

from anyclue.fstests.core.begun_tests import begun_test
from anyclue.model.machine_recording import WHOLE_COMMAND, MachineRecording, RecordedMachine, Span
from anyclue.model.recording import LogLine, Reading
from anyclue.recordings.kernel_log import parse_kmsg
from anyclue.recordings.procfs import PAGE_KIB, meminfo, slabinfo, vmallocinfo, zoneinfo

_RECORD = re.compile(rb"([a-z-]{1,20}) (\d{1,19}) (\d{1,9})\n")
_MAGIC: Final = b"\x1f\x8b"
_PIECE = 1 << 18
_MOST = 64 << 20
"""No record is larger; a length beyond it is damage."""

_DETAILS = {"slabinfo": slabinfo, "vmallocinfo": vmallocinfo}
_LEFT_OUT = re.compile(r"^meminfo\.(?:HugePages_|DirectMap|Commit|VmallocTotal|VmallocChunk)")

Record: TypeAlias = tuple[str, int, bytes]
"""Name, nanoseconds of the monotonic clock, data."""


def parse_stream(chunks: Iterable[bytes]) -> Iterator[Record]:
    """Give the whole records of a stream that comes in chunks.

    Raises:
        ValueError: it begins with something else.
    """
    chunks = iter(chunks)
    first = next(chunks, b"")
    if not _MAGIC.startswith(first[: len(_MAGIC)]):
        raise ValueError("stream.gz is not in gzip format")
    yield from parse_records(unpacked(chain((first,), chunks)))


def unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Give what a gzip stream holds, as far as it is whole."""
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    for chunk in chunks:
        data = chunk
        while data and not unpacker.eof:
            try:
                piece = unpacker.decompress(data, _PIECE)
            except zlib.error:
                return
            yield piece
            data = unpacker.unconsumed_tail


def parse_records(chunks: Iterable[bytes]) -> Iterator[Record]:
    """Give the whole records among bytes that come in any pieces."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        at = 0
        while True:
            header = _RECORD.match(held, at)
            if header is None:
                break
            end = header.end() + int(header[3])
            if int(header[3]) > _MOST:
                return
            if end > len(held):
                break
            yield header[1].decode(), int(header[2]), bytes(held[header.end() : end])
            at = end
        del held[:at]
        if len(held) > 64 and _RECORD.match(held) is None:
            return


def parse_recording(
    machine: RecordedMachine, records: Iterable[Record], *, page_kib: int = PAGE_KIB
) -> MachineRecording:
    """Return what the records of a stream say. Never raises on what is in them."""
    parser = _RecordParser(page_kib)
    for record in records:
        parser.add(*record)
    return parser.recording(machine)


class _RecordParser:
    """Takes records in the order in which they come."""

    def __init__(self, page_kib: int) -> None:
        self._pcp_factor = page_kib / PAGE_KIB
        self._samples: dict[int, dict[str, float]] = {}
        self._details: dict[int, dict[str, float]] = {}
        self._last_detail: dict[str, tuple[int, bytes]] = {}
        self._boundary_ns = -1
        self._begins: list[tuple[float, str, int]] = []
        self._joined: str | None = None
        self._events: list[tuple[float, Mapping[str, Any]]] = []
        self._log: list[tuple[float, LogLine]] = []
        self._lost = 0

    def add(self, name: str, time_ns: int, data: bytes) -> None:
        """Take one record; details are parsed at boundaries only."""
        if name == "kmsg-lost":
            self._lost += 1
        elif name == "event":
            self._add_event(time_ns, data)
        elif name in _DETAILS:
            self._last_detail[name] = (time_ns, data)
            if time_ns == self._boundary_ns:
                self._add_detail(name)
        else:
            text = data.decode(errors="replace")
            if name == "meminfo":
                counters = {k: v for k, v in meminfo(text).items() if not _LEFT_OUT.match(k)}
                self._samples.setdefault(time_ns, {}).update(counters)
            elif name == "zoneinfo":
                for key, value in zoneinfo(text).items():
                    self._samples.setdefault(time_ns, {})[key] = value * self._pcp_factor
            elif name in {"kmsg", "kmsg-before"}:
                self._add_log_line(time_ns, text, before=name == "kmsg-before")

    def _add_detail(self, name: str) -> None:
        time_ns, data = self._last_detail[name]
        counters = _DETAILS[name](data.decode(errors="replace"))
        self._details.setdefault(time_ns, {}).update(counters)

    def _add_event(self, time_ns: int, data: bytes) -> None:
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            return
        if not isinstance(event, dict) or not isinstance(event.get("what"), str):
            return
        self._events.append((time_ns / 1e9, event))
        self._boundary_ns = time_ns
        if event["what"] == "begin":
            for name in self._last_detail:
                self._add_detail(name)

    def _add_log_line(self, time_ns: int, text: str, *, before: bool) -> None:
        line = parse_kmsg(text)
        test = begun_test(line.text) if line else None
        if before:
            self._joined = test or self._joined
        elif line:
            self._log.append((time_ns / 1e9, line))
            if test:
                self._begins.append((time_ns / 1e9, test, len(self._log) - 1))
                self._boundary_ns = time_ns

    def recording(self, machine: RecordedMachine) -> MachineRecording:
        """Return the recording that the records make."""
        for name in self._last_detail:
            self._add_detail(name)
        if "zoneinfo" in machine.unread:
            for counters in self._samples.values():
                counters.setdefault("pcp.total", 0.0)
        begin, end = self._event_s("begin"), self._event_s("command-end")
        last = next((e for _, e in reversed(self._events) if e["what"] == "end"), None)
        status = last.get("status") if last else None
        return MachineRecording(
            machine=machine,
            spans=self._spans(begin, end, command=bool(machine.command)),
            timeline=_readings(sorted(self._samples.items())),
            details=_readings(self._details.items()),
            floors=self._floors(),
            kernel_log=self._kernel_log(),
            lost_log=self._lost,
            ended=str(last.get("why")) if last else None,
            status=status if isinstance(status, int) else None,
            command_s=(begin, end) if begin is not None else None,
        )

    def _event_s(self, what: str) -> float | None:
        return next((t_s for t_s, event in self._events if event["what"] == what), None)

    def _floors(self) -> tuple[tuple[float, float], ...]:
        floors = []
        begin = None
        for t_s, event in self._events:
            if event["what"] == "floor-begin":
                begin = t_s
            elif event["what"] == "floor-end" and begin is not None:
                floors.append((begin, t_s))
                begin = None
        return tuple(floors)

    def _kernel_log(self) -> tuple[LogLine, ...]:
        """Move the kernel log's own clock, which drifts, onto that of the samples.

        The smallest distance between a line's time and the sample that read it is the clocks' own.
        """
        shift = min((t_s - line.t_s for t_s, line in self._log), default=0.0)
        return tuple(replace(line, t_s=line.t_s + shift) for _, line in self._log)

    def _spans(self, begin: float | None, end: float | None, *, command: bool) -> tuple[Span, ...]:
        """Return a span from each test's line to the next; without any one for the command."""
        if begin is None:
            return ()
        begins = [b for b in self._begins if begin <= b[0] <= (end if end is not None else b[0])]
        joined = self._joined is not None
        if joined:
            begins.insert(0, (begin, str(self._joined), 0))
        if not begins:
            begins = [(begin, WHOLE_COMMAND, 0)]
        numbers: Counter[str] = Counter()
        spans: list[Span] = []
        nexts = [*begins[1:], (end, "", len(self._log))]
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


def _readings(counters: Iterable[tuple[int, Mapping[str, float]]]) -> tuple[Reading, ...]:
    return tuple(Reading(t_s=time_ns / 1e9, counters=found) for time_ns, found in counters)
