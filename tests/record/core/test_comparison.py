"""Two recordings beside each other: what is higher, and what stays untold."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.fstests.core.test_memory_verdict import LEAK, REPEATED, recorded

from anyclue.model.verdict import MemoryClass, Verdict
from anyclue.record.core.comparison import compare
from anyclue.record.core.model import Direction, Mismatch, RecordedComparison, RecordingVerdicts
from anyclue.record.core.verdicts import judge_recording
from anyclue.record.render.comparison import comparison_text
from anyclue.record.render.json_document import comparison_json


def found(tests: list[str], *, leak: bool = False, release: str = "6.18") -> RecordingVerdicts:
    of = recorded(tests, LEAK if leak else {}, quiesce=True)
    return judge_recording(replace(of, machine=replace(of.machine, release=release)))


def directions(compared: RecordedComparison, test: str) -> list[Direction | None]:
    one = next(t for t in compared.tests if t.here.test == test)
    return [d.direction if d else None for d in (one.peak, one.step)]


def test_what_leaks_only_here_is_higher() -> None:
    compared = compare(found(REPEATED, leak=True, release="6.19"), found(REPEATED))
    assert directions(compared, "btrfs/024")[1] is Direction.HIGHER
    assert directions(compared, "generic/001") == [Direction.SAME, Direction.SAME]
    guilty = [t.here.test for t in compared.tests if t.newly_guilty]
    assert guilty == ["btrfs/024"]
    text = comparison_text(compared)
    assert text.isascii()
    assert "Higher here: btrfs/024" in text
    assert "6.19" in text
    assert '"standing": "higher"' in comparison_json(compared)


def test_what_leaks_only_there_is_lower() -> None:
    compared = compare(found(REPEATED), found(REPEATED, leak=True))
    assert directions(compared, "btrfs/024")[1] is Direction.LOWER
    assert not any(t.newly_guilty for t in compared.tests)


def test_the_same_is_the_same() -> None:
    compared = compare(found(REPEATED), found(REPEATED))
    assert "2 of 2 tests the same" in comparison_text(compared)


def test_single_runs_cannot_be_told_apart() -> None:
    once = ["generic/001", "btrfs/024"]
    compared = compare(found(once, leak=True), found(once))
    assert directions(compared, "btrfs/024") == [Direction.UNDECIDED, Direction.UNDECIDED]
    step = compared.tests[1].step
    assert step is not None
    assert step.here_kib - step.there_kib == pytest.approx(2400.0, abs=20)
    assert step.ci95_kib is None
    assert "their scatter is not known" in comparison_text(compared)


def test_machines_that_differ_are_not_compared() -> None:
    here = found(REPEATED, leak=True)
    timeline = tuple(
        replace(r, counters={**r.counters, "meminfo.MemTotal": r.counters["meminfo.MemTotal"] / 2})
        for r in here.recorded.timeline
    )
    half = replace(here, recorded=replace(here.recorded, timeline=timeline))
    compared = compare(half, found(REPEATED))
    assert compared.mismatches == (Mismatch.RAM,)
    assert {s for t in compared.tests for s in directions(compared, t.here.test)} == {
        Direction.UNDECIDED
    }
    assert "RAM differs" in comparison_text(compared)


def test_tests_of_one_recording_alone_are_named() -> None:
    compared = compare(found(["generic/001"] * 4), found(["btrfs/024"] * 4))
    assert (compared.only_here, compared.only_there) == (("generic/001",), ("btrfs/024",))
    assert "no test in common" in comparison_text(compared)


def test_a_test_without_floors_is_no_crash() -> None:
    here = found(REPEATED)
    bare = tuple(
        replace(t, runs=tuple(replace(r, before_kib=None, after_kib=None) for r in t.runs))
        for t in here.tests
    )
    compared = compare(replace(here, tests=bare), found(REPEATED))
    assert all(t.peak is None and t.step is None for t in compared.tests)
    assert "no floors" in comparison_text(compared)
    assert {t.there.verdict for t in compared.tests} == {Verdict.CLEAN}
    assert MemoryClass.USED in compared.tests[0].there.runs[0].classes
