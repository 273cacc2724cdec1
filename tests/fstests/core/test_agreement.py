"""check's output beside its report: captured pairs agree, changed ones are told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from anyclue.fstests.core.agreement import disagreements
from anyclue.fstests.core.check_output import parse_check
from anyclue.fstests.core.model import CheckResult, CheckStatus
from anyclue.fstests.core.xunit import parse_xunit

DATA = Path(__file__).parent / "data"


def runs_of(name: str, test: str) -> list[CheckResult]:
    printed = parse_check((DATA / f"{name}.txt").read_text())
    return [result for result in printed.results if result.test == test]


@pytest.mark.parametrize("name", ["mixed", "looped", "killed"])
def test_captured_pairs_agree(name: str) -> None:
    report = parse_xunit((DATA / f"{name}.xml").read_bytes())
    printed = parse_check((DATA / f"{name}.txt").read_text())
    for test in {result.test for result in printed.results} - {"generic/999"}:
        assert disagreements(runs_of(name, test), report) == ()


def test_another_status_is_told() -> None:
    report = parse_xunit((DATA / "mixed.xml").read_bytes())
    [failed] = runs_of("mixed", "generic/005")
    changed = replace(failed, status=CheckStatus.PASSED)
    assert disagreements([changed], report) == ("check printed passed, and its report says failed",)


def test_a_run_that_only_one_of_them_has_is_told() -> None:
    report = parse_xunit((DATA / "looped.xml").read_bytes())
    runs = runs_of("looped", "generic/013")
    assert len(runs) > 1
    assert disagreements(runs[:-1], report) == (
        f"its report says {runs[-1].status} of a run of which check printed nothing",
    )
    more = replace(runs[0], number=len(runs) + 1)
    assert disagreements([*runs, more], report) == (
        f"check printed {more.status}, and its report says nothing",
    )


def test_no_report() -> None:
    assert disagreements(runs_of("mixed", "generic/002"), None) == (
        "check left no report to compare its output with",
    )
    assert disagreements(runs_of("mixed", "generic/004"), None) == ()  # left out
