"""Trials of fstests as they would be on disk, without a guest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from anyclue.hunts.fstests.gathering import Trial, read_trials
from anyclue.hunts.fstests.journal import CheckCall, Journal
from anyclue.model.recording import LogLine, Mark, MarkName, Outcome, Reading, Recording
from anyclue.model.scenario import Cell
from anyclue.model.suite import Part, TestId
from anyclue.recordings import RunDirectory, write_recording
from anyclue.recordings.rounds import find_rounds

CELL = Cell(kernel="k", machine="m", mkfs="d", mount="lzo", workload="few")
TOTAL_KIB = 512 * 1024
PASS = "\n{test}           3s\nRan: {test}\nPassed all 1 tests\n"
FAIL = "\n{test}   - output mismatch (see x)\nRan: {test}\nFailures: {test}\nFailed 1 of 1 tests\n"
NOT_RUN = (
    "\n{test}       [not run] This test requires no compression enabled\n"
    "Ran: {test}\nNot run: {test}\nPassed all 1 tests\n"
)
HEAD = "FSTYP         -- btrfs\nPLATFORM      -- Linux/i686 guest 6.1\n"


def reading(t_s: float, held_kib: float) -> Reading:
    free = TOTAL_KIB - 100_000 - held_kib
    counters = {
        "MemTotal": TOTAL_KIB, "MemFree": free, "Buffers": 0, "Cached": 1000, "Active(file)": 500,
        "Inactive(file)": 500, "Active(anon)": 0, "Inactive(anon)": 0, "Unevictable": 0,
        "AnonPages": 0, "Shmem": 0, "SReclaimable": 2000, "SUnreclaim": 3000 + held_kib,
        "KReclaimable": 2000, "KernelStack": 300, "PageTables": 100, "Percpu": 100,
        "VmallocUsed": 1000, "SwapCached": 0, "Slab": 5000 + held_kib,
    }  # fmt: skip
    values = {f"meminfo.{name}": float(value) for name, value in counters.items()}
    return Reading(t_s=t_s, counters={**values, "pcp.total": 0.0})


def report(test: str, printed: str) -> bytes:
    """Return check's own report of what it printed of one test."""
    inner = "<skipped/>" if "[not run]" in printed else ""
    inner = '<failure message="- output mismatch"/>' if "mismatch" in printed else inner
    case = f'<testcase classname="xfstests.global" name="{test}" time="3">{inner}</testcase>'
    return f'<testsuite time="3" tests="1">{case}</testsuite>'.encode()


def keep(results: Path, number: str, test: str, told: bytes) -> tuple[str, ...]:
    path = Path(number, test.partition("/")[0], "result.xml")
    (results / path).parent.mkdir(parents=True)
    (results / path).write_bytes(told)
    return (str(path),)


class Trials:
    """Writes trials; ``held`` is what the kernel holds at the floors (KiB), one more than tests."""

    def __init__(self, path: Path) -> None:
        self.run = RunDirectory(path)
        self.count = 0

    def add(
        self,
        tests: Sequence[str],
        *,
        held: Sequence[float] = (),
        said: Sequence[str | None] | None = None,
        part: Part = Part.LIST,
        outcome: Outcome = Outcome.PASSED,
        detail: str = "all rounds ran",
        log: Sequence[str] = (),
        planned: Sequence[str] | None = None,
        reports: Sequence[bytes | None] | None = None,
        again: Sequence[bool] | None = None,
    ) -> None:
        """Add a trial: check's words by test, None where it did not come back from the last."""
        self.count += 1
        place = self.run.trial(CELL, self.count)
        place.mkdir(parents=True)
        words = list(said) if said is not None else [PASS] * len(tests)
        levels = list(held) or [0.0] * (len(tests) + 1)
        journal = Journal(place=place, part=part)
        journal.planned([TestId(section="", test=test) for test in planned or tests])
        marks: list[Mark] = []
        samples: list[Reading] = []
        lines: list[LogLine] = []

        def floor(number: int, at: float) -> None:
            marks.append(Mark(t_s=at, name=MarkName.FLOOR_BEGIN, round=number))
            samples.extend(reading(at + 0.1 * k, levels[number]) for k in range(3))
            marks.append(Mark(t_s=at + 0.3, name=MarkName.FLOOR_END, round=number))

        marks.append(Mark(t_s=1.0, name=MarkName.TRIAL_BEGIN))
        floor(0, 2.0)
        for number, (test, output) in enumerate(zip(tests, words, strict=True), start=1):
            at = 10.0 * number
            repeated = again is not None and again[number - 1]
            call = CheckCall(round=number, section="", test=test, again=repeated)
            journal.begin(call)
            data = {"test": test, "section": ""}
            marks.append(Mark(t_s=at, name=MarkName.ROUND_BEGIN, round=number, data=data))
            text = f"run fstests {test} at 2026-11-23 03:36:34"
            lines.append(LogLine(t_s=at + 1, level=6, text=text))
            samples.append(reading(at + 2, levels[min(number, len(levels) - 1)]))
            if output is None:
                lines += [LogLine(t_s=at + 3, level=2, text=line) for line in log]
                break
            text = HEAD + output.format(test=test)
            told = report(test, text) if reports is None else reports[number - 1]
            kept = keep(journal.results, f"{number:04}", test, told) if told is not None else ()
            journal.end(replace(call, status=0, kept=kept), text)
            floor(number, at + 5)
            marks.append(Mark(t_s=at + 6, name=MarkName.ROUND_END, round=number))
        recording = Recording(
            cell=CELL,
            trial=self.count,
            outcome=outcome,
            detail=detail,
            ram_kib=TOTAL_KIB,
            rounds=find_rounds(marks, samples),
            timeline=tuple(samples),
            marks=tuple(marks),
            kernel_log=tuple(lines),
            provenance={"release": "6.1.0-50-686-pae"},
        )
        write_recording(place, recording, seconds=1.0, lost_log=0)

    def read(self) -> tuple[Trial, ...]:
        return read_trials(self.run, self.run.recordings([CELL])[CELL])


@pytest.fixture
def trials(tmp_path: Path) -> Trials:
    return Trials(tmp_path / "run")


@pytest.fixture
def words() -> dict[str, str]:
    return {"pass": PASS, "fail": FAIL, "not run": NOT_RUN}


@pytest.fixture
def cell() -> Cell:
    return CELL
