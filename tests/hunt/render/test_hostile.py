"""Whatever a guest, a patch or a fact says, it never comes out unescaped or uncontrolled."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from html.parser import HTMLParser
from typing import TYPE_CHECKING, TypeVar, cast
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from anyclue.hunt.render.clue_text import script_lines
from anyclue.hunt.render.clues_json import clues_json
from anyclue.hunt.render.html import report_html
from anyclue.hunt.render.junit import junit_xml
from anyclue.hunt.render.text import report_text, summary
from anyclue.hunt.render.verdicts_json import verdicts_json
from anyclue.model.recording import Reading

if TYPE_CHECKING:
    from tests.hunt.render.conftest import Inputs

T = TypeVar("T")

SNIPPETS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style></pre></svg><b>",
    "]]><!--",
    "{{ 7*7 }}{% raw %}",
    "&lt;&#60;",
    "\x1b[31mred\x1b]0;title\x07",
    "\x9b2J",
    "\x00\x01\x08\x7f",
    "\ud800",
    "\udfff\ufffe\uffff",
    "\u202egpj.exe\u2066\u200b",
    "\r\n.\r\nFrom nobody\u2028",
    "url(http://evil.example/x)",
    "x" * 200,
)
EVERYTHING = " ".join(SNIPPETS)
HOSTILE = st.lists(
    st.sampled_from(SNIPPETS) | st.text(st.characters(exclude_categories=()), max_size=20),
    max_size=6,
).map("".join)
SLOW = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
VERY_SLOW = settings(SLOW, max_examples=12)


def poison(value: T, evil: str) -> T:
    """Put ``evil`` around every text in a value: in names, keys and lines alike."""
    return cast("T", _poison(value, evil))


def _poison(value: object, evil: str) -> object:
    if isinstance(value, Enum | Reading):
        return value
    if isinstance(value, str):
        return f"{evil}{value}{evil}"
    if isinstance(value, Mapping):
        return {_poison(k, evil): _poison(v, evil) for k, v in value.items()}
    if isinstance(value, tuple):
        return tuple(_poison(one, evil) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        changed = {f.name: _poison(getattr(value, f.name), evil) for f in fields(value)}
        return replace(value, **changed)
    return value


@pytest.fixture(scope="module")
def small(default_run: Inputs, broken_run: Inputs) -> Inputs:
    """Three cells, one of which crashed."""
    wanted = (default_run.findings.cells[2], default_run.findings.cells[4])
    crashed = broken_run.findings.cells[0]
    findings = replace(
        default_run.findings,
        cells=(*wanted, crashed),
        tests=broken_run.findings.tests,
    )
    recordings = {**broken_run.recordings, **default_run.recordings}
    kept = {verdict.cell: recordings[verdict.cell] for verdict in findings.cells}
    return replace(default_run, findings=findings, recordings=kept)


def assert_controlled(text: str) -> None:
    text.encode("utf-8")
    bad = {
        character
        for character in set(text) - {"\n"}
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    }
    assert not bad


class Shape(HTMLParser):
    """The elements of a page and their attributes' names, without any text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: set[tuple[str, str]] = set()
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {(tag, name) for name, _ in attrs} | {(tag, "")}


@SLOW
@given(HOSTILE)
@example(EVERYTHING)
def test_plain_texts(small: Inputs, evil: str) -> None:
    bad = poison(small, evil)
    mail = report_text(bad.findings, bad.scenario, bad.recordings, bad.repro, bad.clue)
    assert bad.clue.reproducer is not None
    script = script_lines(bad.clue.reproducer)
    for text, width in ((mail, 72), (summary(bad.findings, bad.clue), 100)):
        assert_controlled(text)
        assert text.isascii()
        assert all(len(line) <= width or line in script for line in text.split("\n"))


@SLOW
@given(HOSTILE)
@example(EVERYTHING)
def test_json(small: Inputs, evil: str) -> None:
    bad = poison(small, evil)
    texts = (
        verdicts_json(bad.findings, bad.scenario),
        clues_json(bad.clue, title=bad.scenario.title, verdicts=""),
    )

    def strings(value: object) -> None:
        if isinstance(value, str):
            assert_controlled(value)
        elif isinstance(value, dict):
            for key, one in value.items():
                strings(key)
                strings(one)
        elif isinstance(value, list):
            for one in value:
                strings(one)

    for text in texts:
        assert text.isascii()
        strings(json.loads(text))


@SLOW
@given(HOSTILE)
@example(EVERYTHING)
def test_junit(small: Inputs, evil: str) -> None:
    bad = poison(small, evil)
    text = junit_xml(bad.findings, bad.scenario, bad.clue)
    root = ET.fromstring(text)
    assert_controlled(text.replace("&#10;", ""))
    assert {element.tag for element in root.iter()} <= {
        "testsuites",
        "testsuite",
        "testcase",
        "properties",
        "property",
        "failure",
        "error",
        "skipped",
    }


@VERY_SLOW
@given(HOSTILE)
@example(EVERYTHING)
@example("\ud800")
def test_html(small: Inputs, evil: str) -> None:
    bad = poison(small, evil)
    source = report_html(bad.findings, bad.scenario, bad.recordings, bad.repro, bad.clue)
    assert_controlled(source)
    allowed = Shape(
        report_html(small.findings, small.scenario, small.recordings, small.repro, small.clue)
    ).found
    assert Shape(source).found <= allowed | {("span", "class"), ("span", "")}
    for begin in source.split("<svg ")[1:]:
        ET.fromstring("<svg " + begin.split("</svg>")[0] + "</svg>")
