"""Pages of the kernel's ring buffer, as ``trace_pipe_raw`` gives them.

Formats: Documentation/trace/ring-buffer-map.rst, include/linux/ring_buffer.h; what differs by
architecture is in ``events/header_page`` and in each event's ``format`` file.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_FIELD = re.compile(
    r"^\s*field:[^;\n]*?(\w+)(?:\[\w*\])?;\s*offset:(\d{1,6});\s*size:(\d{1,6});",
    re.MULTILINE | re.ASCII,
)
_NAME = re.compile(r"^name: (\w+)\nID: (\d{1,6})$", re.MULTILINE | re.ASCII)
_PADDING, _EXTEND, _STAMP = 29, 30, 31
_DELTA_BITS = 27
_STAMP_BITS = _DELTA_BITS + 32
_MISSED, _MISSED_STORED = 1 << 31, 1 << 30
_COMMITTED = (1 << 20) - 1
_INTEGERS = {1: "B", 2: "H", 4: "I", 8: "Q"}


@dataclass(frozen=True, kw_only=True)
class Field:
    """Where a field is in an event's data."""

    offset: int
    size: int

    def of(self, data: bytes) -> int:
        """Return the field as an unsigned number; 0 where the data is cut short."""
        if self.size not in _INTEGERS or self.offset + self.size > len(data):
            return 0
        value: int = struct.unpack_from(f"<{_INTEGERS[self.size]}", data, self.offset)[0]
        return value

    def words(self, data: bytes, size: int, most: int = 64) -> tuple[int, ...]:
        """Return all that stands from here on, as numbers of ``size`` bytes."""
        count = min(most, max(0, (len(data) - self.offset) // size))
        return struct.unpack_from(f"<{count}{_INTEGERS[size]}", data, self.offset)


@dataclass(frozen=True, kw_only=True)
class Format:
    """An event's number and its fields."""

    number: int
    fields: Mapping[str, Field]

    def of(self, name: str, data: bytes) -> int:
        """Return a field of an event's data; 0 where there is no such field."""
        return self.fields[name].of(data) if name in self.fields else 0


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How pages and events of one kernel lie in memory; ``word`` is the size of a pointer."""

    commit: Field
    data: int
    page: int
    word: int
    formats: Mapping[str, Format]


@dataclass
class LostEvents:
    """Counts what a stream lost; pages that begin after a gap say so."""

    events: int = 0
    pages: int = field(default=0)


def read_layout(header_page: bytes, formats: bytes) -> Layout | None:
    """Read ``events/header_page`` and ``format`` files one after another; None for nonsense."""
    page = _fields(header_page.decode(errors="replace"))
    if not {"timestamp", "commit", "data"} <= page.keys() or page["commit"].size not in (4, 8):
        return None
    text = formats.decode(errors="replace")
    found = {}
    begins = [*_NAME.finditer(text)]
    ends = [*(match.start() for match in begins), len(text)][1:]
    for match, end in zip(begins, ends, strict=True):
        found[match[1]] = Format(number=int(match[2]), fields=_fields(text[match.end() : end]))
    size = page["data"].offset + page["data"].size
    if not 4096 <= size <= _COMMITTED:
        return None
    return Layout(
        commit=page["commit"],
        data=page["data"].offset,
        page=size,
        word=page["commit"].size,
        formats=found,
    )


def _fields(text: str) -> dict[str, Field]:
    return {
        name: Field(offset=int(offset), size=int(size))
        for name, offset, size in _FIELD.findall(text)
    }


def events(stream: bytes, layout: Layout, lost: LostEvents) -> Iterator[tuple[int, int, bytes]]:
    """Give the events of one processor's pages: time (ns), number of the event, data.

    Never raises: a page that is none ends with the last event that could be read.
    """
    for at in range(0, len(stream) - layout.page + 1, layout.page):
        page = stream[at : at + layout.page]
        commit = layout.commit.of(page)
        end = min(layout.page, layout.data + (commit & _COMMITTED))
        if commit & _MISSED:
            lost.pages += 1
            if commit & _MISSED_STORED and end + layout.word <= layout.page:
                lost.events += Field(offset=end, size=layout.word).of(page)
        (time,) = struct.unpack_from("<Q", page, 0)
        yield from _page(page, layout.data, end, time)


def _page(page: bytes, at: int, end: int, time: int) -> Iterator[tuple[int, int, bytes]]:
    while at + 8 <= end:
        head, first = struct.unpack_from("<II", page, at)
        kind, delta = head & 31, head >> 5
        if kind == _STAMP:
            low = (first << _DELTA_BITS) + delta
            time = (time >> _STAMP_BITS << _STAMP_BITS) | low
            at += 8
            continue
        if kind == _EXTEND:
            time += (first << _DELTA_BITS) + delta
            at += 8
            continue
        if kind == _PADDING:
            if not delta:
                return
            at += 4 + max(4, first)
            time += delta
            continue
        time += delta
        begin, size = (at + 4, kind * 4) if kind else (at + 8, first - 4)
        if size < 2 or begin + size > end:
            return
        data = page[begin : begin + size]
        yield time, data[0] | data[1] << 8, data
        at = begin + size
