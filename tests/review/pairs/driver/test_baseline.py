"""What a baseline has is not told again; the most probable findings come first."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from anyclue.model.errors import RequestError
from anyclue.review.pairs.driver.baseline import most_probable, read_baseline, without_known
from anyclue.review.pairs.model import Confidence, ConfidenceReason, Finding, FindingKind, Review
from anyclue.review.pairs.render.json_document import review_json

ONE = Finding(
    kind=FindingKind.LEAK,
    pair="page-reference",
    resource="page",
    function="f",
    path="fs/a.c",
    line=9,
    column=2,
    acquired_line=4,
    acquired_by="find_get_page",
    release=("put_page",),
    message="lost",
    steps=(),
    confidence=Confidence.HIGH,
    reason=ConfidenceReason.RELEASED_ELSEWHERE,
    probability=0.5,
)
TWO = replace(ONE, function="g", probability=0.25)
THREE = replace(ONE, resource="other", probability=0.125)
REVIEW = Review(findings=(ONE, TWO, THREE), files=1, functions=2, lines=20)


def written(tmp_path: Path, review: Review) -> Path:
    file = tmp_path / "known.json"
    file.write_text(review_json(review))
    return file


def test_what_a_baseline_has_is_known_at_another_line_too(tmp_path: Path) -> None:
    known = read_baseline(written(tmp_path, replace(REVIEW, findings=(TWO, ONE))))
    moved = replace(REVIEW, findings=(replace(ONE, line=30, column=5), TWO, THREE))
    found = without_known(moved, known)
    assert (found.findings, found.known) == ((THREE,), 2)


def test_a_second_one_that_is_alike_is_news(tmp_path: Path) -> None:
    known = read_baseline(written(tmp_path, replace(REVIEW, findings=(ONE,))))
    found = without_known(replace(REVIEW, findings=(ONE, replace(ONE, line=50))), known)
    assert [one.line for one in found.findings] == [50]
    assert found.known == 1


def test_a_baseline_of_an_older_anyclue_is_read(tmp_path: Path) -> None:
    file = written(tmp_path, REVIEW)
    document = json.loads(file.read_text())
    for one in document["findings"]:
        del one["probability"]
    del document["known"], document["cut"]
    file.write_text(json.dumps(document))
    assert without_known(REVIEW, read_baseline(file)).known == 3


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        (b"\xff\xfe", "is no JSON"),
        ("[]", "is no review of pairs"),
        ('{"schema": "anyclue.merge/1"}', "is no review of pairs"),
        ('{"schema": "anyclue.pairs/1"}', "holds findings without a fingerprint"),
        ('{"schema": "anyclue.pairs/1", "findings": [1]}', "holds findings without a fingerprint"),
        ('{"schema": "anyclue.pairs/1", "findings": [{}]}', "holds findings without a fingerprint"),
    ],
)
def test_what_is_no_baseline_is_refused(tmp_path: Path, content: str | bytes, what: str) -> None:
    file = tmp_path / "known.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(RequestError) as caught:
        read_baseline(file)
    (problem,) = caught.value.problems
    assert problem.what.startswith(what)
    assert problem.where == str(file)


def test_a_baseline_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="cannot be read"):
        read_baseline(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("number", "shown", "cut"), [(None, 3, 0), (5, 3, 0), (3, 3, 0), (2, 2, 1), (1, 1, 2)]
)
def test_the_most_probable_are_kept_and_the_others_counted(
    number: int | None, shown: int, cut: int
) -> None:
    found = most_probable(REVIEW, number)
    assert found.findings == REVIEW.findings[:shown]
    assert found.cut == cut
