"""The kernel log: records of /dev/kmsg, and the first thing in it that says something broke."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from anyclue.model.recording import Incident, LogLine

_KMSG = re.compile(r"^(\d{1,10}),\d+,(\d{1,19}),[^;]*;(.*)$", re.ASCII)
_STORED = re.compile(r"^<([0-7])>\[ *(\d{1,14}\.\d{6})\] (.*)$", re.ASCII)
# With CONFIG_PRINTK_CALLER, the thread or processor stands behind the time.
_CONSOLE = re.compile(r"^\[ *(\d{1,14}\.\d{6})\](?:\[ *[TC]\d+\])? (.*)$", re.ASCII)

LINES_KEPT = 80
_BLOCKED = re.compile(r"^task:\S+ +state:D\b")
# Frames that name the messenger, not the place: reporting, waiting, the OOM killer itself.
_MESSENGERS = frozenset(
    (
        *("dump_stack", "dump_stack_lvl", "show_stack", "panic", "print_report", "kasan_report"),
        *("dump_header", "oom_kill_process", "out_of_memory"),
        *("__schedule", "schedule", "io_schedule", "schedule_timeout", "schedule_preempt_disabled"),
    )
)
_FRAME = re.compile(r"^\s*(\? )?([A-Za-z_][\w.]*)\+0x[0-9a-f]+/0x[0-9a-f]+(?: \[(\w+)\])?")
_POINTER = re.compile(
    r"\b[RE]?IP: (?:0010:|0060:)?([A-Za-z_][\w.]*)\+0x[0-9a-f]+/0x[0-9a-f]+(?: \[(\w+)\])?"
)


@dataclass(frozen=True, kw_only=True)
class IncidentKind:
    """A kind of incident; ``fatal`` ones end a trial: the guest cannot be trusted any more."""

    name: str
    pattern: re.Pattern[str]
    fatal: bool


def _kind(name: str, pattern: str, *, fatal: bool) -> IncidentKind:
    return IncidentKind(name=name, pattern=re.compile(pattern), fatal=fatal)


# The first that fits a line is its kind, so the more special ones come first.
KINDS = (
    _kind("kasan", r"BUG: KASAN:", fatal=True),
    _kind("lockdep", r"(possible (circular|recursive) locking|inconsistent lock state|"
          r"possible irq lock inversion|suspicious RCU usage|BUG: .*lock held)", fatal=True),
    _kind("stall", r"(soft lockup|workqueue lockup|rcu.* detected stalls|"
          r"rcu.*self-detected stall)", fatal=False),
    _kind("bug", r"(kernel BUG at |BUG: )", fatal=True),
    _kind("oops", r"(Oops: |general protection fault[,:]|double fault|"
          r"Unable to handle)", fatal=True),
    _kind("panic", r"Kernel panic - not syncing", fatal=True),
    _kind("hung-task", r"INFO: task .{1,80} blocked for more than", fatal=False),
    _kind("oom", r"(invoked oom-killer|Out of memory: Killed process)", fatal=False),
    _kind("warning", r"WARNING: CPU: ", fatal=False),
)  # fmt: skip


def kind_of(text: str) -> IncidentKind | None:
    """Return the kind of incident that a log line begins, if any."""
    return next((kind for kind in KINDS if kind.pattern.search(text)), None)


def parse_kmsg(record: str) -> LogLine | None:
    """Parse one record of /dev/kmsg (Documentation/ABI/testing/dev-kmsg); continuation is dropped.

    Returns None for what is not such a record.
    """
    match = _KMSG.match(record.split("\n", 1)[0])
    if match is None:
        return None
    return LogLine(t_s=int(match[2]) / 1e6, level=int(match[1]) & 7, text=match[3])


def format_lines(lines: Sequence[LogLine]) -> str:
    """Return the text of ``kmsg.log``, which is what ``dmesg --raw`` prints."""
    return "".join(f"<{line.level}>[{line.t_s:12.6f}] {line.text}\n" for line in lines)


def parse_lines(text: str) -> tuple[LogLine, ...]:
    """Read ``kmsg.log`` back; lines that are not of its form are left out."""
    matches = map(_STORED.match, text.split("\n"))
    return tuple(
        LogLine(t_s=float(match[2]), level=int(match[1]), text=match[3])
        for match in matches
        if match
    )


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
    found = [(line, kind, at) for at, line in enumerate(log) if (kind := kind_of(line.text))]
    if not found:
        return None
    line, kind, at = min(found, key=lambda item: (not item[1].fatal, item[1].name == "warning"))
    kept = log[max(0, at - 1) : at + LINES_KEPT]
    texts = [entry.text for entry in kept]
    return Incident(
        kind=kind.name,
        t_s=line.t_s,
        title=line.text.strip(),
        function=_function(texts),
        text="\n".join(texts),
    )


def blocked_incident(log: Sequence[LogLine]) -> Incident | None:
    """Return the first blocked task that the kernel listed, with its stack, if it listed one."""
    at = next((k for k, line in enumerate(log) if _BLOCKED.search(line.text)), None)
    if at is None:
        return None
    texts = [entry.text for entry in log[at : at + LINES_KEPT]]
    following = (k for k, text in enumerate(texts) if k and text.startswith("task:"))
    texts = texts[: next(following, len(texts))]
    return Incident(
        kind="hung-task",
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
