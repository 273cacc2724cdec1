"""What people read of a recording: a table by test, and why each verdict."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from anyclue.fstests.render.reasons import reason_text
from anyclue.model.machine_recording import TestRun, TestVerdict
from anyclue.model.verdict import MemoryClass, Verdict
from anyclue.record.core.model import RecordingVerdicts
from anyclue.record.render.notes import recording_notes, report_notes
from anyclue.report.text import ascii_line, ruled, table, wrap

WIDTH = 100
HEADER = ("test", "runs", "seconds", "peak", "before", "after", "step", "grew most", "verdict")
LEVELS = (
    "Kernel memory that is no cache, in MiB: its peak, the floors before the first run and after"
    " the last, and the mean step from floor to floor of a run."
)
_LEAST_KIB = 64.0
_NOT_HELD = {
    *(MemoryClass.USED, MemoryClass.FILE_CACHE, MemoryClass.SLAB_RECLAIMABLE),
    *(MemoryClass.ANON, MemoryClass.SHMEM),
}
_DETAILED = 40


def recorded_text(findings: RecordingVerdicts) -> str:
    """Return the report: ASCII, at most 100 columns but for long names, ended by a line end."""
    machine = findings.recorded.machine
    what = shlex.join(machine.command) if machine.command else "a running check"
    lines = wrap(
        f"{sentence(findings.tests)} Recorded: {ascii_line(what)} on {ascii_line(machine.host)},"
        f" Linux {ascii_line(machine.release)} {ascii_line(machine.machine)},"
        f" {findings.recorded.ram_kib / 1024:.0f} MiB, {ascii_line(machine.begin)},"
        f" {machine.hz:g} samples a second.",
        WIDTH,
    )
    lines += ["", *tests_table(findings.tests)]
    explained = [t for t in findings.tests if _worth_a_word(t)]
    if explained:
        lines += ["", "Why:"]
        for test in explained[:_DETAILED]:
            lines += wrap(f"{test.test}: {reason_text(test.because)}", WIDTH, first="- ")
        if len(explained) > _DETAILED:
            lines += [f"- {len(explained) - _DETAILED} more are in tests.json"]
    lines += ["", "To know:"]
    for note in (*recording_notes(findings.recorded), *report_notes(findings)):
        lines += wrap(ascii_line(note), WIDTH, first="- ")
    return "\n".join(lines) + "\n"


def sentence(tests: Sequence[TestVerdict]) -> str:
    """Return what was found, in one sentence."""
    if not tests:
        return "Nothing was recorded of any test."
    count = {v: [t for t in tests if t.verdict is v] for v in Verdict}
    parts = [
        f"{word} {', '.join(ascii_line(t.test) for t in found[:5])}"
        for word, found in (("leak in", count[Verdict.LEAK]), ("broken:", count[Verdict.BROKEN]))
        if found
    ]
    if count[Verdict.CLEAN]:
        parts.append(f"{len(count[Verdict.CLEAN])} of {len(tests)} tests clean")
    if count[Verdict.UNPROVEN]:
        parts.append(f"{len(count[Verdict.UNPROVEN])} of {len(tests)} tests unproven")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def tests_table(tests: Sequence[TestVerdict]) -> list[str]:
    """Return a line for each test: levels in MiB of kernel memory that is no cache."""
    if not tests:
        return []
    return [*wrap(LEVELS, WIDTH), "", *ruled(table([HEADER, *map(row, tests)]))]


def row(test: TestVerdict) -> tuple[str, ...]:
    """Return a test's line, as wide as ``HEADER``."""
    runs = test.runs
    seconds = [r.span.end_s - r.span.begin_s for r in runs if r.span.end_s is not None]
    steps = test.steps_kib
    floors = [r for r in runs if r.step_kib is not None]
    return (
        ascii_line(test.test) + (" (joined)" if runs[0].span.joined else ""),
        str(len(runs)),
        f"{sum(seconds) / len(seconds):.1f}" if seconds else "-",
        _mib(max((r.peak_kib for r in runs if r.peak_kib is not None), default=None)),
        _mib(floors[0].before_kib if floors else None),
        _mib(floors[-1].after_kib if floors else None),
        f"{sum(steps) / len(steps) / 1024:+.1f}" if steps else "-",
        _grew(floors),
        test.verdict.value,
    )


def _mib(kib: float | None) -> str:
    return f"{kib / 1024:.1f}" if kib is not None else "-"


def _grew(runs: Sequence[TestRun]) -> str:
    if not runs:
        return ""
    rises: dict[MemoryClass, float] = {}
    for run in runs:
        for c, kib in run.classes.items():
            if c not in _NOT_HELD:
                rises[c] = rises.get(c, 0.0) + kib / len(runs)
    best = max(rises, key=lambda c: rises[c], default=None)
    if best is None or rises[best] < _LEAST_KIB:
        return ""
    return f"{best.value} {rises[best] / 1024:+.1f}"


def _worth_a_word(test: TestVerdict) -> bool:
    unproven = test.verdict is Verdict.UNPROVEN
    return not unproven or max(test.steps_kib, default=float("inf")) > _LEAST_KIB
