"""One cell with module sources of any version: built, run in guests, judged."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from anyclue.bisect.run.fixups import Fixup, apply_fixups
from anyclue.model.recording import Recording
from anyclue.model.scenario import Cell, GitKernel, Kernel, Scenario
from anyclue.model.verdict import CellVerdict
from anyclue.recordings.run_directory import RunDirectory
from anyclue.recordings.store import read_recording
from anyclue.scenarios.plan_document import scenario_to_json
from anyclue.system.files import write_whole
from anyclue.trial.context import Context
from anyclue.trial.executor import LocalExecutor
from anyclue.trial.kernels.module_trees import ModuleSources, keep_sources
from anyclue.trial.preparation import pin_kernels, prepare_jobs
from anyclue.trial.scheduler import TrialKey, run_until_proven, wants_another
from anyclue.verdicts.judge import judge_cells

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
        build_seconds: what making the last kernel took; 0 when nothing was made.
    """

    run: RunDirectory
    scenario: Scenario
    kernel: str
    cell: Cell
    carried: Sequence[Fixup]
    context: Context
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
        self.build_seconds = 0.0
        group: list[Recording] = []

        async def execute(missing: Sequence[TrialKey], _total: int) -> None:
            before = time.monotonic()
            scenario = await self._planned(name, sources, commit)
            jobs = await prepare_jobs(scenario, missing, self.context)
            self.build_seconds += time.monotonic() - before
            async for _ in LocalExecutor(self.context.store, self.run, 1).run(jobs):
                pass

        def judge() -> tuple[CellVerdict, Sequence[TrialKey]]:
            verdict = self._judge_next(cell, group)
            return verdict, [self._next(cell)] if self._wants_another(verdict) else []

        return await run_until_proven(self.run, [self._next(cell)], execute, judge)

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
        # Its own reference: there is no other, and what a kernel normally leaves is no suspect.
        scenario = replace(self.scenario, cells=(cell,), references=(cell,))
        return judge_cells(scenario, {cell: tuple(group)})[0]

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
