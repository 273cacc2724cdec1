"""docs/stable.md against the words of the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyclue.review.stable.core.model import BranchStatus, MatchKind
from anyclue.review.stable.render.json_document import StableDocument

if TYPE_CHECKING:
    from tests.docs.conftest import Docs


def test_words(docs: Docs) -> None:
    page = docs.page("docs/stable.md")
    assert docs.first_column(page.section("Verdicts")) == [*BranchStatus]
    assert docs.first_column(page.section("How a commit is recognised")) == [*MatchKind]
    assert f"`{StableDocument.model_fields['schema_'].default}`" in page.section("JSON")
