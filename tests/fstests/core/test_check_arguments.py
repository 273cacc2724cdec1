"""The ``tests`` of a scenario as arguments of check."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.fstests.core.check_arguments import OPTIONS, read_arguments
from anyclue.model.errors import RequestError


def test_options_and_tests() -> None:
    found = read_arguments(
        [
            *("generic/001", "-g quick,btrfs/auto", "btrfs/02? btrfs/02[4-6]", "-x dangerous"),
            *("-E '/home/me/not these'", "-e generic/475,btrfs/011", "-X .exclude", "-i 3"),
            *("-L 4", "-R xunit-quiet", "generic/001"),
        ]
    )
    assert found.options == (
        *(("-g", "quick,btrfs/auto"), ("-x", "dangerous"), ("-E", "/home/me/not these")),
        *(("-e", "generic/475,btrfs/011"), ("-X", ".exclude"), ("-i", "3"), ("-L", "4")),
        ("-R", "xunit-quiet"),
    )
    assert found.tests == ("generic/001", "btrfs/02?", "btrfs/02[4-6]")
    assert found.passes == 3


def test_a_group_alone() -> None:
    found = read_arguments(["-g all", "-I 2"])
    assert found.options == (("-g", "all"), ("-I", "2"))
    assert (found.passes, found.tests) == (2, ())
    assert read_arguments(["-g quick"]).passes == 1


def test_every_mistake_at_once() -> None:
    entries = [
        *("", "generic", "-d", "-g", "-g quick auto", "-i 0", "-i", "-R html", "-e generic/*"),
        *("generic/001; reboot", "../x/001", "generic/001 -x/y", "'", "-X a/b", "-L 2", "-L 3"),
        *("-g ../x", "-g $(reboot)", "-E", "--large-fs", "-x -g"),
    ]
    with pytest.raises(RequestError) as raised:
        read_arguments(entries, where="s.toml: tests")
    places = [problem.where for problem in raised.value.problems]
    right = {"-L 2"}
    assert places == [
        f"s.toml: tests[{at}]" for at, entry in enumerate(entries) if entry not in right
    ]
    assert all(problem.next_step for problem in raised.value.problems)


@pytest.mark.parametrize("entries", [[], ["-x dangerous"], ["generic/001", "-i 2", "-I 2"]])
def test_mistakes_of_the_whole(entries: list[str]) -> None:
    with pytest.raises(RequestError) as raised:
        read_arguments(entries)
    assert [problem.where for problem in raised.value.problems] == ["tests"]


@given(st.lists(st.one_of(st.text(max_size=12), st.from_regex(r"-[a-zA-Z] \S{0,9}")), max_size=4))
def test_any_entries_are_read_or_refused(entries: list[str]) -> None:
    try:
        found = read_arguments(entries)
    except RequestError:
        return
    assert all(option in OPTIONS and value for option, value in found.options)
    assert not any(test.startswith("-") for test in found.tests)
