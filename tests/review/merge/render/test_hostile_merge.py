"""Whatever stands in a merge, nothing of it is obeyed by a terminal, a browser or a reader."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from html.parser import HTMLParser
from typing import TYPE_CHECKING, TypeVar, cast

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from anyclue.review.merge.core.model import FunctionKey
from anyclue.review.merge.render.html import merge_html
from anyclue.review.merge.render.json_document import merge_json
from anyclue.review.merge.render.text import merge_text

if TYPE_CHECKING:
    from anyclue.review.merge.core.model import MergeReview

T = TypeVar("T")
SNIPPETS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style></pre></title></table><b>",
    "]]><!--",
    "{{ 7*7 }}{% raw %}",
    "&lt;&#60;&",
    "\x1b[31mred\x1b]0;title\x07",
    "\x9b2J",
    "\x00\x01\x08\x7f",
    "\ud800\udfff\ufffe",
    "\u202egpj.exe\u2066\u200b",
    "\r\nfs/evil.c:1:1: warning: not ours\u2028",
    "\ttab\v\f\x85",
    "javascript:alert(1)",
    "::error::x",
    "x" * 200,
)
HOSTILE = st.lists(
    st.sampled_from(SNIPPETS) | st.text(st.characters(exclude_categories=()), max_size=20),
    max_size=6,
).map("".join)
SLOW = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


def poison(value: T, evil: str) -> T:
    """Put ``evil`` around every text in a value."""
    return cast("T", _poison(value, evil))


def _poison(value: object, evil: str) -> object:
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return f"{evil}{value}{evil}"
    if isinstance(value, FunctionKey):
        return FunctionKey(*(poison(one, evil) for one in value))
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


class Shape(HTMLParser):
    """The elements of a page and their attributes, without any text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: set[tuple[str, str, str]] = set()
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add((tag, "", ""))
        self.found |= {(tag, name, value or "") for name, value in attrs}

    def handle_comment(self, data: str) -> None:
        self.found.add(("comment", "", data))


@SLOW
@given(HOSTILE)
@example("".join(SNIPPETS))
@example("\n".join(SNIPPETS))
def test_text(full: MergeReview, evil: str) -> None:
    bad = poison(full, evil)
    assert bad.against
    assert_controlled(merge_text(bad), "\n")
    typed = replace(bad, against=replace(bad.against, title="what the user typed"), test=full.test)
    text = merge_text(typed)
    assert not any(line.startswith(("fs/evil.c:", "::error")) for line in text.split("\n"))


@SLOW
@given(HOSTILE)
@example("".join(SNIPPETS))
def test_json(full: MergeReview, evil: str) -> None:
    def strings(value: object, allowed: str) -> None:
        if isinstance(value, str):
            assert_controlled(value, allowed)
        elif isinstance(value, dict):
            for key, one in value.items():
                strings(one, "\n\t" if key == "diff" else "")
        elif isinstance(value, list):
            for one in value:
                strings(one, allowed)

    text = merge_json(poison(full, evil))
    assert text.isascii()
    strings(json.loads(text), "")


@SLOW
@given(HOSTILE)
@example("".join(SNIPPETS))
@example("\ud800")
def test_html(full: MergeReview, evil: str) -> None:
    source = merge_html(poison(full, evil))
    assert_controlled(source, "\n")
    colours = {("tr", "class", "m-theirs"), ("span", "class", "where mono")}
    assert Shape(source).found <= Shape(merge_html(full)).found | colours
    assert "<script" not in source
