"""Names in a run directory, and what is read from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from anyclue.model.errors import RequestError
from anyclue.model.recording import Outcome, Recording
from anyclue.model.scenario import Cell
from anyclue.recordings.run_directory import RunDirectory
from anyclue.recordings.store import write_recording

CELLS = tuple(
    Cell(kernel=kernel, machine="i386", mkfs="default", mount="lzo", workload="w")
    for kernel in ("bad", "good")
)


def put(run: RunDirectory, cell: Cell, number: int, outcome: Outcome = Outcome.PASSED) -> Path:
    directory = run.trial(cell, number)
    directory.mkdir(parents=True)
    recording = Recording(cell=cell, trial=number, outcome=outcome, detail="", ram_kib=1)
    write_recording(directory, recording, seconds=1, lost_log=0)
    return directory


def test_names(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    assert run.trial(CELLS[0], 3) == tmp_path / "cells/bad.i386.default.lzo.w/trial-3"
    assert run.file("report.html") == tmp_path / "report.html"


def test_trials_in_order_and_nothing_but_trials(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    for number in (10, 2, 1):
        put(run, CELLS[0], number)
    (run.trial(CELLS[0], 1).parent / ".trial-3.abc").mkdir()  # what a killed hunt leaves
    found = run.recordings(CELLS)
    assert [recording.trial for recording in found[CELLS[0]]] == [1, 2, 10]
    assert found[CELLS[1]] == ()


def test_outcomes(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    put(run, CELLS[0], 1, Outcome.HUNG)
    assert run.outcome(CELLS[0], 1) is Outcome.HUNG
    assert run.outcome(CELLS[0], 2) is None


@pytest.mark.parametrize("content", [None, "", "{", "[]", "{}", '{"outcome": "fine"}', "\0\xff"])
def test_a_damaged_trial_is_an_error_not_a_trial_to_run(
    tmp_path: Path, content: str | None
) -> None:
    """To run it again would end at a directory that is in the way."""
    run = RunDirectory(tmp_path)
    file = put(run, CELLS[0], 1) / "outcome.json"
    file.unlink()
    if content is not None:
        file.write_bytes(content.encode("latin-1"))
    with pytest.raises(RequestError, match="not a whole recording"):
        run.outcome(CELLS[0], 1)
    with pytest.raises(RequestError, match="not a whole recording"):
        run.recordings(CELLS)


def test_a_recording_is_no_run_of_a_hunt(tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text("{}")
    with pytest.raises(RequestError, match="not a run of a hunt") as caught:
        RunDirectory(tmp_path).plan_text()
    assert "anyclue report" in str(caught.value)


@pytest.mark.parametrize("kind", ["nothing", "file", "binary"])
def test_what_is_no_run(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "run"
    if kind == "file":
        path.write_text("x")
    if kind == "binary":
        path.mkdir()
        (path / "plan.json").write_bytes(b"\xff\xfe")
    with pytest.raises(RequestError, match="not a run directory") as caught:
        RunDirectory(path).plan_text()
    assert caught.value.problems[0].where == str(path / "plan.json")
