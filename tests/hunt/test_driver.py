"""The hunt, with an executor that starts nothing: order, resuming, extra trials, exit codes."""

from __future__ import annotations

import asyncio
import fcntl
import json
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest

from anyclue.hunt.driver import begin_run, hunt, planned
from anyclue.hunt.judge import JudgedRun, judge
from anyclue.hunt.limits import HuntLimits, read_limits
from anyclue.model.errors import ExitCode, RequestError
from anyclue.model.reason import NotJudged, RefusedAlike
from anyclue.model.recording import EndReason, Outcome, Reading, Recording
from anyclue.model.scenario import Axis
from anyclue.model.verdict import Verdict
from anyclue.recordings.run_directory import RunDirectory
from anyclue.system.time_limit import TimeLimitReachedError
from anyclue.trial.context import Context
from anyclue.trial.model import TrialExecutor, TrialJob, TrialResult, always


class Executor(TrialExecutor, Protocol):
    ran: list[tuple[str, int]]
    batches: int
    dies_after: int | None


class Hunted(Protocol):
    @property
    def run(self) -> RunDirectory: ...
    @property
    def context(self) -> Context: ...
    def executor(
        self,
        make: Callable[[TrialJob], Recording],
        *,
        dies_after: int | None = None,
        run: RunDirectory | None = None,
    ) -> Executor: ...


Make = Callable[..., Recording]


def go(hunted: Hunted, executor: Executor) -> JudgedRun:
    return asyncio.run(
        hunt(hunted.run, hunted.context, jobs=2, clue=False, executors=lambda _: executor)
    )


def leaky(make: Make, kib: float = 400.0) -> Callable[[TrialJob], Recording]:
    return lambda job: make(job, kib if job.cell.kernel == "bad" else 0.0)


def test_a_leak(hunted: Hunted, make: Make) -> None:
    executor = hunted.executor(leaky(make))
    judged = go(hunted, executor)
    assert executor.ran == [("bad", 1), ("good", 1)]
    assert judged.exit_code is ExitCode.REGRESSION
    assert [cell.verdict for cell in judged.findings.cells] == [Verdict.LEAK, Verdict.CLEAN]
    for name in ("scenario.toml", "plan.json", "verdicts.json", "report.html", "report.txt"):
        assert hunted.run.file(name).stat().st_size > 0
    assert "<testsuite" in hunted.run.file("junit.xml").read_text()
    assert len(json.loads(hunted.run.file("verdicts.json").read_text())["cells"]) == 2
    assert judge(hunted.run).findings == judged.findings


def test_nothing_found(hunted: Hunted, make: Make) -> None:
    judged = go(hunted, hunted.executor(leaky(make, 0.0)))
    assert judged.exit_code is ExitCode.NOTHING_FOUND


@pytest.mark.parametrize("outcome", [Outcome.LOST, Outcome.NOT_RUN])
def test_what_was_not_judged_is_never_clean(hunted: Hunted, make: Make, outcome: Outcome) -> None:
    executor = hunted.executor(lambda job: make(job, outcome=outcome, rounds=0))
    judged = go(hunted, executor)
    assert judged.exit_code is ExitCode.INFRASTRUCTURE
    # A lost trial says nothing of the cell, so it is tried again; what cannot run is not.
    assert executor.batches == (3 if outcome is Outcome.LOST else 1)
    assert {cell.verdict for cell in judged.findings.cells} == {Verdict.UNPROVEN}


def test_unproven_cells_get_extra_trials_up_to_the_limit(hunted: Hunted, make: Make) -> None:
    executor = hunted.executor(lambda job: make(job, rounds=1 if job.cell.kernel == "bad" else 6))
    judged = go(hunted, executor)
    assert executor.ran == [("bad", 1), ("good", 1), ("bad", 2), ("bad", 3)]
    assert judged.exit_code is ExitCode.INFRASTRUCTURE


