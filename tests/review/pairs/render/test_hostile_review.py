"""Whatever stands in a source or is its path, no control character comes out of a report."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, TypeVar, cast

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from anyclue.review.pairs.render.json_document import review_json
from anyclue.review.pairs.render.sarif import sarif
from anyclue.review.pairs.render.text import review_text

if TYPE_CHECKING:
    from anyclue.review.pairs.model import Review

T = TypeVar("T")
SNIPPETS = (
    "\x1b[31mred\x1b]0;title\x07",
    "\x9b2J",
    "\x00\x01\x08\x7f",
    "\ud800\udfff\ufffe",
    "\udcff",
    "\u202egpj.exe\u2066\u200b",
    "\r\nfs/evil.c:1:1: warning: not ours\u2028",
    "\ttab\v\f\x85",
    "[link](javascript:x)",
    "x" * 200,
)
HOSTILE = st.lists(
    st.sampled_from(SNIPPETS) | st.text(st.characters(exclude_categories=()), max_size=20),
    max_size=6,
).map("".join)
SLOW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def poison(value: T, evil: str) -> T:
    """Put ``evil`` around every text in a value."""
    return cast("T", _poison(value, evil))


def _poison(value: object, evil: str) -> object:
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return f"{evil}{value}{evil}"
    if isinstance(value, tuple):
        return tuple(_poison(one, evil) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        changed = {f.name: _poison(getattr(value, f.name), evil) for f in fields(value)}
        return replace(value, **changed)
    return value


def assert_controlled(text: str, allowed: str) -> None:
    text.encode("utf-8")
    categories = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not {c for c in set(text) - set(allowed) if unicodedata.category(c) in categories}


@SLOW
@given(HOSTILE)
@example("".join(SNIPPETS))
def test_text(change: Review, evil: str) -> None:
    text = review_text(poison(change, evil), verbose=True)
    assert_controlled(text, "\n\t")
    assert not any(line.startswith("fs/evil.c:") for line in text.split("\n"))


@SLOW
@given(HOSTILE)
@example("".join(SNIPPETS))
def test_json_and_sarif(change: Review, evil: str) -> None:
    def strings(value: object) -> None:
        if isinstance(value, str):
            assert_controlled(value, "\n\t")
        elif isinstance(value, dict):
            for key, one in value.items():
                strings(key)
                strings(one)
        elif isinstance(value, list):
            for one in value:
                strings(one)

    for text in (review_json(poison(change, evil)), sarif(poison(change, evil))):
        assert text.isascii()
        strings(json.loads(text))
