"""Following up, with executors that start nothing: what is asked, what is kept, what is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from anyclue.hunt.driver import begin_run, hunt
from anyclue.hunt.judge import judge
from anyclue.hunt.minimise.follow_up import read_follow_ups, run_follow_up
from anyclue.hunt.minimise.model import FollowUps
from anyclue.hunt.minimise.plan import FollowUpKind, in_order
from anyclue.hunt.minimise.variations import Runner
from anyclue.hunt.render.clue_text import dose_amount, reproducer_lines
from anyclue.model.recording import Recording
from anyclue.model.scenario import Axis
from anyclue.model.verdict import ObjectKind, ObjectSeries
from anyclue.recordings.run_directory import RunDirectory
from anyclue.trial.context import Context
from anyclue.trial.model import TrialExecutor, TrialJob
from anyclue.trial.workloads.suite import WorkloadSuite


class Executor(TrialExecutor, Protocol):
    ran: list[tuple[str, int]]


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


def workload_of(job: TrialJob) -> WorkloadSuite:
    assert isinstance(job.suite, WorkloadSuite)
    return job.suite


def argv(job: TrialJob) -> str:
    return " ".join(word for command in workload_of(job).workload.write for word in command)


def files(job: TrialJob) -> int:
    words = dict(word.split("=") for word in argv(job).split() if "=" in word)
    return int(words["files"]) if "files" in words else 100


def bad_lzo(make: Make) -> Callable[[TrialJob], Recording]:
    """A page a file with unaligned sizes; a script does it too, one that is simplified does not."""

    def made(job: TrialJob) -> Recording:
        guilty = job.cell.kernel == "bad" and "compress=lzo" in workload_of(job).mount
        aligned = "size=4096" in argv(job) or "size=1 " in argv(job)
        return make(job, 4.0 * files(job) if guilty and not aligned else 0.0)

    return made


async def hunt_and_follow(
    hunted: Hunted,
    run: RunDirectory,
    executors: Callable[[RunDirectory], TrialExecutor],
    guests: int = 100,
) -> None:
    judged = await hunt(run, hunted.context, jobs=2, clue=False, executors=executors)
    runner = Runner(context=hunted.context, executor=executors, guests=guests)
    left = [step for one in await read_follow_ups(judged) for step in one.left]
    for step in in_order(left):
        await run_follow_up(judged, step, runner)


def hunt_it(
    hunted: Hunted,
    run: RunDirectory,
    made: Callable[[TrialJob], Recording],
    guests: int = 100,
) -> int:
    """Hunt, no step with more than these guests at once; return how many guests ran."""
    executors: list[Executor] = []

    def executor(of: RunDirectory) -> Executor:
        executors.append(hunted.executor(made, run=of))
        return executors[-1]

    asyncio.run(hunt_and_follow(hunted, run, executor, guests))
    return sum(len(one.ran) for one in executors)


def stored(run: RunDirectory) -> FollowUps:
    found = asyncio.run(read_follow_ups(judge(run)))
    assert len(found) < 2
    return found[0] if found else FollowUps()


@pytest.fixture
def options(scenario_file: Path, tmp_path: Path) -> RunDirectory:
    text = scenario_file.read_text()
    mounts = 'none = "noatime"\nlzo = "noatime,compress=lzo,ssd,autodefrag"'
    scenario_file.write_text(text.replace('lzo = "compress=lzo"', mounts))
    return begin_run(scenario_file, tmp_path / "options")


def test_all_of_it(hunted: Hunted, options: RunDirectory, make: Make) -> None:
    ran = hunt_it(hunted, options, bad_lzo(make))
    found = stored(options)
    assert found.options == {Axis.MOUNT: "compress=lzo"}
    assert found.dose is not None
    assert found.dose.linear
    assert found.dose.amount_kib == pytest.approx(4.0, rel=0.01)
    assert [point.dose for point in found.dose.points] == [25, 50, 100]
    assert found.reproducer is not None
    assert found.reproducer.parameters["writers"] == 1
    assert found.reproducer.parameters["direct_every"] == 0
    assert found.reproducer.parameters["file_bytes"] == 1000
    assert "file_bytes 4096 (was 1000): not guilty, or not proven" in found.reproducer.reduced
    assert "mount -o compress=lzo " in found.reproducer.script
    script = RunDirectory(options.path / "follow-ups" / "script")
    assert judge(script).scenario.mount["lzo"] == "compress=lzo"  # it was seen to do it so
    assert ran > 10
    assert found.left == ()
    assert found.reproducer.more_guests == 0
    # All is stored now: the same again starts nothing.
    assert hunt_it(hunted, options, bad_lzo(make)) == 0
    assert stored(options) == found


def test_the_scenario_s_own_findings_are_not_touched(
    hunted: Hunted, options: RunDirectory, make: Make
) -> None:
    hunt_it(hunted, options, bad_lzo(make))
    judged = judge(options)
    assert {cell.cell.workload for cell in judged.findings.cells} == {"files"}
    assert {name.name for name in (options.path / "follow-ups").iterdir()} == {
        "mount-options",
        "dose",
        "reduction",
        "script",
    }


def test_killed_on_the_way(hunted: Hunted, options: RunDirectory, make: Make) -> None:
    def executor(of: RunDirectory) -> Executor:
        dies_after = 1 if of.path.name == "reduction" else None
        return hunted.executor(bad_lzo(make), run=of, dies_after=dies_after)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(hunt_and_follow(hunted, options, executor))
    partly = stored(options)
    assert partly.dose is not None
    assert partly.reproducer is None
    hunt_it(hunted, options, bad_lzo(make))
    assert stored(options).reproducer is not None


CACHE = "slab_objects.kmalloc-1k"
SERIES = ObjectSeries(kind=ObjectKind.SLAB, name="kmalloc-1k")


def leaked_objects(make: Make, amount: Callable[[TrialJob], float]) -> Callable[..., Recording]:
    def made(job: TrialJob) -> Recording:
        leaked = amount(job) if job.cell.kernel == "bad" else 0.0
        facts = {"files": files(job), "enospc_errors": 0}
        return make(job, counts={CACHE: leaked, "slab_objects.dentry": 0.0}, facts=facts)

    return made


def test_one_object_at_every_mount(hunted: Hunted, options: RunDirectory, make: Make) -> None:
    """No KiB grow: counts of objects alone show it, beside the hunt's reference."""
    hunt_it(hunted, options, leaked_objects(make, lambda _: 1.0))
    found = stored(options)
    assert found.dose is not None
    assert found.dose.series == SERIES
    assert dose_amount(found.dose) == "1 object at every mount"
    assert found.left == ()
    reproducer = found.reproducer
    assert reproducer is not None
    assert reproducer.parameters["writers"] == 1
    assert (reproducer.series, round(reproducer.rate_objects or 0.0)) == (SERIES, 1)
    assert "echo 1 >/sys/kernel/slab/kmalloc-1k/shrink" in reproducer.script
    assert "In this form it leaked 1 object (slab cache kmalloc-1k) a round." in reproducer_lines(
        reproducer, 100
    )


