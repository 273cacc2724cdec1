"""The clue at the head of every report, and as JSON that is read back."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from anyclue.hunt.clue.model import Clue
from anyclue.hunt.render.clues_json import CluesDocument, clue_from_json, clues_json
from anyclue.hunt.render.html import report_html
from anyclue.hunt.render.junit import junit_xml
from anyclue.hunt.render.text import report_text, summary
from anyclue.model.errors import RequestError
from anyclue.report.json_document import schema_text

if TYPE_CHECKING:
    from tests.hunt.render.conftest import Inputs

DOCS = Path(__file__).parents[3] / "docs"
SCHEMA: dict[str, Any] = json.loads((DOCS / "clues.schema.json").read_text())


def written(clue: Clue) -> str:
    return clues_json(clue, title="t", verdicts="0" * 64)


def mail(inputs: Inputs, clue: Clue) -> str:
    return report_text(inputs.findings, inputs.scenario, inputs.recordings, inputs.repro, clue)


def test_the_published_schema_is_the_generated_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert (DOCS / "clues.schema.json").read_text() == schema_text(CluesDocument), "make schemas"


def test_every_field_and_word_is_documented() -> None:
    text = (DOCS / "clues-schema.md").read_text()
    assert len(SCHEMA["$defs"]) > 15
    for part in (SCHEMA, *SCHEMA["$defs"].values()):
        for field in part.get("properties", ()):
            assert f"`{field}`" in text, field
        for word in part.get("enum", ()):
            assert f"`{word}`" in text, word
        if "properties" in part:
            assert part["required"] == list(part["properties"])
            assert part["additionalProperties"] is False


def test_there_and_back(default_run: Inputs) -> None:
    text = written(default_run.clue)
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(text))
    assert text.isascii()
    again, verdicts = clue_from_json(text)
    assert verdicts == "0" * 64
    diff = again.places[0].missing
    assert diff is not None
    assert diff.diff.count("\n") == 5
    assert again.reproducer == default_run.clue.reproducer
    assert replace(again, places=()) == replace(default_run.clue, places=())
    assert written(again) == text


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "anyclue.clues/2"}', "[" * 9999])
def test_what_is_no_clue(text: str) -> None:
    with pytest.raises(RequestError, match="anyclue clue RUN"):
        clue_from_json(text)


def test_no_infinite_numbers(default_run: Inputs) -> None:
    endless = replace(default_run.clue, elsewhere=float("inf"))
    assert json.loads(written(endless))["elsewhere"] is None


def test_the_mail(default_run: Inputs) -> None:
    text = mail(default_run, default_run.clue)
    lines = text.splitlines()
    assert lines[2].startswith("Kernel bad leaks. Almost certainly in lzo_compress_pages()")
    assert 'Fixes: d4088803f511 ("btrfs: subpage")' in lines[:8]
    titles = [one for one, under in itertools.pairwise(lines) if set(under) == {"="}]
    assert titles[:5] == [
        "Since when",
        "How to reproduce",
        "What matters, and what does not",
        "Suspects",
        "The place",
    ]
    assert titles[-3:] == ["What was not tested", "What was run", "Versions"]
    assert "kernel bad, guilty: Debian 6.1" in text
    assert "kernel good, innocent: Debian 6.1" in text
    assert "    mount -o compress=lzo disk /mnt\n" in text
    assert "It takes kernel bad and mount lzo (compress=lzo)." in text
    assert "In this form it leaked 4.0 KiB a round." in text
    assert "What was made simpler, and what came of it:\n- files 1 (was 600)" in text
    assert "7 of 16 combinations" in " ".join(text.split())
    assert "It leaks 4.0 KiB a file [3.9, 4.1]" in text
    assert "guilty     lzo (lzo): it was lzo" in text
    assert "Would settle it: anyclue merge" in text
    assert "fs/btrfs/lzo.c:297, probability > 0.99" in text
    assert "put_page() or __free_page() at the label out" in " ".join(text.split())
    assert "x90  the change loses a release" in text
    assert "x1/4  something speaks against it" in text
    assert "+       put_page(page_in);" in text
    assert "Somewhere else, outside of the module: < 0.01." in text
    assert "page-allocations: 600 pages" in text
    assert "- workload: only one value was run" in text
    assert text.isascii()
    assert max(map(len, lines)) <= 72


def test_little_an_operation_is_not_rounded_to_nothing(default_run: Inputs) -> None:
    assert default_run.clue.dose is not None
    little = replace(default_run.clue.dose, amount_kib=0.0395, ci95_kib=(0.031, 0.048))
    text = mail(default_run, replace(default_run.clue, dose=little))
    assert "It leaks 0.04 KiB a file [0.031, 0.048]" in text


def test_the_terminal(default_run: Inputs) -> None:
    text = summary(default_run.findings, default_run.clue)
    assert text.startswith("Kernel bad leaks. Almost certainly in lzo_compress_pages()")
    assert "  > 0.99  lzo_compress_pages(), fs/btrfs/lzo.c:297: missing put_page()" in text
    assert "  unproven   merge: that is why" in text
    assert text.index("guilty     lzo") < text.index("acquitted  kmap") < text.index("unproven ")
    assert max(map(len, text.splitlines())) <= 100


def test_junit_has_it_on_guilty_cells_alone(default_run: Inputs) -> None:
    root = ET.fromstring(junit_xml(default_run.findings, default_run.scenario, default_run.clue))
    told = {
        case.get("name"): {p.get("name"): p.get("value") for p in case.iter("property")}
        for case in root.iter("testcase")
    }
    bad = told["bad.i386-2g.default.lzo.small-files"]
    assert bad["place"] == "lzo_compress_pages(), fs/btrfs/lzo.c:297, probability > 0.99"
    assert bad["clue"] == default_run.clue.sentence
    assert bad["suspect kmap"] == "acquitted"
    assert "clue" not in told["good.i386-2g.default.lzo.small-files"]


def test_the_page(default_run: Inputs) -> None:
    inputs = default_run
    page = report_html(
        inputs.findings, inputs.scenario, inputs.recordings, inputs.repro, inputs.clue
    )
    assert f"<h1>{inputs.clue.sentence}</h1>" in page
    assert page.index('id="place"') < page.index('id="takes"') < page.index('id="cells"')
    for text in ("find_get_page(m, i)", "Would settle it: anyclue merge", "x1/4", "still guilty"):
        assert text in page
    assert "Fixes: d4088803f511" in page


def test_several_commits_suggest_none(default_run: Inputs) -> None:
    first = default_run.clue.places[0]
    two = tuple(replace(first.commits[0], accused=False, commit=c * 40) for c in "ab")
    clue = replace(default_run.clue, places=(replace(first, commits=two),))
    assert "Fixes:" not in mail(default_run, clue)
    only = replace(clue, places=(replace(first, commits=two[:1]),))
    assert "Fixes: aaaaaaaaaaaa" in mail(default_run, only)
