"""Runs the engine on C texts, whole or as a change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from anyclue.review.pairs.contracts.read import built_in
from anyclue.review.pairs.driver.changes import FileChange, SourceChange
from anyclue.review.pairs.driver.review import Reviewer
from anyclue.review.pairs.frontend.unit import unit
from anyclue.review.pairs.model import Confidence, Finding, Review
from anyclue.review.pairs.rules.program import Program

Judge = Callable[[str], list[Finding]]
Compare = Callable[[str, str], Review]


def program_of(text: bytes) -> Program:
    program = Program(built_in())
    program.add("x.c", unit(text), text)
    program.run_to_fixpoint()
    return program


@pytest.fixture
def analyse() -> Callable[[str | bytes], Program]:
    """Analyse the functions of one text."""
    return lambda text: program_of(text.encode() if isinstance(text, str) else text)


@pytest.fixture
def found(tmp_path: Path) -> Callable[[str], list[Finding]]:
    """Return all findings in one text, those of low confidence too."""

    def review(text: str) -> list[Finding]:
        (tmp_path / "x.c").write_text(text)
        reviewer = Reviewer(tmp_path, contracts=built_in(), cache=None, jobs=1)
        review = reviewer.tree([tmp_path / "x.c"], Confidence.LOW)
        assert not review.unjudged, review.unjudged
        return list(review.findings)

    return review


@pytest.fixture
def sure(found: Judge) -> Judge:
    """Return the findings of medium confidence or more in one text."""
    return lambda text: [one for one in found(text) if one.confidence != Confidence.LOW]


@pytest.fixture
def change(tmp_path: Path) -> Compare:
    """Return what one text turned into another introduces and fixes."""

    def reviewed(old: str, new: str) -> Review:
        return _changed(tmp_path, {"x.c": old}, {"x.c": new})

    return reviewed


@pytest.fixture
def change_files(tmp_path: Path) -> Callable[[Mapping[str, str], Mapping[str, str]], Review]:
    """Return what several files turned into others introduce and fix."""
    return lambda old, new: _changed(tmp_path, old, new)


def _changed(root: Path, old: Mapping[str, str], new: Mapping[str, str]) -> Review:
    for path, text in new.items():
        (root / path).write_text(text)
    files = tuple(
        FileChange(
            old_path=path if path in old else None,
            new_path=path if path in new else None,
            old=old[path].encode() if path in old else None,
            new=new[path].encode() if path in new else None,
        )
        for path in sorted({*old, *new})
    )
    reviewer = Reviewer(root, contracts=built_in(), cache=None, jobs=1)
    review = reviewer.change(SourceChange(title="a change", root=root, files=files))
    assert not review.unjudged, review.unjudged
    return review