def test_objects_of_lzo_a_file(hunted: Hunted, options: RunDirectory, make: Make) -> None:
    """The option that it takes is found by counts alone, too."""

    def amount(job: TrialJob) -> float:
        return 0.2 * files(job) if "compress=lzo" in workload_of(job).mount else 0.0

    hunt_it(hunted, options, leaked_objects(make, amount))
    found = stored(options)
    assert found.options == {Axis.MOUNT: "compress=lzo"}
    assert found.dose is not None
    assert dose_amount(found.dose) == "0.2 objects a file"


def test_nothing_guilty_nothing_followed(hunted: Hunted, make: Make) -> None:
    ran = hunt_it(hunted, hunted.run, lambda job: make(job, 0.0))
    assert ran == 2
    assert stored(hunted.run) == FollowUps()
    assert not (hunted.run.path / "follow-ups").exists()


def test_a_script_that_does_not_do_it_is_not_given(hunted: Hunted, make: Make) -> None:
    def made(job: TrialJob) -> Recording:
        script = workload_of(job).workload.name == "shell"
        return make(job, 400.0 if job.cell.kernel == "bad" and not script else 0.0)

    hunt_it(hunted, hunted.run, made)
    found = stored(hunted.run)
    assert found.reproducer is not None
    assert found.reproducer.script == ""
    assert found.dose is not None
    assert found.dose.linear is False


def test_what_the_guests_do_not_suffice_for_is_left(
    hunted: Hunted, options: RunDirectory, make: Make
) -> None:
    """Batches of two are run, larger ones are not: the smallest form so far, and what it lacks."""
    hunt_it(hunted, options, bad_lzo(make), guests=2)
    found = stored(options)
    assert found.dose is not None
    assert found.options == {Axis.MOUNT: "compress=lzo"}
    assert found.reproducer is not None
    assert found.reproducer.script
    left = {step.kind: step for step in found.left}
    assert set(left) == {FollowUpKind.SMALLER_FORM}
    form = left[FollowUpKind.SMALLER_FORM]
    assert form.begun
    assert form.guests == found.reproducer.more_guests > 0
    # What is left takes as many guests as was said, if nothing smaller is guilty.
    hunt_it(hunted, options, bad_lzo(make))
    assert stored(options).left == ()


def test_without_guests_all_is_left_and_offered(
    hunted: Hunted, options: RunDirectory, make: Make
) -> None:
    assert hunt_it(hunted, options, bad_lzo(make), guests=0) == 3
    found = stored(options)
    assert {(step.kind, step.begun) for step in found.left} == {
        (FollowUpKind.OPTIONS, False),
        (FollowUpKind.DOSE, False),
        (FollowUpKind.SMALLER_FORM, False),
        (FollowUpKind.SCRIPT, False),
    }
    assert (found.options, found.dose, found.reproducer) == ({}, None, None)
    assert all(step.seconds for step in found.left)
