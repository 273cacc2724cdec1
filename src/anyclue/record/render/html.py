"""A recording of a machine as a page: memory over time, and what is said of every test."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from anyclue.fstests.render.reasons import reason_text
from anyclue.model.verdict import Verdict
from anyclue.record.core.model import RecordingVerdicts
from anyclue.record.render.notes import recording_notes, report_notes
from anyclue.record.render.text import HEADER, LEVELS, row, sentence
from anyclue.report import series, words
from anyclue.report.pages import Figure, Key, environment

_TITLE = "Kernel memory that is no cache, over time"


def recorded_html(findings: RecordingVerdicts, held: Sequence[series.Point]) -> str:
    """Return the report as a page; ``held`` is time (s) and memory that is no cache (KiB)."""
    machine = findings.recorded.machine
    facts = [
        ("command", shlex.join(machine.command) if machine.command else "a running check"),
        ("machine", f"{machine.host}, {machine.machine}, {machine.cpus} processors"),
        ("kernel", f"Linux {machine.release}"),
        ("memory", f"{findings.recorded.ram_kib / 1024:.0f} MiB"),
        ("begin", machine.begin),
        ("samples", f"{machine.hz:g} a second"),
        ("caches dropped between tests", "yes" if machine.quiesce else "no"),
    ]
    figure = _figure(findings, held)
    return (
        environment(__package__)
        .get_template("recorded.html.j2")
        .render(
            heading=sentence(findings.tests),
            facts=facts,
            figures=[figure] if figure else [],
            levels=LEVELS,
            header=HEADER,
            tests=[(row(test), reason_text(test.because)) for test in findings.tests],
            notes=(*recording_notes(findings.recorded), *report_notes(findings)),
        )
    )


def _figure(findings: RecordingVerdicts, held: Sequence[series.Point]) -> Figure | None:
    known = [(t_s, kib / 1024.0) for t_s, kib in held if words.finite(kib) is not None]
    if len(known) < 2:
        return None
    from anyclue.report import charts  # noqa: PLC0415 - Altair loads slowly

    zero = known[0][0]
    runs = [run for test in findings.tests for run in test.runs]
    runs.sort(key=lambda run: run.span.begin_s)
    floors = [(run.span.begin_s, run.before_kib) for run in runs]
    floors += [(run.span.end_s, run.after_kib) for run in runs if run.span.end_s is not None]
    line = series.Timeline(
        used=series.downsample([(t_s - zero, mib) for t_s, mib in known]),
        floors=tuple(sorted((t_s - zero, kib / 1024.0) for t_s, kib in floors if kib is not None)),
        rounds=tuple((run.span.begin_s - zero, number) for number, run in enumerate(runs, 1)),
        incident_s=None,
    )
    verdicts = {test.verdict for test in findings.tests}
    worst = next((v for v in words.SEVERITY if v in verdicts), Verdict.UNPROVEN)
    colour = f"var(--v-{worst.value})"
    peak = max(mib for _, mib in known)
    caption = (
        "Dotted lines: a test begins, numbered as they ran. Dots: floors between tests. "
        f"Highest {peak:.0f} MiB of {findings.recorded.ram_kib / 1024:.0f} MiB."
    )
    chart = charts.memory_over_time(line, None, colour, since="the recording")
    return Figure(
        title=_TITLE,
        caption=caption,
        svg=charts.inline_svg(chart, "held", _TITLE, caption),
        keys=(Key(colour=colour, text="memory that the kernel holds"),),
    )
