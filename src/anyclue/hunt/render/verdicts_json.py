"""``verdicts.json``: the findings for machines; documented in ``docs/verdicts-schema.md``."""

from __future__ import annotations

import json
from typing import TypeAlias

from anyclue.fstests.core.model import TestFinding
from anyclue.fstests.render import words as tests_words
from anyclue.fstests.render.reasons import detail_text, reason_text
from anyclue.hunt.model import Factor, RunVerdicts
from anyclue.hunt.render import verdict_words
from anyclue.model.recording import Incident
from anyclue.model.scenario import Cell, Scenario
from anyclue.model.verdict import CellVerdict, ClassRate, MemoryClass
from anyclue.report import words
from anyclue.report.text import clean, clean_block

SCHEMA = "anyclue.verdicts/1"

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


def verdicts_json(findings: RunVerdicts, scenario: Scenario) -> str:
    """Return the findings as JSON, in ASCII, ended by a line end; the same input, the same text.

    Numbers that are not finite become null: JSON has no word for them.
    """
    document: Json = {
        "schema": SCHEMA,
        "title": clean(scenario.title),
        "sentence": clean(findings.sentence),
        "cells": [{**_cell(cell), "tests": _tests(findings, cell.cell)} for cell in findings.cells],
        "factors": [_factor(factor) for factor in findings.factors],
        "not_judged": [clean(text) for text in verdict_words.not_judged(findings, scenario)],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _cell(verdict: CellVerdict) -> dict[str, Json]:
    cell = verdict.cell
    return {
        "cell": clean(cell.id),
        "kernel": clean(cell.kernel),
        "machine": clean(cell.machine),
        "mkfs": clean(cell.mkfs),
        "mount": clean(cell.mount),
        "workload": clean(cell.workload),
        "outcome": verdict.outcome.value,
        "verdict": verdict.verdict.value,
        "because": clean(reason_text(verdict.because)),
        "rate_kib_per_round": _number(verdict.rate_kib_per_round),
        "rate_ci95_kib": _interval(verdict.rate_ci95_kib),
        "signature": verdict.signature.value if verdict.signature else None,
        "signature_detail": clean(detail_text(verdict.signature_detail)),
        "classes": {
            name.value: _class(verdict.classes[name])
            for name in MemoryClass
            if name in verdict.classes
        },
        "rounds": verdict.rounds,
        "warm_up": verdict.warm_up,
        "trials": verdict.trials,
        "reference": clean(verdict.reference.id) if verdict.reference else None,
        "incident": _incident(verdict.incident) if verdict.incident else None,
    }


def _tests(findings: RunVerdicts, cell: Cell) -> Json:
    if cell not in findings.tests:
        return None
    return [_test(test) for test in findings.tests[cell]]


def _test(test: TestFinding) -> Json:
    memory = test.memory
    seconds = [result.seconds for result in test.results if result.seconds is not None]
    steps = [run.step_kib for run in memory.runs] if memory else []
    signature = memory.signature if memory else None
    return {
        "test": clean(test.id.test),
        "section": clean(test.id.section),
        "check": test.status.value,
        "reason": clean(test.reason),
        "seconds": _number(sum(seconds) / len(seconds)) if seconds else None,
        "memory": memory.verdict.value if memory else None,
        "because": clean(reason_text(memory.because)) if memory else "",
        "rate_kib_per_run": _number(memory.rate_kib_per_run) if memory else None,
        "rate_ci95_kib": _interval(memory.rate_ci95_kib) if memory else None,
        "signature": signature.value if signature else None,
        "steps_kib": [_number(step) for step in steps],
        "after": [clean(str(one)) for one in test.after],
        "killed": clean(test.killed),
        "disagreement": clean(tests_words.disagreement(test)),
        "known": clean(test.known.reason) if test.known else None,
        "outdated": clean(tests_words.outdated(test)),
        "refuses": clean(tests_words.refusal(test)) or None,
    }


def _class(found: ClassRate) -> Json:
    return {
        "rate_kib_per_round": _number(found.rate_kib),
        "rate_ci95_kib": _interval(found.ci95_kib),
        "grew": found.grew,
        "top": [{"name": clean(name), "kib_per_round": _number(kib)} for name, kib in found.top],
    }


def _incident(incident: Incident) -> Json:
    return {
        "kind": clean(incident.kind),
        "t_s": _number(incident.t_s),
        "title": clean(incident.title),
        "function": clean(incident.function) if incident.function is not None else None,
        "text": clean_block(incident.text),
    }


def _factor(factor: Factor) -> Json:
    return {
        "factor": factor.factor.value,
        "matters": factor.matters,
        "because": clean(factor.because),
        "evidence": [[clean(one.id), clean(other.id)] for one, other in factor.evidence],
    }


def _number(value: float | None) -> float | None:
    known = words.finite(value)
    return None if known is None else round(known, 6)


def _interval(ci: tuple[float, float] | None) -> Json:
    if ci is None or words.finite(ci[0]) is None or words.finite(ci[1]) is None:
        return None
    return [_number(ci[0]), _number(ci[1])]
