"""One cell with module sources of any version: built, run in guests, judged."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from anyclue.bisect.run.fixups import Fixup, apply_fixups
from anyclue.hunt.select.factors import FLAT_FLOORS
from anyclue.model.errors import RequestError
from anyclue.model.evaluation import TrialEvaluation
from anyclue.model.reason import ObjectsGrew, ObjectsSuspected, judged_reason
from anyclue.model.recording import Outcome, Recording
from anyclue.model.scenario import Cell, GitKernel, Kernel, Scenario
from anyclue.model.verdict import CellVerdict, ObjectSeries
from anyclue.recordings.run_directory import RunDirectory
from anyclue.recordings.store import read_recording
from anyclue.scenarios.plan_document import scenario_to_json
from anyclue.system.files import write_whole
from anyclue.trial.context import Context
from anyclue.trial.executor import LocalExecutor
from anyclue.trial.kernels.module_trees import ModuleSources, keep_sources
from anyclue.trial.preparation import pin_kernels, prepare_jobs
from anyclue.trial.scheduler import TrialKey, run_until_proven, wants_another
from anyclue.verdicts.evaluation import evaluate
from anyclue.verdicts.judge import judge_cells, judge_objects

log = logging.getLogger(__name__)


def begin_run(
    run: RunDirectory, text: str, scenario: Scenario, kernel: Kernel, cell: Cell
) -> Scenario:
    """Write what a run of one cell begins with; return the scenario with that cell alone.

    Args:
        run: its directory.
        text: that of the scenario.
        scenario: what it says.
        kernel: the kernel whose module is rebuilt.
        cell: the cell, whatever its kernel.
    """
    planned = replace(scenario, cells=(replace(cell, kernel=kernel.name),), references=())
    write_whole(run.scenario, text)
    write_whole(run.plan, scenario_to_json(planned))
    return planned


@dataclass(frozen=True, kw_only=True)
class GoodEnd:
    """The good end of a range, beside which counts of objects are judged.

    Attributes:
        name: its kernel's name.
        sources: reads the sources of the module.
        commit: makes the kernel to build from git, where the scenario's comes from there.
    """

    name: str
    sources: Callable[[], ModuleSources]
    commit: Callable[[], GitKernel | None]


@dataclass
class CellRunner:
    """Runs one cell with kernels that are named as they come.

    Attributes:
        run: where recordings and sources are kept.
        scenario: as the run's plan has it; kernels that ran are in it.
        kernel: the name of its kernel whose module is rebuilt.
        cell: the cell, whatever its kernel.
        carried: changes to apply where they apply.
        context: the cache.
        good: the good end; None where there is none: then counts of objects say nothing.
        known: counts of objects that the bug is known to leak: only these are judged.
        build_seconds: what making the last kernel took; 0 when nothing was made.
    """

    run: RunDirectory
    scenario: Scenario
    kernel: str
    cell: Cell
    carried: Sequence[Fixup]
    context: Context
    good: GoodEnd | None = None
    known: frozenset[ObjectSeries] = frozenset()
    build_seconds: float = 0.0
    _used: dict[str, int] = field(default_factory=dict)

    async def next_verdict(
        self, name: str, sources: ModuleSources, commit: GitKernel | None = None
    ) -> CellVerdict:
        """Return the verdict of the next trial; of more, where one proves nothing.

        ``commit`` is the kernel to build from git, where the scenario's comes from there.

        A trial that is recorded already, and not used yet, is not run again.

        Raises:
            RequestError: the module does not build from these sources.
            InfrastructureError: the machine failed: nothing is said about the cell.
        """
        cell = replace(self.cell, kernel=name)
        await self._run_good_end(name)
        self.build_seconds = 0.0
        group: list[Recording] = []

        async def execute(missing: Sequence[TrialKey], _total: int) -> None:
            await self._execute(missing, name, sources, commit)

        def judge() -> tuple[CellVerdict, Sequence[TrialKey]]:
            verdict = self._judge_next(cell, group)
            return verdict, [self._next(cell)] if self._wants_another(verdict) else []

        return await run_until_proven(self.run, [self._next(cell)], execute, judge)

    async def _execute(
        self,
        missing: Sequence[TrialKey],
        name: str,
        sources: ModuleSources,
        commit: GitKernel | None,
    ) -> None:
        before = time.monotonic()
        scenario = await self._planned(name, sources, commit)
        jobs = await prepare_jobs(scenario, missing, self.context)
        self.build_seconds += time.monotonic() - before
        async for _ in LocalExecutor(self.context.store, self.run, 1).run(jobs):
            pass

    async def _run_good_end(self, name: str) -> None:
        """Run the good end's first trial before anything else; it is used when its turn comes."""
        good = self.good
        if good is None or name == good.name:
            return
        first = replace(self.cell, kernel=good.name), 1
        if self.run.outcome(*first) is None and (sources := good.sources()):
            try:
                await self._execute([first], good.name, sources, good.commit())
            except RequestError as error:
                log.warning("the good end does not build: %s", error.problems[0].what)
                self.good = None

    @property
    def _good_trial(self) -> tuple[Cell, TrialEvaluation] | None:
        """The good end's first trial, where it passed."""
        if self.good is None:
            return None
        cell = replace(self.cell, kernel=self.good.name)
        if self.run.outcome(cell, 1) is not Outcome.PASSED:
            return None
        return cell, evaluate(read_recording(self.run.trial(cell, 1)))

    def recorded_verdict(self, name: str) -> CellVerdict | None:
        """Return the verdict of trials that are recorded and not used yet; None where none is."""
        cell = replace(self.cell, kernel=name)
        group: list[Recording] = []
        while self.run.outcome(*self._next(cell)) is not None:
            verdict = self._judge_next(cell, group)
            if not self._wants_another(verdict):
                return verdict
        return None

    def _next(self, cell: Cell) -> TrialKey:
        return cell, self._used.get(cell.kernel, 0) + 1

    def _judge_next(self, cell: Cell, group: list[Recording]) -> CellVerdict:
        """Add the next trial's recording to the group, and judge that."""
        _, number = self._next(cell)
        self._used[cell.kernel] = number
        group.append(read_recording(self.run.trial(cell, number)))
        # Its own reference: what the good end leaves in KiB, it may leak as well.
        scenario = replace(self.scenario, cells=(cell,), references=(cell,))
        verdict = judge_cells(scenario, {cell: tuple(group)})[0]
        if verdict.verdict not in FLAT_FLOORS:
            return verdict
        return self._judge_objects(cell, group) or verdict

    def _judge_objects(self, cell: Cell, group: Sequence[Recording]) -> CellVerdict | None:
        """Return what counts of objects say beside the good end; None where they say nothing."""
        beside = self._good_trial
        if beside is None or beside[0] == cell:
            return None
        reference, trial = beside
        verdict = judge_objects(
            self.scenario.sensitivity,
            tuple(map(evaluate, group)),
            cell,
            (reference, (trial,)),
            self.known,
        )
        told = isinstance(judged_reason(verdict.because), ObjectsGrew | ObjectsSuspected)
        return verdict if told else None

    def _wants_another(self, verdict: CellVerdict) -> bool:
        return wants_another(verdict, self.scenario.limits, planned=1)

    async def _planned(
        self, name: str, sources: ModuleSources, commit: GitKernel | None
    ) -> Scenario:
        """Return the scenario with a kernel of this name, built from these sources."""
        scenario = self.scenario
        if name not in scenario.kernels:
            own = replace(self.cell, kernel=self.kernel)
            pinned = await pin_kernels(replace(scenario, cells=(own,)), self.context)
            kernel = pinned.kernels[self.kernel]
            if commit is not None:
                made = replace(kernel, name=name, source=commit)
            else:
                made = await self._of_tree(kernel, name, sources)
            cells = [one for one in scenario.cells if one.kernel != self.kernel]
            self.scenario = replace(
                scenario,
                kernels={**pinned.kernels, name: made},
                cells=(*cells, replace(own, kernel=name)),
            )
            write_whole(self.run.plan, scenario_to_json(self.scenario))
        return self.scenario

    async def _of_tree(self, kernel: Kernel, name: str, sources: ModuleSources) -> Kernel:
        assert kernel.variant is not None  # noqa: S101 - it is the one that is rebuilt
        tree = keep_sources(self.run, name, sources)
        many = range(len(self.carried))
        paths = [self.run.file(f"carried/{number}.patch").absolute() for number in many]
        done = await apply_fixups(self.carried, paths, tree)
        if done:
            log.info("%s: carries %s", name, ", ".join(done))
        variant = replace(kernel.variant, tree=str(tree), edits=(), patches=())
        return replace(kernel, name=name, variant=variant)
