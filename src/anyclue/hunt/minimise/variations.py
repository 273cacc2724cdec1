"""The guilty cell with other values on one axis, each run in a guest of its own.

They are kept in a run of their own below the hunt's, so that they are judged as all cells are and
never mixed with the scenario's. What has run is not run again: asked the same, a stored run answers
the same without a guest.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar

from anyclue.hunt.judge import JudgedRun, RunJudge, judge
from anyclue.hunt.minimise.delta_debugging import Search
from anyclue.hunt.select.factors import is_guilty, kind
from anyclue.hunt.trials import alone, run_cells
from anyclue.model.errors import AnyclueError
from anyclue.model.evaluation import TrialEvaluation
from anyclue.model.scenario import Axis, Cell, Scenario, WorkloadChoice
from anyclue.model.verdict import CellVerdict
from anyclue.recordings.run_directory import RunDirectory
from anyclue.scenarios.stored import scenario_from_json
from anyclue.trial.context import Context
from anyclue.trial.model import TrialExecutor

T = TypeVar("T")
Value: TypeAlias = str | WorkloadChoice
"""Options of the axis ``mkfs`` or ``mount``, or a workload (whose name does not count)."""

BELOW = "follow-ups"
_SECTIONS = {Axis.MKFS: "mkfs", Axis.MOUNT: "mount", Axis.WORKLOAD: "workloads"}
_NAME_LENGTH = 26


class NotRunError(AnyclueError):
    """A variation was not run, and only what is stored was asked for."""


@dataclass(frozen=True, kw_only=True)
class Runner:
    """What it takes to run a variation."""

    context: Context
    executor: Callable[[RunDirectory], TrialExecutor]


@dataclass(frozen=True, kw_only=True)
class Variations:
    """Variations of one guilty cell on one axis; without a ``runner`` they are only read.

    ``name`` is that of their run, ``judged`` the hunt.
    """

    name: str
    axis: Axis
    judged: JudgedRun
    guilty: CellVerdict
    runner: Runner | None

    @property
    def run(self) -> RunDirectory:
        """Their run directory."""
        return RunDirectory(self.judged.run.path / BELOW / self.name)

    async def still_guilty(self, values: Sequence[Value]) -> tuple[bool, ...]:
        """Return whether the cell is guilty in the same way with each of these values.

        Raises:
            NotRunError: one was not run, and there is no runner.
        """
        seen = await self.seen(values)
        return tuple(is_guilty(v) and kind(v) == kind(self.guilty) for v, _ in seen)

    async def seen(
        self, values: Sequence[Value]
    ) -> tuple[tuple[CellVerdict, tuple[TrialEvaluation, ...]], ...]:
        """Return the verdict with each of these values, and the recordings that it rests on.

        Raises:
            NotRunError: one was not run, and there is no runner.
        """
        scenario = self.scenario
        names = []
        for value in values:
            scenario, name = self._named(scenario, value)
            names.append(name)
        cells = {name: replace(self.guilty.cell, **{self.axis.value: name}) for name in names}
        judged = await self._judged(scenario, list(cells.values()))
        verdicts = {verdict.cell: verdict for verdict in judged.findings.cells}
        return tuple((verdicts[cells[name]], judged.trials.get(cells[name], ())) for name in names)

    @property
    def scenario(self) -> Scenario:
        """What they are run by: as it is stored, else as it would be."""
        if self.run.plan.is_file():
            return scenario_from_json(self.run.plan_text(), origin=str(self.run.plan))
        given = self.judged.scenario
        nothing: dict[str, Any] = {_SECTIONS[self.axis]: {}}
        return replace(given, cells=(), candidates=(), references=(), chooses=False, **nothing)

    def _named(self, scenario: Scenario, value: Value) -> tuple[Scenario, str]:
        """Return the scenario with this value on the axis, and the value's name."""
        section = _SECTIONS[self.axis]
        known: Mapping[str, Value] = getattr(scenario, section)
        for name, other in known.items():
            if _same(other, value):
                return scenario, name
        name = f"{self.guilty.cell.value(self.axis)[:_NAME_LENGTH]}-{len(known) + 1}"
        named = replace(value, name=name) if isinstance(value, WorkloadChoice) else value
        more: dict[str, Any] = {section: {**known, name: named}}
        return replace(scenario, **more), name

    async def _judged(self, scenario: Scenario, wanted: Sequence[Cell]) -> JudgedRun:
        new = [cell for cell in dict.fromkeys(wanted) if cell not in scenario.cells]
        if new and self.runner is None:
            raise NotRunError
        scenario = replace(scenario, cells=(*scenario.cells, *new))
        if self.runner is None:
            return judge(self.run)
        self.run.path.mkdir(parents=True, exist_ok=True)
        async with alone(self.run):
            executor = self.runner.executor(self.run)
            return await run_cells(
                self.run, scenario, self.runner.context, executor, RunJudge(self.run)
            )


def _same(one: Value, other: Value) -> bool:
    if isinstance(one, WorkloadChoice) and isinstance(other, WorkloadChoice):
        return replace(one, name="") == replace(other, name="")
    return one == other


def still_words(still: bool) -> str:
    """Return what came of one try, in words."""
    return "still guilty" if still else "not guilty, or not proven"


async def drive(
    search: Search[T], answer: Callable[[Sequence[T]], Awaitable[tuple[bool, ...]]]
) -> tuple[T, tuple[tuple[T, bool], ...]]:
    """Run a search to its end; return what it found, and all that was tried on the way."""
    tried: list[tuple[T, bool]] = []
    try:
        batch = next(search)
        while True:
            answers = await answer(batch)
            tried += zip(batch, answers, strict=True)
            batch = search.send(answers)
    except StopIteration as end:
        found: T = end.value
        return found, tuple(tried)
