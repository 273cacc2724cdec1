"""check's own xunit reports, captured; cut short, damaged and hostile ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.fstests.core.check_output import parse_check
from anyclue.fstests.core.model import CheckResult, CheckRun, CheckStatus, Disagreement
from anyclue.fstests.core.xunit import disagreements, parse_xunit

DATA = Path(__file__).parent / "data"
CAPTURED = {path.stem: path.read_bytes() for path in sorted(DATA.glob("*.xml"))}


def statuses(run: CheckRun) -> list[tuple[str, int, CheckStatus]]:
    return [(one.test, one.number, one.status) for one in run.results]


@pytest.mark.parametrize("name", ["mixed", "looped", "killed"])
def test_agrees_with_the_output(name: str) -> None:
    printed = parse_check((DATA / f"{name}.txt").read_text())
    reported = {CheckStatus.PASSED, CheckStatus.FAILED, CheckStatus.NOT_RUN}
    assert statuses(parse_xunit(CAPTURED[name])) == [
        (one.test, one.number, one.status)
        for one in printed.results
        if one.status in reported and one.test != "generic/999"  # unknown to check
    ]


def test_sections_reasons_and_properties() -> None:
    run = parse_xunit(CAPTURED["sections.lzo"])
    assert run.cut_short == ""
    assert {one.section for one in run.results} == {"lzo"}
    assert run.results[-1].reason == "This test requires no compression enabled"
    failed = run.results[1]
    assert failed.reason == "output mismatch"
    assert "-one more line that the test does not print" in failed.lines


def test_without_sections() -> None:
    run = parse_xunit(CAPTURED["again"])  # xunit-quiet
    assert [(one.section, one.test, one.seconds) for one in run.results] == [
        ("", "generic/001", 4.0),
        ("", "generic/002", 0.0),
    ]
    named = CAPTURED["again"].replace(b'value="-no-sections-"', b'value="global"')
    assert {one.section for one in parse_xunit(named).results} == {"global"}


def test_written_while_check_ran() -> None:
    assert parse_xunit(CAPTURED["killed"]).cut_short == "the report was written while check ran"


def test_tests_without_an_element() -> None:
    more = CAPTURED["again"].replace(b'tests="2"', b'tests="3"')
    assert parse_xunit(more).cut_short == "the report has 2 of the 3 tests that began"


BOMB = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<testsuite time="1" tests="0">&b;</testsuite>"""


DEEP = b'<testsuite time="1" tests="0">' + b"<a>" * 5000 + b"</a>" * 5000 + b"</testsuite>"


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (BOMB, "the report was refused: it declares a document type"),
        (b"<testsuites/>", "the report was refused: the document is a 'testsuites'"),
        (DEEP[:9000], "the report is not whole: no element found"),
        (b'<?xml version="1.0" encoding="zlib"?><testsuite time="1"/>x', "the report is not whole"),
        (b"", "the report is not whole: no element found"),
        (b"\xff\xfe\x00", "the report is not whole: "),
    ],
)
def test_hostile_documents(document: bytes, why: str) -> None:
    run = parse_xunit(document)
    assert run.results == ()
    assert run.cut_short.startswith(why)


def test_elements_deep_inside_each_other() -> None:
    assert parse_xunit(DEEP).cut_short == ""


def test_names_that_check_does_not_give() -> None:
    document = CAPTURED["sections.lzo"].replace(b'"generic/002"', b'"../../etc/passwd"')
    document = document.replace(b'"xfstests.lzo" name="generic/005"', b'"a/b" name="generic/005"')
    run = parse_xunit(document)
    assert [(one.section, one.test) for one in run.results[:2]] == [
        ("", "generic/005"),
        ("lzo", "generic/020"),
    ]
    assert run.cut_short == "the report has 3 of the 4 tests that began"


def test_a_test_whose_element_has_no_end_is_lost() -> None:
    document = CAPTURED["again"]
    at = document.index(b"</testcase>")
    assert statuses(parse_xunit(document[:at])) == [("generic/001", 1, CheckStatus.LOST)]


@given(name=st.sampled_from(sorted(CAPTURED)), data=st.data())
def test_any_beginning(name: str, data: st.DataObject) -> None:
    document = CAPTURED[name]
    length = data.draw(st.integers(0, len(document.rstrip()) - 1))
    part, whole = parse_xunit(document[:length]), parse_xunit(document)
    assert part.cut_short
    assert len(part.results) <= document[:length].count(b"<testcase ")
    for one, other in zip(statuses(part), statuses(whole), strict=False):
        assert one == other or one[2] is CheckStatus.LOST


@given(
    name=st.sampled_from(sorted(CAPTURED)),
    at=st.integers(0, 9999),
    cut=st.integers(0, 99),
    put=st.one_of(st.binary(max_size=20), st.sampled_from([b"<", b"&x;", b"<![CDATA[", b"\0"])),
)
def test_damaged_anywhere(name: str, at: int, cut: int, put: bytes) -> None:
    document = CAPTURED[name]
    at %= len(document)
    parse_xunit(document[:at] + put + document[at + cut :])


def runs_of(name: str, test: str) -> list[CheckResult]:
    printed = parse_check((DATA / f"{name}.txt").read_text())
    return [result for result in printed.results if result.test == test]


@pytest.mark.parametrize("name", ["mixed", "looped", "killed"])
def test_captured_pairs_agree(name: str) -> None:
    report = parse_xunit((DATA / f"{name}.xml").read_bytes())
    printed = parse_check((DATA / f"{name}.txt").read_text())
    for test in {result.test for result in printed.results} - {"generic/999"}:
        assert disagreements(runs_of(name, test), report) == ()


def test_another_status_is_told() -> None:
    report = parse_xunit((DATA / "mixed.xml").read_bytes())
    [failed] = runs_of("mixed", "generic/005")
    changed = replace(failed, status=CheckStatus.PASSED)
    assert disagreements([changed], report) == (
        Disagreement(printed=CheckStatus.PASSED, reported=CheckStatus.FAILED),
    )


def test_a_run_that_only_one_of_them_has_is_told() -> None:
    report = parse_xunit((DATA / "looped.xml").read_bytes())
    runs = runs_of("looped", "generic/013")
    assert len(runs) > 1
    assert disagreements(runs[:-1], report) == (Disagreement(reported=runs[-1].status),)
    more = replace(runs[0], number=len(runs) + 1)
    assert disagreements([*runs, more], report) == (Disagreement(printed=more.status),)


def test_no_report() -> None:
    missing = Disagreement(has_report=False)
    assert disagreements(runs_of("mixed", "generic/002"), None) == (missing,)
    assert disagreements(runs_of("mixed", "generic/004"), None) == ()  # left out
