"""What check printed, captured from fstests' own check on btrfs and ext4, whole and cut short."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.fstests.core.check_output import parse_check
from anyclue.fstests.core.model import CheckResult, CheckRun, CheckStatus

DATA = Path(__file__).parent / "data"
CAPTURED = {path.stem: path.read_text() for path in sorted(DATA.glob("*.txt"))}
PASS_LINE = re.compile(r"^[a-z]+/\d{3} .*\b\d+s$", re.MULTILINE)


def seen(run: CheckRun) -> list[tuple[str, str, str]]:
    return [(one.test, one.status.value, one.reason) for one in run.results]


def passes(run: CheckRun) -> set[tuple[str, str, int]]:
    return {
        (one.section, one.test, one.number)
        for one in run.results
        if one.status is CheckStatus.PASSED
    }


def test_passes_with_their_seconds() -> None:
    run = parse_check(CAPTURED["passes"])
    assert run.results == tuple(
        CheckResult(test=test, status=CheckStatus.PASSED, seconds=seconds)
        for test, seconds in (("btrfs/024", 0.0), ("generic/001", 4.0), ("generic/002", 1.0))
    )
    assert run.cut_short == ""


def test_every_way_to_end() -> None:
    run = parse_check(CAPTURED["mixed"])
    assert seen(run) == [
        ("generic/999", "not-run", "unknown test, ignored"),
        ("btrfs/150", "not-run", "Cannot find debugfs on /sys/kernel/debug"),
        ("generic/002", "passed", ""),
        ("generic/004", "expunged", ""),
        ("generic/005", "failed", "output mismatch"),
        ("generic/006", "failed", "failed, exit status 1; output mismatch"),
        ("generic/007", "failed", "something found in dmesg"),
        ("generic/008", "failed", "filesystem on /dev/loop1 is inconsistent"),
        ("generic/009", "failed", "failed, exit status 139; output mismatch"),
        ("generic/011", "expunged", ""),
        ("generic/012", "not-run", "xfs_io fcollapse  failed (old kernel/wrong fs?)"),
        ("generic/020", "passed", ""),
    ]
    assert run.cut_short == ""
    by_test = {one.test: one for one in run.results}
    assert "    -one more line that the test does not print" in by_test["generic/005"].lines
    assert by_test["generic/002"].lines == ()


def test_the_tests_own_output_gives_no_reasons() -> None:
    text = CAPTURED["mixed"].replace("-one more line that", "+_check_dmesg: something found as")
    assert seen(parse_check(text)) == seen(parse_check(CAPTURED["mixed"]))


def test_repeated_runs_are_numbered() -> None:
    run = parse_check(CAPTURED["iterated"])
    assert [(one.test, one.number, one.seconds) for one in run.results] == [
        ("generic/002", 1, 1.0),
        ("generic/005", 1, None),
        ("generic/020", 1, 2.0),
        ("generic/002", 2, 1.0),
        ("generic/005", 2, None),
        ("generic/020", 2, 1.0),
    ]
    assert run.cut_short == ""


def test_stopped_at_a_failure_is_whole() -> None:
    run = parse_check(CAPTURED["stopped"])
    assert [status for _, status, _ in seen(run)] == ["passed", "failed"]
    assert run.cut_short == ""


def test_loops_after_a_failure() -> None:
    run = parse_check(CAPTURED["looped"])
    assert [(one.test, one.number, one.status.value) for one in run.results] == [
        ("generic/002", 1, "passed"),
        ("generic/013", 1, "failed"),
        ("generic/013", 2, "passed"),
        ("generic/013", 3, "failed"),
        ("generic/013", 4, "passed"),
        ("generic/020", 1, "passed"),
    ]


@pytest.mark.parametrize("name", ["timestamps", "brief"])
def test_other_forms(name: str) -> None:
    run = parse_check(CAPTURED[name])
    assert run.cut_short == ""
    assert {(t, s) for t, s, _ in seen(run)} >= {
        ("generic/002", "passed"),
        ("generic/005", "failed"),
    }
    assert not {t for t, s, _ in seen(run) if s == "lost"}


def test_not_run_with_timestamps() -> None:
    # Written after common/report: with -T the reason stands on a line of its own.
    text = CAPTURED["timestamps"].replace(
        "[03:21:36] 1s\n", "[03:21:36] [not run]\n\tgeneric/002 -- needs a log device\n"
    )
    assert seen(parse_check(text))[0] == ("generic/002", "not-run", "needs a log device")


def test_sections() -> None:
    run = parse_check(CAPTURED["sections"])
    assert run.cut_short == ""
    counts = Counter((one.section, one.status.value) for one in run.results)
    assert counts == {
        ("none", "passed"): 3,
        ("none", "failed"): 1,
        ("lzo", "passed"): 2,
        ("lzo", "failed"): 1,
        ("lzo", "not-run"): 1,
        ("ext4", "passed"): 2,
        ("ext4", "failed"): 1,
        ("ext4", "not-run"): 1,
    }
    assert run.results[4].seconds == 1.0  # "1s ... " before it is the time of the run before


def test_passed_all_does_not_count_what_was_not_run() -> None:
    text = CAPTURED["sections-one"]
    assert "Passed all 2 tests" in text
    assert {(status, reason) for _, status, reason in seen(parse_check(text))} == {
        ("not-run", "This test requires no compression enabled")
    }


@pytest.mark.parametrize("name", ["killed", "interrupted", "interrupted-sections"])
def test_killed_in_the_middle_of_a_test(name: str) -> None:
    run = parse_check(CAPTURED[name])
    assert seen(run)[-1][:2] == ("generic/010", "lost")
    assert run.cut_short == "it ends inside generic/010"
    assert run.results[0].status is CheckStatus.PASSED
    assert "generic/020" not in {one.test for one in run.results}


def test_interrupted_behind_the_name_of_the_test() -> None:
    # Where the trap of check writes to its own output: the summary follows the name.
    text = CAPTURED["killed"] + "Ran: generic/002 generic/005 generic/010\nInterrupted!\n"
    text += "Failures: generic/005\nFailed 1 of 3 tests\n\n"
    run = parse_check(text)
    assert [status for _, status, _ in seen(run)] == ["passed", "failed", "lost"]
    assert run.cut_short == "check was interrupted"
    brief = CAPTURED["killed"] + "Interrupted!\nFailures: generic/005\nFailed 1 of 3 tests\n\n"
    assert seen(parse_check(brief)) == seen(run)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("no-device", "no test began: common/config: SCRATCH_DEV (/dev/loop99) is not a block"),
        ("no-mkfs", "check was interrupted: check: failed to mkfs $SCRATCH_DEV using specified"),
        ("no-group", 'no test began: Group "nosuchgroup" is empty or not defined?'),
        ("empty-section", "no test began: Passed all 0 tests"),
    ],
)
def test_no_test_began(name: str, why: str) -> None:
    run = parse_check(CAPTURED[name])
    assert run.results == ()
    assert run.cut_short.startswith(why)


def test_nothing_printed_is_cut_short() -> None:
    assert parse_check("").cut_short == "check printed nothing"


def test_a_known_death_counts_where_the_text_looks_whole() -> None:
    assert parse_check(CAPTURED["passes"], ended=False).cut_short != ""
    # -i 2, dead between the two: the text alone cannot tell.
    first = CAPTURED["iterated"].split("\nFSTYP")[0] + "\n"
    assert parse_check(first).cut_short == ""
    assert parse_check(first, ended=False).cut_short != ""


def test_a_console_s_line_ends() -> None:
    text = CAPTURED["mixed"]
    assert seen(parse_check(text.replace("\n", "\r\n"))) == seen(parse_check(text))


def test_the_summary_objects() -> None:
    text = CAPTURED["passes"].replace("Passed all 3", "Failures: generic/001\nFailed 1 of 3")
    run = parse_check(text)
    assert seen(run)[1] == ("generic/001", "failed", "listed under Failures")
    text = CAPTURED["passes"].replace("btrfs/024 generic/001 generic/002\n", "generic/001\n")
    assert passes(parse_check(text)) == {("", "generic/001", 1)}
    text = CAPTURED["passes"].replace("generic/001         4s\n", "")
    assert ("generic/001", "lost", "nothing says how it ended") in seen(parse_check(text))


def test_names_that_check_does_not_give() -> None:
    text = CAPTURED["passes"].replace("Ran: ", "Ran: ../../x <b> ")
    assert seen(parse_check(text)) == seen(parse_check(CAPTURED["passes"]))
    text = CAPTURED["sections-one"].replace("-- lzo", "-- ../..")
    assert {one.section for one in parse_check(text).results} == {""}


def test_a_test_that_is_not_there_did_not_pass() -> None:
    text = CAPTURED["passes"].replace("generic/001         4s\n", "generic/001  - no such test?\n")
    assert seen(parse_check(text))[1] == ("generic/001", "not-run", "no such test")


def check_prefix(text: str, length: int) -> None:
    whole, part = parse_check(text), parse_check(text[:length])
    assert passes(part) <= passes(whole)
    assert len(passes(part)) <= len(PASS_LINE.findall(text[:length].rpartition("\n")[0]))
    told = {(one.section, one.test, one.number): one for one in whole.results}
    for one in part.results:
        if one.status is not CheckStatus.LOST:
            assert told[one.section, one.test, one.number].status is one.status


@pytest.mark.parametrize("name", sorted(CAPTURED))
def test_no_beginning_of_a_run_gives_a_pass_too_many(name: str) -> None:
    text = CAPTURED[name]
    ends = [match.end() for match in re.finditer("\n", text)]
    for end in ends:
        for length in range(max(0, end - 4), end + 2):
            check_prefix(text, length)


@pytest.mark.parametrize("name", sorted(set(CAPTURED) - {"iterated"}))
def test_no_beginning_of_a_run_is_whole(name: str) -> None:
    text = CAPTURED[name]
    last = max(text.rfind("Passed all"), text.rfind("Failed "))
    end = text.find("\n", last)
    for length in (*range(0, last, 7), *range(last, end + 1)) if last >= 0 else ():
        assert parse_check(text[:length]).cut_short


@given(name=st.sampled_from(sorted(CAPTURED)), data=st.data())
def test_any_beginning_of_a_run(name: str, data: st.DataObject) -> None:
    text = CAPTURED[name]
    check_prefix(text, data.draw(st.integers(0, len(text))))


PIECES = st.sampled_from(
    [line for text in CAPTURED.values() for line in text.split("\n")] + ["generic/001", "\r", ""]
)


@given(st.lists(st.one_of(PIECES, st.text(max_size=40)), max_size=30))
def test_anything_at_all(lines: list[str]) -> None:
    text = "\n".join(lines)
    run = parse_check(text)
    assert len(passes(run)) <= sum(line.rstrip("\r").endswith("s") for line in text.split("\n"))
    assert parse_check(text, ended=False).cut_short != ""
