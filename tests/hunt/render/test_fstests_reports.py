"""Tests of fstests in every report: what check said beside what memory did."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from anyclue.hunt.render.html import report_html
from anyclue.hunt.render.junit import junit_xml
from anyclue.hunt.render.text import report_text, summary
from anyclue.hunt.render.verdicts_json import verdicts_json

if TYPE_CHECKING:
    from tests.hunt.render.conftest import Inputs

REFUSES = "it refuses since fstests cccccccccccc of 2024-05-17"


def test_texts(broken_run: Inputs) -> None:
    mail = report_text(
        broken_run.findings, broken_run.scenario, broken_run.recordings, broken_run.repro
    )
    for text in (mail, summary(broken_run.findings)):
        words = " ".join(text.split())
        assert REFUSES in words
        assert "the workload enospc-small-files does the same" in words
        assert "3 passed, 2 failed, 1 not-run, 1 expunged, 1 lost" in words
        assert "not-run: generic/027" in words
        assert "expunged: expunged" not in words
        row = next(line.split() for line in text.splitlines() if line.startswith("generic/001 "))
        assert row[:2] == ["generic/001", "passed"]
        assert "leak" in row


def test_page(broken_run: Inputs) -> None:
    page = report_html(
        broken_run.findings, broken_run.scenario, broken_run.recordings, broken_run.repro
    )
    assert "generic/027" in page
    assert REFUSES in page


def test_json(broken_run: Inputs) -> None:
    cells = json.loads(verdicts_json(broken_run.findings, broken_run.scenario))["cells"]
    tests = {test["test"]: test for test in cells[0]["tests"]}
    assert tests["generic/001"]["memory"] == "leak"
    assert tests["generic/001"]["steps_kib"] == [2400.0] * 5
    assert tests["generic/027"]["memory"] is None
    assert tests["generic/027"]["check"] == "not-run"
    assert REFUSES in tests["generic/027"]["refuses"]
    assert tests["generic/004"]["known"] == "a bug of old"
    assert cells[1]["tests"] is None


def test_junit(broken_run: Inputs) -> None:
    root = ET.fromstring(junit_xml(broken_run.findings, broken_run.scenario))
    cases = [case for case in root.iter("testcase") if case.get("classname") == "xfstests.global"]
    ended = {
        case.get("name"): next((c.tag for c in case if c.tag != "properties"), "passed")
        for case in cases
    }
    assert ended == {
        "generic/001": "failure",  # check passed it, and it leaks
        "generic/002": "passed",
        "generic/003": "failure",
        "generic/004": "skipped",  # known to fail
        "generic/005": "error",
        "generic/006": "skipped",  # passed, memory unproven
        "generic/027": "skipped",
        "generic/008": "skipped",
    }
    properties = {p.get("name"): p.get("value") for p in cases[0].iter("property")}
    assert properties["memory"] == "leak"
    assert properties["rate_kib_per_run"] == "2400"
    assert properties["check"] == "passed"
