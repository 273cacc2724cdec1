"""docs/fstests.md against what is read and written of fstests."""

from __future__ import annotations

import textwrap
from dataclasses import fields
from typing import TYPE_CHECKING

from tests.docs.conftest import table_rows

from anyclue.fstests.core.check_arguments import OPTIONS
from anyclue.fstests.core.known_failures import KEYS, read_known_failures
from anyclue.fstests.core.local_config import (
    EXTERNAL_DEVICES,
    RESET_WITH_FSTYP,
    SET_BY_GUEST,
    read_local_config,
)
from anyclue.fstests.core.model import CheckStatus, KnownFailure
from anyclue.fstests.core.refusals import REFUSALS

if TYPE_CHECKING:
    from tests.docs.conftest import Docs, Page


def page(docs: Docs) -> Page:
    return docs.page("docs/fstests.md")


def example(section: str) -> str:
    lines = section.split("\n")
    block = [line for line in lines if line.startswith("    ") or not line]
    return textwrap.dedent("\n".join(block))


def first_cells(section: str) -> list[str]:
    return [row[0].strip("`") for row in table_rows(section)]


def test_statuses(docs: Docs) -> None:
    assert first_cells(page(docs).section("Results")) == [one.value for one in CheckStatus]


def test_options(docs: Docs) -> None:
    rows = table_rows(page(docs).section("Tests and options"))
    assert {row[0].strip("`"): row[1] for row in rows} == dict(OPTIONS)


def test_local_config(docs: Docs) -> None:
    section = page(docs).section("local.config")
    sections = read_local_config(example(section))
    assert [one.name for one in sections] == ["none", "lzo", "ext4"]
    for name in (*SET_BY_GUEST, *RESET_WITH_FSTYP):
        assert f"`{name}`" in section
    assert set(EXTERNAL_DEVICES) <= SET_BY_GUEST


def test_known_failures(docs: Docs) -> None:
    section = page(docs).section("Known failures")
    (entry,) = read_known_failures(example(section))
    assert entry.until == "6.12"
    assert first_cells(section) == list(KEYS)
    assert set(KEYS) == {one.name for one in fields(KnownFailure)}


def test_refusals(docs: Docs) -> None:
    rows = table_rows(page(docs).section("Tests that refuse"))
    assert [row[0] for row in rows] == sorted(REFUSALS)
    for test, _, since, instead in rows:
        refusal = REFUSALS[test]
        assert since == f"`{refusal.commit[:12]}` ({refusal.date})"
        assert instead.startswith(f"[{refusal.instead}]" if refusal.instead else "-")
