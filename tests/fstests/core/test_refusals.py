"""Tests that refuse to run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from anyclue.fstests.core.check_output import parse_check
from anyclue.fstests.core.model import CheckResult, CheckStatus, Refusal
from anyclue.fstests.core.refusals import refusal_of
from anyclue.trial.workloads.registry import WORKLOADS

DATA = Path(__file__).parent / "data"
FSTESTS_DIR = os.environ.get("FSTESTS_DIR")
ASKS = "This test requires no compression enabled"
REFUSING = ["generic/027", "generic/274", "generic/275", "generic/352", "generic/427"]


def captured(name: str) -> str:
    return (DATA / f"{name}.txt").read_text()


def refused(test: str) -> Refusal | None:
    return refusal_of(CheckResult(test=test, status=CheckStatus.NOT_RUN, reason=ASKS))


def test_why_generic_027_refuses_compression() -> None:
    results = {one.test: one for one in parse_check(captured("sections-one")).results}
    refusal = refusal_of(results["generic/027"])
    assert refusal is not None
    assert refusal.commit.startswith("c9990174")
    assert refusal.date == "2024-05-17"
    assert refusal.subject == "generic/027: require no compression"
    assert refusal.instead in WORKLOADS
    assert refusal_of(results["generic/352"]) == refused("generic/352")


def test_other_reasons_are_not_known() -> None:
    assert refused("generic/001") is None
    for status, reason in ((CheckStatus.NOT_RUN, "no reflink"), (CheckStatus.FAILED, ASKS)):
        assert refusal_of(CheckResult(test="generic/027", status=status, reason=reason)) is None


@pytest.mark.skipif(not FSTESTS_DIR, reason="needs FSTESTS_DIR, a checkout of upstream fstests")
@pytest.mark.parametrize("test", REFUSING)
def test_upstream_s_history_says_so(test: str) -> None:
    refusal = refused(test)
    assert refusal is not None
    asked = ["log", "-1", "--date=short", "--format=%ad %s", "-S_require_no_compress"]
    said = subprocess.run(
        ["git", "-C", str(FSTESTS_DIR), *asked, refusal.commit, "--", f"tests/{test}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said == f"{refusal.date} {refusal.subject}\n"
