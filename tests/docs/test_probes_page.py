"""docs/probes.md against the probes and the model."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from anyclue.hunt.probes.core.model import (
    Amount,
    Frame,
    ProbeFinding,
    ProbeReading,
    SourceLocation,
    StackEvidence,
)
from anyclue.hunt.probes.core.registry import PROBES

if TYPE_CHECKING:
    from tests.docs.conftest import Docs

PAGE = "docs/probes.md"


def test_every_probe_and_what_it_runs_for(docs: Docs) -> None:
    rows = docs.rows(docs.page(PAGE).section("The probes"))
    told = {docs.words(row[0])[0]: row[2] for row in rows}
    assert list(told) == list(PROBES)
    for name, text in told.items():
        signatures = PROBES[name].signatures
        assert set(docs.words(text)) == {one.value for one in signatures if one}, name
        assert ("broke" in text) == (None in signatures), name


@pytest.mark.parametrize("model", [ProbeReading, ProbeFinding, Frame])
def test_the_fields(docs: Docs, model: type) -> None:
    told = docs.first_column(docs.page(PAGE).section("probes.json"))
    names = [field.name for field in fields(model)]
    assert any(told[at : at + len(names)] == names for at in range(len(told))), names


def test_the_parts_and_words_of_fields(docs: Docs) -> None:
    section = docs.page(PAGE).section("probes.json")
    rows = {docs.words(row[0])[0]: row[1] for row in docs.rows(section)}
    assert set(docs.words(rows["what"])) == set(StackEvidence)
    assert {field.name for field in fields(Amount)} == set(docs.words(rows["guilty"]))
    assert {field.name for field in fields(SourceLocation)} == set(docs.words(rows["places"]))
