"""docs/stable.md against the words of the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyclue.review.stable.core.model import How, Standing
from anyclue.review.stable.render.json_document import SCHEMA

if TYPE_CHECKING:
    from tests.docs.conftest import Docs


def test_words(docs: Docs) -> None:
    page = docs.page("docs/stable.md")
    assert docs.first_column(page.section("Verdicts")) == [*Standing]
    assert docs.first_column(page.section("How a commit is recognised")) == [*How]
    assert f"`{SCHEMA}`" in page.section("JSON")
