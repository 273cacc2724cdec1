"""What is run next, and what is said of each test, from trials as they lie on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import pytest

from anyclue.fstests.core import memory_verdict
from anyclue.fstests.core.charges import ChargedRun
from anyclue.fstests.core.evidence import CellTests, Trial, gather
from anyclue.fstests.core.known_failures import read_known_failures
from anyclue.fstests.core.memory_verdict import judge_test
from anyclue.fstests.core.model import CheckStatus, Part, SectionPlan, TestFinding, TestId, TestPlan
from anyclue.fstests.core.plan import next_plan
from anyclue.fstests.core.verdicts import cell_verdict, findings
from anyclue.fstests.render.reasons import reason_text
from anyclue.fstests.render.words import disagreement, outdated, why
from anyclue.model.artifact import ArtifactRef
from anyclue.model.machine_recording import MachineRecording, TestVerdict
from anyclue.model.recording import EndReason, Outcome
from anyclue.model.scenario import Cell
from anyclue.model.verdict import CellVerdict, Verdict

BASE = TestPlan(
    suite=ArtifactRef(kind="fstests", key="0" * 64),
    sections={"": SectionPlan(options={"FSTYP": "btrfs"}, config="")},
    selection=("-g", "quick"),
)


class Trials(Protocol):
    add: Callable[..., None]

    def read(self) -> tuple[Trial, ...]: ...


def looked_at(trials: Trials) -> tuple[CellTests, tuple[TestFinding, ...], TestPlan | None]:
    cell_tests = gather(trials.read())
    found = findings(cell_tests, least_kib=64.0)
    return cell_tests, found, next_plan(BASE, cell_tests, found, repeats=5, extra_trials=1)


def verdict_of(cell: Cell, trials: Trials, **more: object) -> CellVerdict:
    cell_tests, found, _ = looked_at(trials)
    failing = more.get("failing", frozenset())
    assert isinstance(failing, frozenset)
    reference = None if more.get("is_reference") else cell
    return cell_verdict(cell, cell_tests, found, reference, failing)


def names(plan: TestPlan | None) -> Sequence[str]:
    return [str(test) for test in plan.tests or ()] if plan else []


def test_the_list_comes_first(trials: Trials) -> None:
    assert looked_at(trials)[2] is BASE


def test_tests_without_a_step_are_clean(trials: Trials, cell: Cell) -> None:
    trials.add(["btrfs/001", "generic/001"], held=[0, 8, 40])
    _, found, following = looked_at(trials)
    assert [test.memory.verdict for test in found if test.memory] == [Verdict.CLEAN] * 2
    assert following is None
    assert verdict_of(cell, trials).verdict is Verdict.CLEAN


def test_a_step_is_repeated_alone_until_it_is_certain(trials: Trials, cell: Cell) -> None:
    trials.add(["btrfs/001", "generic/001"], held=[0, 0, 500])
    _, found, following = looked_at(trials)
    assert found[1].memory is not None
    assert found[1].memory.verdict is Verdict.UNPROVEN
    assert following is not None
    assert following.part is Part.REPEAT
    assert names(following) == ["generic/001"] * 5
    trials.add(["generic/001"] * 5, held=[0, 500, 504, 500, 508, 504], part=Part.REPEAT)
    _, found, following = looked_at(trials)
    assert following is None
    assert verdict_of(cell, trials).verdict is Verdict.CLEAN


@pytest.mark.parametrize("second", [504, 530, 400, 0])
def test_a_step_that_does_not_come_again_at_once_is_no_doubt(
    trials: Trials, cell: Cell, second: float
) -> None:
    trials.add(
        ["btrfs/001", "btrfs/001", "generic/001"],
        planned=["btrfs/001", "generic/001"],
        held=[0, 500, second, second],
        again=[False, True, False],
    )
    assert looked_at(trials)[2] is None
    assert verdict_of(cell, trials).verdict is Verdict.CLEAN


@pytest.mark.parametrize("held", [[0, 500, 1000, 1000], [0, 500, -20, -20]])
def test_one_that_does_is_repeated_alone(trials: Trials, held: Sequence[float]) -> None:
    tests = ["btrfs/001", "btrfs/001", "generic/001"]
    trials.add(tests, planned=["btrfs/001", "generic/001"], held=held, again=[False, True, False])
    assert names(looked_at(trials)[2]) == ["btrfs/001"] * 5


def test_a_second_run_at_once_is_none_of_the_list(trials: Trials, words: Mapping[str, str]) -> None:
    trials.add(
        ["btrfs/001", "btrfs/001"],
        planned=["btrfs/001", "btrfs/001", "generic/001"],
        printed=[words["pass"], words["pass"]],
        again=[False, True],
    )
    assert names(looked_at(trials)[2]) == ["btrfs/001", "generic/001"]


def test_growth_with_every_run_is_a_leak(trials: Trials, cell: Cell) -> None:
    trials.add(["generic/001"], held=[0, 500])
    levels = [0, 400, 804, 1196, 1600, 2004]
    trials.add(["generic/001"] * 5, held=levels, part=Part.REPEAT)
    verdict = verdict_of(cell, trials)
    assert verdict.verdict is Verdict.LEAK
    assert verdict.rate_kib_per_round == pytest.approx(400, abs=10)
    assert "generic/001" in reason_text(verdict.because)


@pytest.mark.parametrize("verdict", [*Verdict])
def test_any_verdict_among_others_stands_beside_that_alone(
    trials: Trials, monkeypatch: pytest.MonkeyPatch, verdict: Verdict
) -> None:
    trials.add(["btrfs/001", "generic/001"], held=[0, 8, 700])
    trials.add(["generic/001"] * 5, held=FLAT, part=Part.REPEAT)
    trials.add(["btrfs/001", "generic/001"] * 5, part=Part.GROUP)

    def judging(boots: Sequence[Sequence[ChargedRun]], recorded: MachineRecording) -> TestVerdict:
        found = judge_test(boots, recorded)
        return replace(found, verdict=verdict) if len(boots[0]) == 5 else found

    monkeypatch.setattr(memory_verdict, "judge_test", judging)
    assert verdict in {test.memory and test.memory.verdict for test in looked_at(trials)[1]}


def test_what_stays_uncertain_ends(trials: Trials) -> None:
    trials.add(["generic/001"], held=[0, 500])
    for _ in range(2):
        assert looked_at(trials)[2] is not None
        trials.add(["generic/001"] * 3, held=[0, 900, 300, 1500], part=Part.REPEAT)
    assert looked_at(trials)[2] is None


def test_a_fall_may_hide_a_leak(trials: Trials) -> None:
    trials.add(["generic/001"], held=[500, 0])
    assert names(looked_at(trials)[2]) == ["generic/001"] * 5


def test_the_rest_goes_on_behind_a_dead_guest(
    trials: Trials, cell: Cell, words: Mapping[str, str]
) -> None:
    trials.add(
        ["btrfs/001", "btrfs/002"],
        planned=["btrfs/001", "btrfs/002", "btrfs/003"],
        printed=[words["pass"], None],
        outcome=Outcome.CRASHED,
        detail="kernel BUG at fs/btrfs/x.c:1!",
        log=["kernel BUG at fs/btrfs/x.c:1!"],
    )
    _, found, following = looked_at(trials)
    assert names(following) == ["btrfs/003"]
    assert found[0].status is CheckStatus.PASSED
    assert found[1].status is CheckStatus.LOST
    assert "kernel BUG" in str(found[1].killed)
    verdict = verdict_of(cell, trials)
    assert verdict.verdict is Verdict.BROKEN
    assert "btrfs/002 ended its guest" in reason_text(verdict.because)
    trials.add(["btrfs/003"])
    assert looked_at(trials)[2] is None


def test_a_test_that_was_lost_gets_another_chance(trials: Trials, words: Mapping[str, str]) -> None:
    trials.add(
        ["btrfs/001", "btrfs/002"],
        printed=[words["pass"], None],
        outcome=Outcome.LOST,
        detail="the guest ended by itself",
    )
    assert names(looked_at(trials)[2]) == ["btrfs/002"] * 5
    trials.add(["btrfs/002"] * 5, part=Part.REPEAT)
    _, found, following = looked_at(trials)
    assert following is None
    assert found[1].status is CheckStatus.PASSED


def test_a_test_that_is_too_slow_is_not_run_again(trials: Trials, cell: Cell) -> None:
    reason = EndReason.STILL_AT_WORK
    trials.add(["btrfs/001"], printed=[None], outcome=Outcome.LOST, reason=reason)
    assert looked_at(trials)[2] is None
    assert verdict_of(cell, trials).verdict is Verdict.UNPROVEN


@pytest.mark.parametrize("outcome", [Outcome.LOST, Outcome.CRASHED])
def test_guests_in_which_nothing_begins_are_given_up(trials: Trials, outcome: Outcome) -> None:
    for _ in range(2):
        assert looked_at(trials)[2] is not None
        trials.add([], outcome=outcome, detail="no boot")
    assert looked_at(trials)[2] is None


def test_not_run_is_never_clean(trials: Trials, cell: Cell, words: Mapping[str, str]) -> None:
    trials.add(["generic/027"], printed=[words["not run"]])
    cell_tests, found, following = looked_at(trials)
    assert following is None
    assert found[0].status is CheckStatus.NOT_RUN
    assert found[0].memory is None
    assert found[0].refusal is not None
    assert found[0].refusal.instead == "enospc-small-files"
    verdict = cell_verdict(cell, cell_tests, found, None, frozenset())
    assert verdict.verdict is Verdict.UNPROVEN
    assert verdict.outcome is Outcome.NOT_RUN


def test_a_failure_counts_where_it_is_news(
    trials: Trials, cell: Cell, words: Mapping[str, str]
) -> None:
    trials.add(["generic/001", "generic/002"], printed=[words["fail"], words["pass"]])
    assert verdict_of(cell, trials).verdict is Verdict.BROKEN
    assert verdict_of(cell, trials, is_reference=True).verdict is Verdict.CLEAN
    there = frozenset({TestId(section="", test="generic/001")})
    assert verdict_of(cell, trials, failing=there).verdict is Verdict.CLEAN


def test_a_known_failure_is_no_news(trials: Trials, words: Mapping[str, str]) -> None:
    trials.add(["generic/001"], printed=[words["fail"]])
    text = '[[failure]]\ntest = "generic/001"\nreason = "a bug of old"\n'
    cell_tests = gather(trials.read())
    found = findings(cell_tests, least_kib=64.0, known=read_known_failures(text))
    assert found[0].known is not None
    assert not found[0].is_new_failure
    expired = read_known_failures(f'{text}until = "2026-11-01"\n')
    late = findings(cell_tests, least_kib=64.0, known=expired)[0]
    assert late.is_new_failure
    assert outdated(late) == "its entry among the known failures ended with 2026-11-01"


def test_a_known_failure_that_passes_is_news(trials: Trials, words: Mapping[str, str]) -> None:
    trials.add(["generic/001"], printed=[words["pass"]])
    text = '[[failure]]\ntest = "generic/001"\nreason = "a bug of old"\n'
    found = findings(gather(trials.read()), least_kib=64.0, known=read_known_failures(text))[0]
    assert outdated(found) == "it passed, and is known to fail: a bug of old"
    assert outdated(found) in why(found)


def test_a_report_that_contradicts_the_output_is_told(
    trials: Trials, cell: Cell, words: Mapping[str, str]
) -> None:
    names_ = ["generic/001", "generic/002", "generic/003"]
    case = '<testcase name="{}" classname="xfstests.global" time="3">{}</testcase>'
    failed = case.format("generic/001", '<failure message="- output mismatch"/>')
    suite = '<testsuite time="3" tests="1">{}</testsuite>'
    trials.add(
        names_,
        printed=[words["pass"], words["not run"], words["pass"]],
        reports=[
            suite.format(failed).encode(),
            suite.format(case.format("generic/002", "")).encode(),
            None,
        ],
    )
    _, found, _ = looked_at(trials)
    assert [disagreement(test) for test in found] == [
        "check printed passed, and its report says failed",
        "check printed not-run, and its report says passed",
        "check left no report to compare its output with",
    ]
    verdict = verdict_of(cell, trials)
    assert verdict.verdict is Verdict.UNPROVEN
    assert all(name in reason_text(verdict.because) for name in names_)


FLAT = [0, 10, 10, 12, 10, 12]


def test_a_leak_that_needs_the_tests_before_it(trials: Trials, cell: Cell) -> None:
    trials.add(["btrfs/001", "btrfs/002", "generic/001"], held=[0, 8, 16, 700])
    trials.add(["generic/001"] * 5, held=FLAT, part=Part.REPEAT)
    _, found, following = looked_at(trials)
    assert found[2].memory is not None
    assert found[2].memory.verdict is Verdict.UNPROVEN
    assert verdict_of(cell, trials).verdict is Verdict.UNPROVEN
    assert following is not None
    assert following.part is Part.GROUP
    group = ["btrfs/001", "btrfs/002", "generic/001"]
    assert names(following) == group * 5
    levels = [0.0]
    for _ in range(5):
        levels += [levels[-1], levels[-1], levels[-1] + 690]
    trials.add(group * 5, held=levels, part=Part.GROUP)
    _, found, following = looked_at(trials)
    assert following is None
    assert [str(test) for test in found[2].after] == group[:2]
    assert found[0].after == ()
    verdict = verdict_of(cell, trials)
    assert verdict.verdict is Verdict.LEAK
    assert verdict.rate_kib_per_round == pytest.approx(690, abs=10)
    assert "clean" in reason_text(verdict.because)


def test_a_one_time_cost_behind_others_is_no_leak(trials: Trials, cell: Cell) -> None:
    trials.add(["btrfs/001", "generic/001"], held=[0, 8, 700])
    trials.add(["generic/001"] * 5, held=FLAT, part=Part.REPEAT)
    trials.add(["btrfs/001", "generic/001"] * 5, held=[0, 0, 690, *[692] * 8], part=Part.GROUP)
    _, found, following = looked_at(trials)
    assert following is None
    assert found[1].after == ()
    assert verdict_of(cell, trials).verdict is Verdict.CLEAN


def test_a_cost_that_is_paid_alone_too_asks_for_no_group(trials: Trials) -> None:
    trials.add(["btrfs/001", "generic/001"], held=[0, 0, 500])
    trials.add(["generic/001"] * 5, held=[0, 480, 484, 480, 488, 484], part=Part.REPEAT)
    assert looked_at(trials)[2] is None


def test_a_group_that_stays_uncertain_ends(trials: Trials, cell: Cell) -> None:
    trials.add(["btrfs/001", "generic/001"], held=[0, 8, 700])
    trials.add(["generic/001"] * 5, held=FLAT, part=Part.REPEAT)
    for _ in range(2):
        following = looked_at(trials)[2]
        assert following is not None
        assert following.part is Part.GROUP
        trials.add(["btrfs/001", "generic/001"], held=[0, 0, 900], part=Part.GROUP)
    assert looked_at(trials)[2] is None
    assert verdict_of(cell, trials).verdict is Verdict.UNPROVEN


def test_a_list_that_runs_again_and_again_is_a_group(trials: Trials, cell: Cell) -> None:
    levels = [0.0]
    for _ in range(5):
        levels += [levels[-1], levels[-1] + 690]
    trials.add(["btrfs/001", "generic/001"] * 5, held=levels)
    assert looked_at(trials)[2] is None
    assert verdict_of(cell, trials).verdict is Verdict.LEAK


def test_runs_behind_others_are_no_runs_alone(trials: Trials) -> None:
    trials.add(["btrfs/001", "generic/001", "generic/001"], held=[0, 8, 6700, 13300])
    trials.add(["generic/001"] * 3, held=[0, 108, 116, 124], part=Part.REPEAT)
    _, found, following = looked_at(trials)
    assert found[1].wants_group
    assert following is not None
    assert following.part is Part.GROUP


def test_what_a_group_leaves_open_of_the_others_is_no_doubt(trials: Trials) -> None:
    trials.add(["btrfs/001", "generic/001"], held=[0, 8, 700])
    trials.add(["generic/001"] * 5, held=FLAT, part=Part.REPEAT)
    moves, levels = [0, -90, 80, 120, -100], [0.0]
    for move in moves:
        levels += [levels[-1] + move, levels[-1] + move + 690]
    trials.add(["btrfs/001", "generic/001"] * 5, held=levels, part=Part.GROUP)
    _, found, following = looked_at(trials)
    assert [test.memory.verdict for test in found if test.memory] == [Verdict.CLEAN, Verdict.LEAK]
    assert following is None


def test_why_no_test_ran_is_told(trials: Trials, cell: Cell) -> None:
    detail = 'check lists no tests: Group "none" is empty or not defined?'
    trials.add([], outcome=Outcome.NOT_RUN, detail=detail)
    found = verdict_of(cell, trials)
    assert found.verdict is Verdict.UNPROVEN
    assert reason_text(found.because) == f"no test ran; {detail}"


def test_an_empty_list_is_not_run_again(trials: Trials) -> None:
    trials.add([])
    assert looked_at(trials)[2] is None


def test_a_test_that_may_have_ended_early_is_not_clean(trials: Trials, cell: Cell) -> None:
    trials.add(["generic/001"], printed=[""])  # check was ended, and printed nothing
    found = verdict_of(cell, trials)
    assert found.verdict is Verdict.UNPROVEN
    assert "generic/001" in reason_text(found.because)
