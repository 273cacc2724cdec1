"""The kernel log: records of /dev/kmsg, and the first thing in it that says something broke."""

from __future__ import annotations

import re
from collections.abc import Sequence

from anyclue.model.recording import Incident, IncidentKind, LeakedObject, LogLine
from anyclue.recordings.kernel_headings import HEADINGS, KernelHeading

_KMSG = re.compile(r"^(\d{1,10}),\d+,(\d{1,19}),[^;]*;(.*)$", re.ASCII)
_STORED = re.compile(r"^<(\d{1,10})>\[ *(\d{1,14}\.\d{6})\] (.*)$", re.ASCII)
# With CONFIG_PRINTK_CALLER, the thread or processor stands behind the time.
_CONSOLE = re.compile(r"^\[ *(\d{1,14}\.\d{6})\](?:\[ *[TC]\d+\])? (.*)$", re.ASCII)

KERNEL_FACILITY = 0
LINES_KEPT = 80
_LINES_BEFORE_A_BUG = 2
"""Of its own report: CHECK_DATA_CORRUPTION() prints what is wrong, then BUG() its "cut here"."""
_BLOCKED = re.compile(r"^task:\S+ +state:D\b")
# Frames that name the messenger, not the place: reporting, waiting, the OOM killer itself.
_MESSENGERS = frozenset(
    (
        *("dump_stack", "dump_stack_lvl", "show_stack", "panic", "print_report", "kasan_report"),
        *("dump_header", "oom_kill_process", "out_of_memory"),
        *("slab_err", "__slab_err", "object_err", "list_slab_objects", "kmem_cache_destroy"),
        *("refcount_warn_saturate", "generic_shutdown_super", "kill_block_super"),
        *("ubsan_epilogue", "__ubsan_handle_out_of_bounds", "__ubsan_handle_shift_out_of_bounds"),
        *("lockdep_rcu_suspicious", "lock_acquire", "__lock_acquire", "lock_release"),
        *("__schedule", "schedule", "io_schedule", "schedule_timeout", "schedule_preempt_disabled"),
    )
)
_PLACE = r"([A-Za-z_][\w.]{0,127})\+0x[0-9a-f]+/0x[0-9a-f]+(?: \[(\w+)\])?"
# Addresses stand before the function on riscv, s390, loongarch and powerpc.
_ADDRESSES = r"(?:\[<?[0-9a-f]{8,16}>?\] ?){0,2}"
_FRAME = re.compile(rf"^\s*{_ADDRESSES}(\? )?{_PLACE}")
_ALLOCATED = re.compile(rf"^Allocated in {_PLACE}")
"""SLUB with slub_debug=U: who allocated an object."""
_POINTER = re.compile(
    r"(?:\b[RE]?IP: (?:0010:|0060:)?|^pc : |^epc : |^PC is at |^NIP \[[0-9a-f]{8,16}\] "
    r"|^WARNING: CPU: \d{1,10} PID: \d{1,10} at (?:\S{1,300}:\d{1,10} )?"
    r"|^WARNING: (?:\S{1,300}:\d{1,10} )?at )" + _PLACE
)
_ANY_HEADING = re.compile(
    "|".join(
        heading.pattern.pattern.removeprefix("^").replace("(?P<subject>", "(?:")
        for heading in HEADINGS
    ),
    re.ASCII,
)
"""One look at a line, nearly none of which is a heading."""


def heading_of(text: str) -> KernelHeading | None:
    """Return the heading that a log line is, if any."""
    if _ANY_HEADING.match(text) is None:
        return None
    return next((heading for heading in HEADINGS if heading.pattern.match(text)), None)


def kind_of(line: LogLine) -> IncidentKind | None:
    """Return the kind of incident that a log line begins, if any.

    What a process wrote to /dev/kmsg is none, whatever it says.
    """
    heading = heading_of(line.text) if line.facility == KERNEL_FACILITY else None
    return heading.kind if heading is not None else None


def parse_kmsg(record: str) -> LogLine | None:
    """Parse one record of /dev/kmsg (Documentation/ABI/testing/dev-kmsg); continuation is dropped.

    Returns None for what is not such a record.
    """
    match = _KMSG.match(record.split("\n", 1)[0])
    if match is None:
        return None
    return _log_line(int(match[2]) / 1e6, int(match[1]), match[3])


