"""The list of known failures: read with every mistake at once; what of a run is news."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.fstests.core.check_output import parse_check
from anyclue.fstests.core.known_failures import match_known_failures, read_known_failures
from anyclue.fstests.core.model import CheckResult, CheckStatus, KnownFailure, KnownFailureMatch
from anyclue.model.errors import RequestError

DATA = Path(__file__).parent / "data"
KERNEL = "6.18.44-fc-v669"
TODAY = "2026-11-23"

LIST = """
[[failure]]
test = "generic/005"
reason = "symbolic links: https://example.org/1"
kernels = ["6.1.*", "6.18.*"]
sections = ["l*"]
until = "6.19"

[[failure]]
test = "generic/006"
reason = "flaky"
until = 2027-01-31
"""


def of(
    name: str, *known: KnownFailure, kernel: str = KERNEL, today: str = TODAY
) -> KnownFailureMatch:
    run = parse_check((DATA / f"{name}.txt").read_text())
    return match_known_failures(run.results, known, kernel=kernel, today=today)


def new_failures(name: str, match: KnownFailureMatch) -> list[CheckResult]:
    excused = [result for result, _ in match.known]
    results = parse_check((DATA / f"{name}.txt").read_text()).results
    return [r for r in results if r.status is CheckStatus.FAILED and r not in excused]


def failure(test: str, **rest: str | tuple[str, ...] | None) -> KnownFailure:
    return KnownFailure(test=test, reason="why", **rest)  # type: ignore[arg-type]


def test_read() -> None:
    assert read_known_failures(LIST) == (
        KnownFailure(
            test="generic/005",
            reason="symbolic links: https://example.org/1",
            until="6.19",
            kernels=("6.1.*", "6.18.*"),
            sections=("l*",),
        ),
        KnownFailure(test="generic/006", reason="flaky", until="2027-01-31"),
    )
    assert read_known_failures("") == ()


def test_every_mistake_at_once() -> None:
    text = """
title = "mine"
[[failure]]
test = "generic/*"
why = "x"
[[failure]]
test = "generic/005"
reason = "two\\nlines"
until = "soon"
kernels = "6.*"
sections = [1]
[[failure]]
test = "generic/006"
reason = "a"
until = 2027-01-31T00:00:00
[[failure]]
test = "generic/007"
reason = "a"
[[failure]]
test = "generic/007"
reason = "b"
"""
    with pytest.raises(RequestError) as raised:
        read_known_failures(text, origin="k.toml")
    assert [f"{one.where}: {one.what}" for one in raised.value.problems] == [
        "k.toml: unknown key 'title'",
        "k.toml: failure[0]: unknown key 'why'",
        "k.toml: failure[0]: test must be the name of one test",
        "k.toml: failure[0]: reason must be a line of text",
        "k.toml: failure[1]: reason must be a line of text",
        'k.toml: failure[1]: until must be a kernel version ("6.12") or a day (2027-01-31)',
        "k.toml: failure[1]: kernels must be a list of patterns",
        "k.toml: failure[1]: sections must be a list of patterns",
        'k.toml: failure[2]: until must be a kernel version ("6.12") or a day (2027-01-31)',
        "k.toml: failure[4]: says the same as failure[3]",
    ]
    assert all(problem.next_step for problem in raised.value.problems)


@pytest.mark.parametrize(
    "text", ["[[failure]", "failure = 1", "failure = [1]", "a = 1" + "0" * 5000]
)
def test_refused(text: str) -> None:
    with pytest.raises(RequestError):
        read_known_failures(text)


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        entries = read_known_failures(text)
    except RequestError as error:
        assert str(error)  # noqa: PT017  (what is raised is not certain)
    else:
        assert all(entry.test for entry in entries)


def test_what_fails_is_news_unless_it_is_known() -> None:
    entry = failure("generic/005")
    found = of("mixed", entry)
    assert [one.test for one in new_failures("mixed", found)] == [
        "generic/006",
        "generic/007",
        "generic/008",
        "generic/009",
    ]
    assert [(one.test, by) for one, by in found.known] == [("generic/005", entry)]
    assert found.passed == ()


def test_what_passes_although_it_should_fail_is_news() -> None:
    entry = failure("generic/020")
    assert [(one.test, by) for one, by in of("mixed", entry).passed] == [("generic/020", entry)]
    # Not run is no pass, nor is passing now and then.
    assert of("mixed", failure("generic/012"), failure("generic/004")).passed == ()
    flaky = of("looped", failure("generic/013"))
    assert (flaky.passed, len(flaky.known)) == ((), 2)


def test_a_lost_test_is_never_excused() -> None:
    found = of("killed", failure("generic/010"))
    assert (found.known, found.passed) == ((), ())
    once = parse_check((DATA / "passes.txt").read_text())
    [passed] = [one for one in once.results if one.test == "generic/001"]
    then_lost = replace(passed, number=2, status=CheckStatus.LOST)
    results = [*once.results, then_lost]
    found = match_known_failures(results, [failure("generic/001")], kernel=KERNEL, today=TODAY)
    assert (found.known, found.passed) == ((), ())


def test_by_kernel_and_section() -> None:
    other = of("mixed", failure("generic/005", kernels=("6.1.*",)))
    assert len(new_failures("mixed", other)) == 5
    this = of("mixed", failure("generic/005", kernels=("6.1.*", "6.18.*")))
    assert len(new_failures("mixed", this)) == 4
    found = of("sections", failure("generic/005", sections=("l*", "ext?")))
    assert [one.section for one in new_failures("sections", found)] == ["none"]
    assert [one.section for one, _ in found.known] == ["ext4", "lzo"]


@pytest.mark.parametrize(
    ("until", "come"),
    [
        (None, False),
        ("6.19", False),
        ("6.18.45", False),
        ("6.18.44", True),
        ("6.18", True),
        ("6.9", True),
        ("2026-11-24", False),
        ("2026-11-23", True),
        ("2025-12-31", True),
    ],
)
def test_until(until: str | None, come: bool) -> None:
    entry = failure("generic/005", until=until)
    found = of("mixed", entry)
    assert found.expired == ((entry,) if come else ())
    assert ("generic/005" in {one.test for one in new_failures("mixed", found)}) is come


def test_until_with_other_releases() -> None:
    entry = failure("generic/005", until="6.19.0")
    assert of("mixed", entry, kernel="6.19-rc1").expired == (entry,)
    assert of("mixed", entry, kernel="mine").expired == (entry,)
    assert of("mixed", failure("generic/005", until="6.19", kernels=("7.*",))).expired == ()
