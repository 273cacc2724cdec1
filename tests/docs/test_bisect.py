"""docs/bisect.md against the statuses and the journal of a bisection."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from anyclue.bisect.core.journal import evidence_line, header_line, run_line
from anyclue.bisect.core.model import (
    BisectionStatus,
    BisectTerm,
    CommitEvidence,
    Observation,
    Rates,
    Settings,
)

if TYPE_CHECKING:
    from tests.docs.conftest import Docs

PAGE = "docs/bisect.md"


def words(docs: Docs, section: str) -> set[str]:
    return set(re.findall(r"`([\w./-]+)`", docs.page(PAGE).section(section)))


def test_statuses(docs: Docs) -> None:
    table = docs.first_column(docs.page(PAGE).section("JSON"))
    assert table == [one for one in BisectionStatus if one is not BisectionStatus.SEARCHING]


def test_fields_of_the_journal(docs: Docs) -> None:
    run = Observation(
        commit="c",
        term=BisectTerm.BAD,
        rates=Rates(false_bad=0.1, false_good=0.2),
        ratio=2.0,
        because="so it is",
        imported=True,
    )
    lines = [
        header_line(("a",), "b", Settings()),
        run_line(run),
        evidence_line([CommitEvidence(commit="c", ratio=9.0, because="a finding")]),
    ]
    fields = {name for line in lines for name in json.loads(line)}
    assert fields <= words(docs, "The journal")
    assert json.loads(lines[0])["schema"] in words(docs, "The journal")
