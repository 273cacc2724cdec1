"""docs/record.md against what the recorder writes and what is said of it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from tests.record.core.test_comparison import found

from anyclue.model.verdict import Verdict
from anyclue.record.core.comparison import compare
from anyclue.record.core.model import Direction
from anyclue.record.reader import read_records
from anyclue.record.recorder import sources, stream
from anyclue.record.recorder.record import record
from anyclue.record.recorder.request import Request
from anyclue.record.render.json_document import (
    ComparedDocument,
    TestsDocument,
    comparison_json,
    recorded_json,
)
from anyclue.recordings.run_directory import MACHINE_HEADER

if TYPE_CHECKING:
    from pathlib import Path

    from tests.docs.conftest import Docs

NOT_OF_RECORDINGS = {Verdict.CACHE, Verdict.SURGE}
ONCE = ["generic/001"]


def test_schemas(docs: Docs) -> None:
    assert stream.HEADER == MACHINE_HEADER
    text = docs.page("docs/record.md").text
    documents = (TestsDocument, ComparedDocument)
    schemas = [of.model_fields["schema_"].default for of in documents]
    for schema in (stream.SCHEMA, *schemas):
        assert f"`{schema}`" in text


def test_what_is_read(docs: Docs) -> None:
    files = docs.first_column(docs.page("docs/record.md").section("What is read"))
    read = {f"/proc/{name}" for name in (*sources.EVERY_TICK, *sources.SLOWER)}
    assert set(files) == {*read, "/dev/kmsg"}


def test_records_and_header(docs: Docs, tmp_path: Path) -> None:
    record(Request(out=str(tmp_path / "run"), command=("true",), hz=20.0))
    section = docs.page("docs/record.md").section("The directory")
    header = json.loads((tmp_path / "run" / stream.HEADER).read_text())
    assert header.keys() <= set(re.findall(r"`([\w/.]+)`", section)) | {"schema"}
    names = set(docs.first_column(section))
    written = {name for name, _, _ in read_records(tmp_path / "run/stream.gz")}
    assert written <= names
    assert {"kmsg", "kmsg-before", "kmsg-lost", "event"} <= names


def test_verdicts(docs: Docs) -> None:
    said = docs.first_column(docs.page("docs/record.md").section("What is said"))
    assert set(said) == set(Verdict) - NOT_OF_RECORDINGS
    against = docs.first_column(docs.page("docs/record.md").section("Two recordings"))
    assert against == [*Direction]


def test_fields_of_tests_json(docs: Docs) -> None:
    section = docs.page("docs/record.md").section("tests.json")
    value = json.loads(recorded_json(found(ONCE)))
    words = set(re.findall(r"`(\w+)`", section))
    assert value.keys() - words == set()
    assert set(docs.first_column(section)) == value["tests"][0].keys()
    assert value["tests"][0]["runs"][0].keys() <= words


def test_fields_of_compared_json(docs: Docs) -> None:
    section = docs.page("docs/record.md").section("Two recordings")
    value = json.loads(comparison_json(compare(found(ONCE), found(ONCE))))
    words = set(re.findall(r"`(\w+)`", section))
    assert value.keys() <= words
    assert value["tests"][0].keys() <= words
    assert value["tests"][0]["peak"].keys() <= words
