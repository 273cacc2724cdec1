"""``junit.xml``: a suite for each kernel and machine, a case for each cell."""

from __future__ import annotations

from junitparser import Error, Failure, JUnitXml, Skipped
from junitparser.xunit2 import TestCase, TestSuite

from anyclue.fstests.render.junit import tests_suite
from anyclue.fstests.render.reasons import detail_text, reason_text
from anyclue.hunt.clue.model import Clue
from anyclue.hunt.model import RunVerdicts
from anyclue.hunt.render import clue_text
from anyclue.hunt.render.selection import missing_cells
from anyclue.hunt.render.verdict_words import counted_reason, open_counts
from anyclue.model.recording import Outcome
from anyclue.model.scenario import Axis, Cell, Scenario
from anyclue.model.verdict import CellVerdict, Verdict
from anyclue.report import words
from anyclue.report.text import clean, clean_block


def junit_xml(findings: RunVerdicts, scenario: Scenario, clue: Clue | None = None) -> str:
    """Return the findings as JUnit XML; guilty cells have the clue among their properties.

    ``leak``, ``broken`` and ``surge`` are failures, ``clean`` and ``cache`` pass. What could not
    be judged is never passed: an error when the infrastructure failed, else skipped.
    """
    document = JUnitXml(clean(scenario.title))
    suites: dict[tuple[str, str], TestSuite] = {}

    def suite_of(cell: Cell) -> TestSuite:
        key = (cell.kernel, cell.machine)
        if key not in suites:
            suites[key] = TestSuite(  # type: ignore[no-untyped-call]
                clean(f"{cell.kernel}.{cell.machine}")
            )
        return suites[key]

    for verdict in findings.cells:
        suite_of(verdict.cell).add_testcase(_case(verdict, clue))
    for cell in missing_cells(findings, scenario):
        case = _named(cell)
        case.result = [Skipped("planned, not run", "not-run")]
        suite_of(cell).add_testcase(case)
    for suite in [*suites.values(), *(tests_suite(c, t) for c, t in findings.tests.items())]:
        document.add_testsuite(suite)
    document.update_statistics()  # type: ignore[no-untyped-call]
    text: bytes = document.tostring()  # type: ignore[no-untyped-call]
    return text.decode("utf-8")


def _named(cell: Cell) -> TestCase:
    return TestCase(clean(cell.id), classname=clean(f"{cell.kernel}.{cell.machine}"))


def _case(verdict: CellVerdict, clue: Clue | None) -> TestCase:
    case = _named(verdict.cell)
    for name, value in (*_properties(verdict), *_clue(verdict, clue)):
        case.add_property(name, clean(value))
    result = _result(verdict)
    if result is not None:
        result.text = _text(verdict)
        case.result = [result]
    return case


def _result(verdict: CellVerdict) -> Failure | Error | Skipped | None:
    message = clean(reason_text(verdict.because))
    if verdict.verdict.is_guilty:
        return Failure(message, verdict.verdict.value)
    if verdict.outcome is Outcome.LOST:
        return Error(message, verdict.outcome.value)
    if verdict.outcome is Outcome.NOT_RUN or verdict.verdict is Verdict.UNPROVEN:
        return Skipped(message, verdict.outcome.value)
    return None


def _properties(verdict: CellVerdict) -> list[tuple[str, str]]:
    found = [
        *((axis.value, verdict.cell.value(axis)) for axis in Axis),
        ("verdict", verdict.verdict.value),
        ("outcome", verdict.outcome.value),
        ("rate_kib_per_round", words.number(verdict.rate_kib_per_round)),
        ("rate_ci95_kib", words.interval(verdict.rate_ci95_kib) or "-"),
        ("signature", verdict.signature.value if verdict.signature else "-"),
        ("rounds", str(verdict.rounds)),
        ("warm_up", str(verdict.warm_up)),
        ("trials", str(verdict.trials)),
    ]
    counted = counted_reason(verdict)
    if counted is not None:
        found += [
            ("counted", words.series_name(counted.series)),
            ("rate_objects_per_round", words.count_number(counted.rate)),
            ("rate_ci95_objects", words.count_interval(counted.ci95)),
        ]
    if said := open_counts(verdict):
        found.append(("not_excluded", said))
    if verdict.reference:
        found.append(("reference", verdict.reference.id))
    return found


def _clue(verdict: CellVerdict, clue: Clue | None) -> list[tuple[str, str]]:
    if clue is None or not any(verdict.cell.id in one.cells for one in clue.guilt):
        return []
    found = [("clue", clue.sentence)]
    if clue.places:
        found.append(("place", clue_text.likely_place(clue.places[0])))
    found += [(f"suspect {one.name}", one.standing.value) for one in clue.suspects]
    return found


def _text(verdict: CellVerdict) -> str:
    parts = [clean(reason_text(verdict.because))]
    if verdict.signature:
        parts.append(
            f"signature {verdict.signature.value} {clean(detail_text(verdict.signature_detail))}"
        )
    grew = [
        f"{name.value} {words.rate(of.rate_kib, of.ci95_kib)}"
        for name, of in verdict.classes.items()
        if of.grew
    ]
    if grew:
        parts.append("grew, KiB per round: " + ", ".join(grew))
    if verdict.incident:
        parts.append(f"{clean(verdict.incident.title)}\n{clean_block(verdict.incident.text)}")
    return "\n".join(parts)
