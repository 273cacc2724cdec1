"""Judging a stored run: the same bytes however often, and only what is new is read."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest

from anyclue.hunt.judge import RunJudge, judge
from anyclue.model.errors import RequestError
from anyclue.recordings import evaluations
from anyclue.recordings.run_directory import RunDirectory
from anyclue.recordings.store import read_recording

STORED = Path(__file__).parent / "data/lzo-leak"
"""A run of scenarios/lzo-leak.toml, recorded and judged before 2.1, without sources and probes."""


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory(Path(shutil.copytree(STORED, tmp_path / "run")))


def test_a_stored_run_is_judged_to_the_same_bytes(run: RunDirectory) -> None:
    expected = (STORED / "verdicts.json").read_text()
    assert judge(run).document == expected  # from recordings
    assert judge(run).document == expected  # from evaluations
    for file in run.path.glob("evaluations/*/*.json.gz"):
        file.write_bytes(file.read_bytes()[:-100])
    assert judge(run).document == expected
    (run.path / "evaluations").rename(run.path / "old")
    (run.path / "evaluations").write_text("where no directory can be made")
    assert judge(run).document == expected


def test_a_trial_is_read_once(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []

    def noted(directory: Path) -> object:
        read.append(directory)
        return read_recording(directory)

    monkeypatch.setattr(evaluations, "read_recording", noted)
    of_run = RunJudge(run)
    before = of_run.judge()
    assert len(read) == len(before.scenario.cells) == 6
    assert of_run.judge().findings == before.findings
    cell = before.scenario.cells[-1]
    more = Path(shutil.copytree(run.trial(cell, 1), run.trial(cell, 2)))
    fields = json.loads((more / "outcome.json").read_text())
    (more / "outcome.json").write_text(json.dumps(fields | {"trial": 2}))
    after = of_run.judge()
    assert read[6:] == [more]
    same = [a is b for a, b in zip(before.findings.cells, after.findings.cells, strict=True)]
    assert same == [True] * 5 + [False], "only that cell is judged again"
    assert judge(run).document == after.document
    assert len(read) == 7, "another process reads evaluations"


def test_another_reference_judges_its_cells_again(run: RunDirectory) -> None:
    of_run = RunJudge(run)
    before = of_run.judge()
    (reference,) = before.scenario.planned_references
    shutil.copytree(run.trial(reference, 1), run.trial(reference, 2))
    after = of_run.judge()
    assert not any(a is b for a, b in zip(before.findings.cells, after.findings.cells, strict=True))
    assert judge(run).document == after.document


@pytest.mark.parametrize("name", ["samples.parquet", "marks.jsonl", "kmsg.log", "outcome.json"])
def test_a_damaged_trial_is_told_though_it_was_evaluated(run: RunDirectory, name: str) -> None:
    of_run = RunJudge(run)
    cell = of_run.judge().scenario.cells[0]
    file = run.trial(cell, 1) / name
    file.write_bytes(file.read_bytes()[:-10])
    for one in (of_run, RunJudge(run)):
        with pytest.raises(RequestError, match="not a whole recording"):
            one.judge()


DAMAGED = {
    "empty": b"",
    "no gzip": b"{}",
    "cut": gzip.compress(b"[]\n{}")[:-5],
    "deep": gzip.compress(b"[" * 100_000),
    "a later form": gzip.compress(b'{"of": []}'),
    "one line": gzip.compress(b"[]"),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_evaluation_is_made_anew(run: RunDirectory, content: bytes) -> None:
    expected = judge(run).document
    for file in run.path.glob("evaluations/*/*.json.gz"):
        file.write_bytes(content)
    assert judge(run).document == expected


def test_an_evaluation_that_was_changed_is_made_anew(run: RunDirectory) -> None:
    expected = judge(run).document
    for file in run.path.glob("evaluations/*/*.json.gz"):
        head, _, body = gzip.decompress(file.read_bytes()).partition(b"\n")
        evaluation = json.loads(body)
        for one in evaluation["rounds"]:
            one["floor"]["counters"] = {}
        file.write_bytes(gzip.compress(head + b"\n" + json.dumps(evaluation).encode()))
    assert judge(run).document == expected


def test_a_pipe_in_place_of_an_evaluation_is_not_waited_for(run: RunDirectory) -> None:
    expected = judge(run).document
    for file in run.path.glob("evaluations/*/*.json.gz"):
        file.unlink()
        os.mkfifo(file)
    assert judge(run).document == expected


def test_an_evaluation_of_other_code_is_made_anew(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_run = RunJudge(run).judge()
    read: list[Path] = []

    def noted(directory: Path) -> object:
        read.append(directory)
        return read_recording(directory)

    monkeypatch.setattr(evaluations, "read_recording", noted)
    assert judge(run).document == of_run.document
    assert read == []
    monkeypatch.setattr(evaluations, "code_digest", lambda: "another")
    assert judge(run).document == of_run.document
    assert len(read) == 6


def test_a_reason_of_a_later_version_is_none(run: RunDirectory) -> None:
    expected = judge(run).document
    for file in run.path.glob("cells/*/*/outcome.json"):
        file.write_text(json.dumps(json.loads(file.read_text()) | {"reason": "of tomorrow"}))
    assert judge(run).document == expected


def test_an_evaluation_survives_json(run: RunDirectory) -> None:
    first, again = judge(run), judge(run)
    assert {c: [asdict(t) for t in of] for c, of in first.trials.items()} == {
        c: [asdict(t) for t in of] for c, of in again.trials.items()
    }
