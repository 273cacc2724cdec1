"""Probing without guests: which cells and probes, what is run once, what a guest refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anyclue.fstests.core.model import CheckStatus, TestFinding, TestId
from anyclue.hunt.driver import RULES, hunt
from anyclue.hunt.judge import judge
from anyclue.hunt.model import RunVerdicts
from anyclue.hunt.probes import run as probes_run
from anyclue.hunt.probes import selection
from anyclue.hunt.probes.core.json_document import readings_from_json
from anyclue.hunt.probes.core.probe import SNAPSHOT_MARK
from anyclue.hunt.probes.core.registry import PROBES
from anyclue.hunt.probes.watch import ProbeWatch
from anyclue.hunt.select.factors import first_guilty
from anyclue.hunt.select.faults import find_faults
from anyclue.model.errors import RequestError
from anyclue.model.machine_recording import TestVerdict
from anyclue.model.reason import NotRun
from anyclue.model.recording import EndReason, EndState, Outcome
from anyclue.model.scenario import Cell, GitKernel, Kernel, Scenario
from anyclue.model.verdict import CellVerdict, Signature, Verdict
from anyclue.recordings.run_directory import RunDirectory
from anyclue.recordings.store import write_recording
from anyclue.scenarios.plan_document import scenario_from_json
from anyclue.scenarios.read import load_scenario
from anyclue.system.store import Recipe, Store
from anyclue.trial.guest.channel import Reply
from anyclue.trial.model import TrialExecutor, TrialJob, TrialResult
from anyclue.trial.session import TrialEndedError, Watch

if TYPE_CHECKING:
    from tests.hunt.conftest import Hunted, Make

SLAB = "slab-growth"
CRASHED = EndState(outcome=Outcome.CRASHED, reason=EndReason.KERNEL_BUG, detail="BUG")
SCENARIOS = Path(__file__).parents[3] / "scenarios"


def cells_of(hunted: Hunted) -> dict[str, Cell]:
    scenario = scenario_from_json(hunted.run.plan_text())
    return {cell.kernel: cell for cell in scenario.combinations}


@dataclass
class Guests:
    """In place of guests: the kernel named bad has 40 objects more at every floor."""

    make: Make
    outcome: Outcome = Outcome.PASSED
    ran: list[str] = field(default_factory=list)
    running: int = 0
    most: int = 0

    async def run_trial(
        self, job: TrialJob, _store: Store, directory: Path, _watch: Watch
    ) -> TrialResult:
        self.ran.append(job.cell.kernel)
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        recording = replace(self.make(job, outcome=self.outcome), detail="no such\x07 file")
        write_recording(directory, recording, seconds=1, lost_log=0)
        raw = directory / "raw"
        raw.mkdir()
        step = 40 if job.cell.kernel == "bad" else 0
        floors = (f"{SNAPSHOT_MARK}\nkmalloc-256 {step * n} 9 256 16 1 : t\n" for n in range(4))
        (raw / "slabinfo").write_text("".join(floors))
        return TrialResult(job=job, outcome=recording.outcome, detail="", seconds=1)


@pytest.fixture
def guests(make: Make, hunted: Hunted, monkeypatch: pytest.MonkeyPatch) -> Guests:
    from tests.hunt.conftest import job_of  # noqa: PLC0415

    async def prepare(
        scenario: Scenario, cell: Cell, _context: object, *, arguments: str, suite: None
    ) -> TrialJob:
        assert (arguments, suite) == ("", None)
        return job_of(scenario, cell, 1)

    fake = Guests(make)
    monkeypatch.setattr(probes_run, "prepare_one", prepare)
    monkeypatch.setattr(probes_run, "run_trial", fake.run_trial)
    assert hunted.run.plan.exists()
    return fake


def probed(hunted: Hunted, names: Sequence[str] = (SLAB,), *, alone: bool = False) -> object:
    cells = cells_of(hunted)
    innocent = None if alone else cells["good"]
    probes = selection.probes_named(names)
    work = probes_run.run_probes(judge(hunted.run), hunted.context, cells["bad"], innocent, probes)
    return asyncio.run(work)


def test_both_cells_are_run_and_compared(hunted: Hunted, guests: Guests) -> None:
    readings = probed(hunted)
    assert sorted(guests.ran) == ["bad", "good"]
    assert readings == readings_from_json(hunted.run.file("probes.json").read_text())
    (reading,) = probes_run.read_readings(hunted.run)
    (finding,) = reading.findings
    assert (finding.subject, finding.guilty.count_per_round) == ("kmalloc-256", 40)
    assert (hunted.run.path / "probes" / SLAB / reading.cell.id / "raw/slabinfo").is_file()


def test_what_ran_is_not_run_again(hunted: Hunted, guests: Guests) -> None:
    first = probed(hunted)
    assert probed(hunted) == first
    assert len(guests.ran) == 2


@pytest.mark.parametrize("config", ["# CONFIG_MEM_ALLOC_PROFILING is not set", "CONFIG_NET=y"])
def test_what_a_kernel_is_built_without_is_not_run(
    hunted: Hunted, guests: Guests, monkeypatch: pytest.MonkeyPatch, config: str
) -> None:
    from tests.hunt.conftest import job_of  # noqa: PLC0415

    async def build(directory: Path) -> None:
        (directory / "config").write_text(f"{config}\n")

    store = hunted.context.store
    kernel = asyncio.run(store.make(Recipe(kind="kernel", inputs={}), build))

    async def with_kernel(
        scenario: Scenario, cell: Cell, _context: object, *, arguments: str, suite: None
    ) -> TrialJob:
        assert (arguments, suite) == ("", None)
        job = job_of(scenario, cell, 1)
        return replace(job, image=replace(job.image, kernel=kernel.ref))

    monkeypatch.setattr(probes_run, "prepare_one", with_kernel)
    tags, cell = "allocation-tags", cells_of(hunted)["bad"]
    probed(hunted, [tags, SLAB])
    assert len(guests.ran) == 2
    readings = {one.probe: one for one in probes_run.read_readings(hunted.run)}
    assert readings[tags].could_not == "the kernel was built without CONFIG_MEM_ALLOC_PROFILING"
    assert readings[SLAB].findings
    assert probes_run.cannot_probe(hunted.run, PROBES[tags], cell)
    assert not probes_run.cannot_probe(hunted.run, PROBES[SLAB], cell)


@pytest.mark.parametrize(("jobs", "side_by_side"), [(1, 1), (2, 2)])
def test_a_hunts_jobs_hold_for_its_probes(
    hunted: Hunted, make: Make, guests: Guests, jobs: int, side_by_side: int
) -> None:
    def executor(run: RunDirectory) -> TrialExecutor:
        return hunted.executor(
            lambda job: make(job, 400.0 if job.cell.kernel == "bad" else 0.0), run=run
        )

    asyncio.run(hunt(hunted.run, hunted.context, jobs=jobs, executors=executor))
    assert {"bad", "good"} <= set(guests.ran)
    assert guests.most == side_by_side


def test_readings_of_other_probes_are_kept(hunted: Hunted, guests: Guests) -> None:
    probed(hunted)
    probed(hunted, ["incidents"])
    probed(hunted)
    kept = probes_run.read_readings(hunted.run)
    assert sorted(reading.probe for reading in kept) == ["incidents", SLAB]
    assert len(guests.ran) == 4


def test_a_probe_that_a_guest_refuses_says_why(hunted: Hunted, guests: Guests) -> None:
    guests.outcome = Outcome.NOT_RUN
    probed(hunted)
    (reading,) = probes_run.read_readings(hunted.run)
    assert reading.findings == ()
    assert reading.could_not.endswith("no such file")
    assert "\x07" not in reading.could_not


def test_a_crash_says_nothing_to_a_probe_of_floors(hunted: Hunted, guests: Guests) -> None:
    guests.outcome = Outcome.CRASHED
    probed(hunted, [SLAB, "incidents"], alone=True)
    by_probe = {reading.probe: reading for reading in probes_run.read_readings(hunted.run)}
    assert "crashed" in by_probe[SLAB].could_not
    assert by_probe["incidents"].could_not == ""


def test_unknown_probes_are_all_named() -> None:
    with pytest.raises(RequestError) as error:
        selection.probes_named(["slab", SLAB, "weather"])
    assert [problem.what for problem in error.value.problems] == [
        "no probe 'slab'", "no probe 'weather'"]  # fmt: skip


def judged(kernel: str, verdict: Verdict, **axes: str) -> CellVerdict:
    cell = Cell(
        **{"kernel": kernel, "machine": "m", "mkfs": "d", "mount": "lzo", "workload": "w"} | axes
    )
    leaks = verdict is Verdict.LEAK
    return CellVerdict(
        cell=cell,
        outcome=Outcome.PASSED,
        verdict=verdict,
        because=NotRun(),
        rate_kib_per_round=None,
        rate_ci95_kib=None,
        signature=Signature.OBJECT if leaks else None,
        signature_detail=None,
        classes={},
        rounds=7,
        warm_up=1,
        trials=1,
        reference=None,
    )


def test_the_guilty_cell_and_the_nearest_clean_one() -> None:
    broken, leak = judged("bad", Verdict.BROKEN, machine="n"), judged("bad", Verdict.LEAK)
    others = (
        judged("good", Verdict.CLEAN, machine="n"),
        judged("bad", Verdict.CLEAN, mount="none"),
        judged("good", Verdict.CLEAN),
        judged("good", Verdict.UNPROVEN, workload="v"),
    )
    findings = RunVerdicts(cells=(broken, leak, *others), factors=())
    guilty = first_guilty(findings.cells)
    assert guilty == leak
    assert selection.nearest_clean(findings, leak.cell) == others[2].cell
    assert selection.signature_of(findings, leak.cell) is Signature.OBJECT
    nothing = RunVerdicts(cells=others[3:], factors=())
    assert first_guilty(nothing.cells) is None
    assert selection.nearest_clean(nothing, leak.cell) is None


def test_every_fault_is_looked_at_where_no_cell_is_named() -> None:
    lzo = judged("bad", Verdict.LEAK, mount="lzo")
    crash = replace(judged("bad", Verdict.BROKEN, mount="zstd"), signature=None)
    clean = judged("good", Verdict.CLEAN, mount="lzo")
    verdicts = (lzo, crash, clean)
    findings = RunVerdicts(cells=verdicts, factors=(), faults=find_faults(verdicts))
    found = selection.cells_to_probe(findings, "run", None, None)
    assert {cell for cell, _ in found} == {lzo.cell, crash.cell}
    assert {beside for _, beside in found} == {clean.cell}
    named = selection.cells_to_probe(findings, "run", crash.cell.id, None)
    assert named == ((crash.cell, clean.cell),)
    nothing = RunVerdicts(cells=(clean,), factors=())
    with pytest.raises(RequestError, match="no cell of this run leaks or broke"):
        selection.cells_to_probe(nothing, "run", None, None)


def test_only_an_innocent_cell_stands_beside() -> None:
    guilty, clean = judged("bad", Verdict.LEAK), judged("good", Verdict.CLEAN)
    too = judged("worse", Verdict.BROKEN)
    findings = RunVerdicts(cells=(guilty, clean, too), factors=())
    assert selection.innocent_named(findings, clean.cell.id, guilty.cell) == clean.cell
    for other, said in ((guilty, "the guilty cell itself"), (too, "guilty too: broken")):
        with pytest.raises(RequestError, match=said):
            selection.innocent_named(findings, other.cell.id, guilty.cell)


def test_every_signature_has_a_probe_except_users_memory() -> None:
    without = {one for one in Signature if not selection.probes_for(one)}
    assert without == {Signature.USER_SPACE}
    broke = {probe.name for probe in selection.probes_for(None)}
    assert broke == {"call-counts", "kmap-balance", "incidents"}


@dataclass
class Agent:
    """Answers what it is asked; ``refuses`` is part of the payload that fails."""

    refuses: str = "never"
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def __call__(self, verb: str, number: int = 0, payload: str = "") -> Reply:
        del number
        self.asked.append((verb, payload))
        return Reply(status=int(self.refuses in payload), output="the kernel has none\n")


@pytest.mark.parametrize("name", list(PROBES))
def test_the_steps_of_a_probe(name: str) -> None:
    agent = Agent()
    watch = ProbeWatch(PROBES[name], 2, "btrfs")

    async def trial() -> None:
        await watch.loaded(agent)
        await watch.settled(agent)
        await watch.at_floor(agent)
        await watch.ended(agent)

    asyncio.run(trial())
    assert {verb for verb, _ in agent.asked} <= {"run", "send", "follow", "drain"}
    followed = [payload for verb, payload in agent.asked if verb == "follow"]
    assert len(followed) == len(set(followed))
    assert len(followed) <= 16


def test_a_probe_that_is_not_available_ends_the_trial() -> None:
    for refuses, said in (("slabinfo", "the kernel has none"), ("kallsyms", "does not work")):
        with pytest.raises(TrialEndedError, match=said) as error:
            asyncio.run(ProbeWatch(PROBES[SLAB], 1, "btrfs").loaded(Agent(refuses)))
        assert error.value.ending.outcome is Outcome.NOT_RUN


def test_what_a_hunt_runs() -> None:
    scenario = load_scenario(SCENARIOS / "lzo-leak.toml", workloads=RULES)
    leak = judged("bad", Verdict.LEAK)
    guilty = replace(leak.cell, workload="small-files")
    findings = RunVerdicts(cells=(replace(leak, cell=guilty),), factors=())
    # The mail suspects kmap, so its balance is looked at, whatever leaks.
    (fault,) = find_faults(findings.cells)
    asked = {probe.name for probe in selection.probes_to_run(scenario, findings, fault, guilty)}
    assert "kmap-balance" in asked
    assert "kmemleak" not in asked  # no kernel of Debian's has what it needs
    of_git = GitKernel(repository="linux", revision="HEAD")
    built = {**scenario.kernels, "bad": Kernel(name="bad", source=of_git)}
    from_git = selection.probes_to_run(replace(scenario, kernels=built), findings, fault, guilty)
    assert "kmemleak" in {probe.name for probe in from_git}
    without = replace(scenario, suspects=())
    assert "kmap-balance" not in {
        probe.name for probe in selection.probes_to_run(without, findings, fault, guilty)
    }


LEAKS = TestVerdict(
    test="", runs=(), verdict=Verdict.LEAK, because=NotRun(), signature=Signature.OBJECT
)
FIRST, SECOND = TestId(section="", test="generic/001"), TestId(section="", test="generic/002")


def of_tests(*tests: TestFinding) -> tuple[RunVerdicts, Cell]:
    leak, clean = judged("bad", Verdict.LEAK), judged("good", Verdict.CLEAN)
    found = {leak.cell: tests, clean.cell: ()}
    return RunVerdicts(cells=(leak, clean), factors=(), tests=found), leak.cell


@pytest.mark.parametrize(
    ("test", "repeated"),
    [
        (TestFinding(id=SECOND, status=CheckStatus.PASSED, memory=LEAKS), [SECOND]),
        (
            TestFinding(id=SECOND, status=CheckStatus.PASSED, memory=LEAKS, after=(FIRST,)),
            [FIRST, SECOND],
        ),
        (TestFinding(id=SECOND, status=CheckStatus.LOST, killed=CRASHED), [SECOND]),
    ],
)
def test_the_test_that_leaks_is_what_is_repeated(
    test: TestFinding, repeated: Sequence[TestId]
) -> None:
    fine = TestFinding(id=FIRST, status=CheckStatus.PASSED)
    findings, guilty = of_tests(fine, test)
    assert list(selection.tests_to_repeat(findings, guilty)) == repeated


def test_a_surge_leaves_nothing_for_a_probe() -> None:
    scenario = load_scenario(SCENARIOS / "lzo-leak.toml", workloads=RULES)
    surge = judged("bad", Verdict.SURGE)
    findings = RunVerdicts(cells=(surge,), factors=())
    (fault,) = find_faults(findings.cells)
    assert selection.probes_to_run(scenario, findings, fault, surge.cell) == ()


def test_a_test_that_only_failed_tells_a_probe_nothing() -> None:
    findings, guilty = of_tests(TestFinding(id=FIRST, status=CheckStatus.FAILED))
    with pytest.raises(RequestError, match="no test of this cell leaks"):
        selection.tests_to_repeat(findings, guilty)
    scenario = load_scenario(SCENARIOS / "lzo-leak.toml", workloads=RULES)
    (fault,) = find_faults(findings.cells)
    assert selection.probes_to_run(scenario, findings, fault, guilty) == ()


def test_tests_stand_beside_the_same_tests_alone() -> None:
    findings, guilty = of_tests(TestFinding(id=FIRST, status=CheckStatus.PASSED, memory=LEAKS))
    beside = findings.cells[1].cell
    assert selection.nearest_clean(findings, guilty) == beside
    other = judged("good", Verdict.CLEAN, workload="v")
    findings = replace(findings, cells=(findings.cells[0], other))
    assert selection.nearest_clean(findings, guilty) is None
    with pytest.raises(RequestError, match="has other tests than"):
        selection.innocent_named(findings, other.cell.id, guilty)