def _log_line(t_s: float, priority: int, text: str) -> LogLine:
    return LogLine(t_s=t_s, level=priority & 7, facility=priority >> 3, text=text)


def format_lines(lines: Sequence[LogLine]) -> str:
    """Return the text of ``kmsg.log``, which is what ``dmesg --raw`` prints."""
    return "".join(
        f"<{line.facility << 3 | line.level}>[{line.t_s:12.6f}] {line.text}\n" for line in lines
    )


def parse_lines(text: str) -> tuple[LogLine, ...]:
    """Read ``kmsg.log`` back; lines that are not of its form are left out."""
    matches = map(_STORED.match, text.split("\n"))
    return tuple(_log_line(float(match[2]), int(match[1]), match[3]) for match in matches if match)


def parse_console(text: str) -> tuple[LogLine, ...]:
    """Read kernel lines from a console; it knows no levels, so all are errors (3)."""
    matches = (_CONSOLE.match(line.rstrip("\r")) for line in text.split("\n"))
    return tuple(LogLine(t_s=float(m[1]), level=3, text=m[2]) for m in matches if m)


def merge_console(log: Sequence[LogLine], console: Sequence[LogLine]) -> tuple[LogLine, ...]:
    """Add what only the console still got (the last words of a panic) to the log."""
    last = log[-1].t_s if log else -1.0
    return (*log, *(line for line in console if line.t_s > last))


def first_incident(log: Sequence[LogLine]) -> Incident | None:
    """Return the first thing that broke, the gravest kind first, with its whole text.

    A warning or stall that comes before a BUG does not hide it.
    """
    found = [(at, kind) for at, line in enumerate(log) if (kind := kind_of(line))]
    if not found:
        return None
    at, kind = min(found, key=lambda item: item[1].severity)
    texts = [entry.text for entry in log[max(0, at - 1) : at + LINES_KEPT]]
    before = _LINES_BEFORE_A_BUG if kind is IncidentKind.BUG else 0
    leaked, subject = _leaked([entry.text for entry in log[max(0, at - before) : at + 1]])
    return Incident(
        kind=kind,
        t_s=log[at].t_s,
        title=log[at].text.strip(),
        function=(_allocator(texts) if leaked else None) or _function(texts),
        text="\n".join(texts),
        leaked=leaked,
        subject=subject,
    )


def _leaked(lines: Sequence[str]) -> tuple[LeakedObject | None, str | None]:
    """Return what a report says was never freed, and its name; of the last line that says it."""
    for text in reversed(lines):
        heading = heading_of(text)
        match = heading.pattern.match(text) if heading is not None else None
        if heading is not None and match is not None and (heading.leaked or match.re.groups):
            return heading.leaked, match["subject"] if match.re.groups else None
    return None, None


def _allocator(lines: Sequence[str]) -> str | None:
    """Return who allocated the first object that a report lists, if it says so."""
    found = (match[1] for match in map(_ALLOCATED.match, lines) if match)
    return next(found, None)


def blocked_incident(log: Sequence[LogLine]) -> Incident | None:
    """Return the first blocked task that the kernel listed, with its stack, if it listed one."""
    at = next((k for k, line in enumerate(log) if _BLOCKED.search(line.text)), None)
    if at is None:
        return None
    texts = [entry.text for entry in log[at : at + LINES_KEPT]]
    following = (k for k, text in enumerate(texts) if k and text.startswith("task:"))
    texts = texts[: next(following, len(texts))]
    return Incident(
        kind=IncidentKind.HUNG_TASK,
        t_s=log[at].t_s,
        title=" ".join(texts[0].split()[:2]),
        function=_function(texts),
        text="\n".join(texts),
    )


def _function(lines: Sequence[str]) -> str | None:
    """Name the place: where the processor was if in a module, else the first certain frame in one.

    Without either: where the processor was, or the first certain frame.
    """
    frames = [match for match in map(_FRAME.match, lines) if match and not match[1]]
    in_module = next((frame[2] for frame in frames if frame[3]), None)
    pointer = next((match for match in map(_POINTER.search, lines) if match), None)
    if pointer and (pointer[2] or not in_module):
        return pointer[1]
    places = (frame[2] for frame in frames if frame[2].split(".")[0] not in _MESSENGERS)
    return in_module or next(places, None)
