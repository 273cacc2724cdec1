"""``tests.json``: what is said of a recording of ``anyclue record``, for programs."""

from __future__ import annotations

import json
from typing import Any

from anyclue.fstests.render.reasons import reason_text
from anyclue.model.machine_recording import TestRun, TestVerdict
from anyclue.record.core.model import RecordingVerdicts
from anyclue.report.text import clean

SCHEMA = "anyclue.tests/1"


def recorded_json(findings: RecordingVerdicts) -> str:
    """Return the findings as JSON text."""
    return json.dumps(recorded_value(findings), indent=1, allow_nan=False) + "\n"


def recorded_value(findings: RecordingVerdicts) -> dict[str, Any]:
    """Return the findings as a JSON value."""
    recorded = findings.recorded
    machine = recorded.machine
    return {
        "schema": SCHEMA,
        "command": [clean(word) for word in machine.command],
        "host": clean(machine.host),
        "release": clean(machine.release),
        "machine": clean(machine.machine),
        "ram_kib": findings.ram_kib,
        "begin": clean(machine.begin),
        "hz": machine.hz,
        "quiesce": machine.quiesce,
        "samples": len(recorded.timeline),
        "ended": recorded.ended,
        "status": recorded.status,
        "tests": [_test(test) for test in findings.tests],
        "notes": [clean(note) for note in findings.notes],
    }


def _test(test: TestVerdict) -> dict[str, Any]:
    return {
        "test": clean(test.test),
        "verdict": test.verdict.value,
        "because": clean(reason_text(test.because)),
        "rate_kib_per_run": test.rate_kib_per_run,
        "rate_ci95_kib": list(test.rate_ci95_kib) if test.rate_ci95_kib else None,
        "signature": test.signature.value if test.signature else None,
        "runs": [_run(run) for run in test.runs],
    }


def _run(run: TestRun) -> dict[str, Any]:
    begin, end = run.span.begin_s, run.span.end_s
    return {
        "number": run.span.number,
        "seconds": round(end - begin, 3) if end is not None else None,
        "joined": run.span.joined,
        "peak_kib": run.peak_kib,
        "floor_before_kib": run.before_kib,
        "floor_after_kib": run.after_kib,
        "quiesced": run.quiesced,
        "classes_kib": {c.value: kib for c, kib in run.classes.items()},
        "top_kib": {clean(name): kib for name, kib in run.top},
        "incident": clean(run.incident.title) if run.incident else None,
    }