def drifting(make: Make) -> Callable[[TrialJob], Recording]:
    """Both kernels: the page cache drifts by 66 KiB a round, unsteadily."""

    def made(job: TrialJob) -> Recording:
        recording = make(job)
        noise = random.Random(f"{job.cell.kernel} {job.trial}")
        rises = [66.0 + noise.gauss(0.0, 60.0) for _ in recording.rounds]

        def drifted(sample: Reading) -> Reading:
            cached = sum(rises[: int(sample.t_s // 10)])  # a round lasts ten seconds
            counters = dict(sample.counters)
            for name, sign in (("Cached", 1), ("Active(file)", 1), ("MemFree", -1)):
                counters[f"meminfo.{name}"] += sign * cached
            return replace(sample, counters=counters)

        return replace(recording, timeline=tuple(map(drifted, recording.timeline)))

    return made


def test_the_reference_gets_extra_trials_where_it_is_uncertain(hunted: Hunted, make: Make) -> None:
    executor = hunted.executor(drifting(make))
    judged = go(hunted, executor)
    bad, good = (sum(kernel == name for kernel, _ in executor.ran) for name in ("bad", "good"))
    assert 1 <= bad <= 3
    assert 2 <= good <= 3
    assert {cell.verdict for cell in judged.findings.cells} <= {Verdict.CLEAN, Verdict.UNPROVEN}


def test_resuming_repeats_only_what_has_no_outcome(hunted: Hunted, make: Make) -> None:
    with pytest.raises(KeyboardInterrupt):
        go(hunted, hunted.executor(leaky(make), dies_after=1))
    second = hunted.executor(leaky(make))
    judged = go(hunted, second)
    assert second.ran == [("good", 1)]
    assert judged.exit_code is ExitCode.REGRESSION
    third = hunted.executor(leaky(make))
    assert go(hunted, third).findings == judged.findings
    assert third.batches == 0


def test_resuming_goes_on_with_extra_trials(hunted: Hunted, make: Make) -> None:
    """Killed after all planned trials, with an extra one under way."""
    unproven: Callable[[TrialJob], Recording] = lambda job: make(job, rounds=1)  # noqa: E731
    with pytest.raises(KeyboardInterrupt):
        go(hunted, hunted.executor(unproven, dies_after=3))
    second = hunted.executor(unproven)
    go(hunted, second)
    assert second.ran == [("bad", 3), ("good", 2), ("good", 3)]


def test_a_trial_that_was_removed_is_run_again(hunted: Hunted, make: Make) -> None:
    unproven: Callable[[TrialJob], Recording] = lambda job: make(job, rounds=1)  # noqa: E731
    go(hunted, hunted.executor(unproven))
    for number in (1, 2):
        removed = next(hunted.run.path.glob(f"cells/bad*/trial-{number}"))
        for file in removed.iterdir():
            file.unlink()
        removed.rmdir()
    second = hunted.executor(unproven)
    go(hunted, second)
    assert second.ran == [("bad", 1), ("bad", 2)]


def test_a_damaged_trial_stops_the_hunt_before_it_runs_anything(hunted: Hunted, make: Make) -> None:
    go(hunted, hunted.executor(leaky(make)))
    damaged = next(hunted.run.path.glob("cells/good*/trial-1/outcome.json"))
    damaged.write_text("{")
    executor = hunted.executor(leaky(make))
    with pytest.raises(RequestError, match="not a whole recording"):
        go(hunted, executor)
    assert executor.batches == 0


def test_one_hunt_at_a_time(hunted: Hunted, make: Make) -> None:
    with hunted.run.file(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(RequestError, match="another hunt is working on this run"):
            go(hunted, hunted.executor(leaky(make)))
    go(hunted, hunted.executor(leaky(make)))


def test_what_a_killed_hunt_left_is_cleared(hunted: Hunted, make: Make) -> None:
    cell = judge(hunted.run).scenario.candidates[0]
    left = hunted.run.trial(cell, 1).parent / ".trial-1.x7y"
    left.mkdir(parents=True)
    (left / "scratch.img").write_bytes(b"x")
    go(hunted, hunted.executor(leaky(make)))
    assert not left.exists()
    assert hunted.run.trial(cell, 1).is_dir()


MOUNTS = 'none = ""\nlzo = "compress=lzo"\nzlib = "compress=zlib"\nzstd = "compress=zstd"'


def several_mounts(scenario_file: Path) -> None:
    text = scenario_file.read_text()
    scenario_file.write_text(text.replace('lzo = "compress=lzo"', MOUNTS))


def bad_lzo(make: Make) -> Callable[[TrialJob], Recording]:
    def made(job: TrialJob) -> Recording:
        guilty = job.cell.kernel == "bad" and job.cell.mount == "lzo"
        return make(job, 400.0 if guilty else 0.0)

    return made


def test_the_next_cells_are_chosen_until_they_tell_what_matters(
    hunted: Hunted, scenario_file: Path, tmp_path: Path, make: Make
) -> None:
    several_mounts(scenario_file)
    run = begin_run(scenario_file, tmp_path / "chosen")
    first = hunted.executor(bad_lzo(make), dies_after=3, run=run)
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(hunt(run, hunted.context, jobs=1, clue=False, executors=lambda _: first))
    second = hunted.executor(bad_lzo(make), run=run)
    judged = asyncio.run(hunt(run, hunted.context, jobs=1, clue=False, executors=lambda _: second))
    assert len(first.ran + second.ran) == len(set(judged.scenario.cells)) == 5
    assert len(judged.scenario.candidates) == 8
    assert [f.factor for f in judged.findings.factors if f.matters] == [Axis.KERNEL, Axis.MOUNT]
    assert Verdict.UNPROVEN not in {one.verdict for one in judged.findings.cells}


def test_a_run_in_full(hunted: Hunted, scenario_file: Path, tmp_path: Path, make: Make) -> None:
    several_mounts(scenario_file)
    run = begin_run(scenario_file, tmp_path / "full", full=True)
    executor = hunted.executor(bad_lzo(make), run=run)
    judged = asyncio.run(
        hunt(run, hunted.context, jobs=1, clue=False, executors=lambda _: executor)
    )
    assert len(judged.findings.cells) == 8


def test_a_run_is_begun_once(hunted: Hunted, scenario_file: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="--resume") as caught:
        begin_run(scenario_file, hunted.run.path)
    assert caught.value.problems[0].where == str(hunted.run.path)
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(RequestError):
        begin_run(scenario_file, file)
    assert file.read_text() == "mine"
    empty = tmp_path / "empty"
    empty.mkdir()
    assert begin_run(scenario_file, empty).plan.is_file()


def test_what_is_no_run_yet_is_not_to_be_resumed(scenario_file: Path, tmp_path: Path) -> None:
    """A hunt that is killed at once leaves no plan: --resume would refuse it."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run/scenario.toml").write_text("schema = 1")
    with pytest.raises(RequestError, match="killed while it was made") as caught:
        begin_run(scenario_file, tmp_path / "run")
    assert "--resume" not in str(caught.value)


def test_resuming_what_is_no_run(tmp_path: Path, hunted: Hunted) -> None:
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(RequestError, match="not a run directory"):
            asyncio.run(hunt(RunDirectory(path), hunted.context, jobs=None))


def refusing(
    make: Make, refused: Callable[[TrialJob], EndReason | None]
) -> Callable[[TrialJob], Recording]:
    """A trial does not run where that gives a reason."""

    def made(job: TrialJob) -> Recording:
        reason = refused(job)
        if reason is None:
            return make(job)
        recording = make(job, outcome=Outcome.NOT_RUN, rounds=0)
        return replace(recording, reason=reason, detail="mkfs.btrfs: unknown option")

    return made


def test_what_is_refused_is_found_once(
    hunted: Hunted, scenario_file: Path, tmp_path: Path, make: Make
) -> None:
    """Two kernels, four mounts, three trials each, and one mkfs that the tool does not know."""
    several_mounts(scenario_file)
    text = scenario_file.read_text()
    scenario_file.write_text(text.replace("\ntrials = 1", "\ntrials = 3"))
    run = begin_run(scenario_file, tmp_path / "refused", full=True)
    made = refusing(make, lambda _: EndReason.MKFS_FAILED)
    executor = hunted.executor(made, run=run)
    judged = asyncio.run(
        hunt(run, hunted.context, jobs=1, clue=False, executors=lambda _: executor)
    )
    assert len(executor.ran) == 1
    assert len(list(run.path.glob("cells/*/trial-*"))) == 1, "nothing is recorded of the others"
    first, *others = judged.findings.cells
    assert isinstance(first.because, NotJudged)
    expected = RefusedAlike(cell=first.cell, detail="mkfs.btrfs: unknown option")
    assert len(others) == 7
    assert {one.verdict for one in judged.findings.cells} == {Verdict.UNPROVEN}
    assert all(one.because == expected for one in others)
    assert judged.exit_code is ExitCode.INFRASTRUCTURE
    said = " ".join(run.file("report.txt").read_text().split())
    assert f"not run, since {first.cell.id} was refused" in said
    assert judge(run).findings == judged.findings

    # Another process, where the tool knows the option: what has no outcome runs.
    mended = hunted.executor(make, run=run)
    context = Context.at(tmp_path / "cache")
    again = asyncio.run(hunt(run, context, jobs=1, clue=False, executors=lambda _: mended))
    assert len(mended.ran) == 8 * 3 - 1
    assert {one.verdict for one in again.findings.cells[1:]} == {Verdict.CLEAN}


def test_only_what_is_refused_alike_is_left_out(
    hunted: Hunted, scenario_file: Path, tmp_path: Path, make: Make
) -> None:
    several_mounts(scenario_file)
    run = begin_run(scenario_file, tmp_path / "refused", full=True)
    mount = refusing(make, lambda job: EndReason.MOUNT_FAILED if job.cell.mount == "zstd" else None)
    executor = hunted.executor(mount, run=run)
    judged = asyncio.run(
        hunt(run, hunted.context, jobs=1, clue=False, executors=lambda _: executor)
    )
    assert len(executor.ran) == 7, "both kernels are the same"
    open_ = [one for one in judged.findings.cells if one.verdict is Verdict.UNPROVEN]
    assert {one.cell.mount for one in open_} == {"zstd"}
    assert [type(one.because) for one in open_] == [NotJudged, RefusedAlike]


def test_when_the_time_is_up_what_ran_is_judged_and_the_rest_goes_on_later(
    hunted: Hunted, make: Make
) -> None:
    executor = hunted.executor(leaky(make))

    class Late:
        """One guest begins, and then the time is up."""

        async def run(
            self, jobs: Sequence[TrialJob], is_wanted: Callable[[TrialJob], bool] = always
        ) -> AsyncGenerator[TrialResult, None]:
            async for result in executor.run(jobs[:1], is_wanted):
                yield result
            raise TimeLimitReachedError

    limits = HuntLimits(seconds=60)
    judged = asyncio.run(
        hunt(
            hunted.run,
            hunted.context,
            jobs=2,
            clue=False,
            limits=limits,
            executors=lambda _: Late(),
        )
    )
    assert executor.ran == [("bad", 1)]
    assert [cell.verdict for cell in judged.findings.cells][1] is Verdict.UNPROVEN
    assert read_limits(hunted.run) == limits
    assert "good.small.default.lzo.files: not run" in hunted.run.file("report.txt").read_text()
    go(hunted, executor)
    assert executor.ran == [("bad", 1), ("good", 1)]
    assert read_limits(hunted.run) == HuntLimits()


def test_a_file_system_that_is_rebuilt_and_that_nothing_runs_on(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text(
        'schema = 1\ntitle = "t"\n[kernels.k]\ndebian = "6.1"\nmodules = ["fs/jbd2", "fs/ext4"]\n'
        '[machines.m]\narch = "i386"\nram = "1 GiB"\n[workloads.w]\nuse = "names"\n'
    )
    with pytest.raises(RequestError) as caught:
        planned(file)
    (problem,) = caught.value.problems
    assert problem.what == "fs/ext4 is rebuilt, and workloads run on btrfs"
    assert problem.next_step == 'add filesystem = "ext4" at the top of the scenario'
    file.write_text(f'filesystem = "ext4"\n{file.read_text()}')
    assert planned(file)[0].filesystem == "ext4"
