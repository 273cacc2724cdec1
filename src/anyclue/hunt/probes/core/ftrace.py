"""A trace of our own in the guest: setting it up, bringing it home, reading it by processor."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from anyclue.hunt.probes.core.probe import (
    DRAIN,
    TRACEFS,
    ProbeStep,
    follow,
    require_files,
    scratch,
    send,
    shell,
)
from anyclue.hunt.probes.core.ring_pages import Layout, LostEvents, events, read_layout

BUFFERS_KIB = {True: 12288, False: 4096}
"""All processors' buffers of one instance together, with stacks and without; they are emptied five
times a second."""

DEEPEST = 8
"""An event that so many others followed has lost its stack."""

_OVERRUN = re.compile(r"^(overrun|dropped events): (\d{1,18})$", re.MULTILINE | re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Instance:
    """A tracing instance: its events (``group/name``), with the stack of each or without."""

    name: str
    events: tuple[str, ...]
    stacks: bool

    @property
    def path(self) -> str:
        """Its directory in the guest."""
        return f"{TRACEFS}/instances/anyclue-{self.name}"


class TracepointEvent(NamedTuple):
    """One event: time in ns; ``stack`` is innermost first, empty where none was taken."""

    time: int
    name: str
    data: bytes
    stack: tuple[int, ...] = ()


def available(instances: tuple[Instance, ...]) -> str:
    """Return a script that fails, with a reason, where the kernel has not what it takes."""
    events = [f"{TRACEFS}/events/{event}" for one in instances for event in one.events]
    return require_files(f"{TRACEFS}/instances", *events)


def begin(instances: tuple[Instance, ...], cpus: int) -> tuple[ProbeStep, ...]:
    """Return the steps that set the instances up and let them run."""
    steps: list[ProbeStep] = [send("header-page", f"{TRACEFS}/events/header_page")]
    steps.append(send("formats", f"{TRACEFS}/events/ftrace/kernel_stack/format"))
    for instance in instances:
        steps += [send("formats", f"{TRACEFS}/events/{event}/format") for event in instance.events]
        kib = BUFFERS_KIB[instance.stacks] // cpus
        enable = "\n".join(f"echo 1 >events/{event}/enable" for event in instance.events)
        steps.append(
            shell(
                f"mkdir {instance.path}\ncd {instance.path}\n"
                f"echo mono >trace_clock\necho {kib} >buffer_size_kb\n"
                f"echo {int(instance.stacks)} >options/stacktrace\n{enable}"
            )
        )
        steps += [
            follow(f"{instance.name}-cpu{cpu}", f"{instance.path}/per_cpu/cpu{cpu}/trace_pipe_raw")
            for cpu in range(cpus)
        ]
    return tuple(steps)


def end(instances: tuple[Instance, ...]) -> tuple[ProbeStep, ...]:
    """Return the steps that stop the instances and bring the rest home."""
    off = "\n".join(f"echo 0 >{instance.path}/tracing_on" for instance in instances)
    stats = " ".join(f"{instance.path}/per_cpu/cpu*/stats" for instance in instances)
    kept = scratch("stats")
    return (shell(off), DRAIN, shell(f"cat {stats} >{kept}"), send("stats", kept))


AT_FLOOR = (DRAIN,)


@dataclass(frozen=True, kw_only=True)
class EventTrace:
    """A trace that was brought home; ``streams`` are by instance and processor."""

    layout: Layout
    streams: Mapping[str, bytes]
    lost: LostEvents

    def events(
        self, *instances: Instance, wanted: Callable[[TracepointEvent], bool] = lambda _: True
    ) -> list[TracepointEvent]:
        """Return the events of instances that are wanted, in the order of time."""
        found = [
            event
            for instance in instances
            for name, stream in sorted(self.streams.items())
            if name.startswith(f"{instance.name}-cpu")
            for event in self._of(stream, stacks=instance.stacks)
            if wanted(event)
        ]
        return sorted(found, key=itemgetter(0))

    def _of(self, stream: bytes, *, stacks: bool) -> Iterator[TracepointEvent]:
        """Give a processor's events, each with the stack that was written after it."""
        names = {layout.number: name for name, layout in self.layout.formats.items()}
        stack_format = self.layout.formats.get("kernel_stack")
        caller = stack_format.fields.get("caller") if stack_format else None
        # An interrupt's event and its stack may stand between an event and its stack.
        waiting: list[TracepointEvent] = []
        for time, number, data in events(stream, self.layout, self.lost):
            name = names.get(number)
            if name == "kernel_stack":
                if waiting and caller:
                    addresses = caller.words(data, self.layout.word)
                    yield waiting.pop()._replace(stack=tuple(a for a in addresses if a))
            elif name:
                if not stacks or len(waiting) > DEEPEST:
                    yield from waiting
                    waiting = []
                waiting.append(TracepointEvent(time, name, data))
        yield from waiting


def read_trace(raw: Mapping[str, bytes]) -> EventTrace | None:
    """Return the trace among raw files; None when it did not come home."""
    layout = read_layout(raw.get("header-page", b""), raw.get("formats", b""))
    if layout is None:
        return None
    return EventTrace(layout=layout, streams=raw, lost=LostEvents())


def losses(trace: EventTrace, raw: Mapping[str, bytes]) -> dict[str, int]:
    """Return what the trace lost; known only when all of its events were read."""
    counts = {"overrun": 0, "dropped events": 0}
    for name, count in _OVERRUN.findall(raw.get("stats", b"").decode(errors="replace")):
        counts[name] += int(count)
    named = {
        "overrun events": counts["overrun"],
        "dropped events": counts["dropped events"],
        "pages after a gap": trace.lost.pages,
    }
    return {name: count for name, count in named.items() if count}
