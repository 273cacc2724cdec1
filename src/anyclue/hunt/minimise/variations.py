"""The guilty cell with other values on one axis, each run in a guest of its own.

They are kept in a run of their own below the hunt's, so that they are judged as all cells are and
never mixed with the scenario's. What has run is not run again: asked the same, a stored run answers
the same without a guest.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar

from anyclue.hunt.judge import JudgedRun, RunJudge, judge
from anyclue.hunt.minimise.delta_debugging import Search
from anyclue.hunt.model import Fault
from anyclue.hunt.select.faults import as_of, shows
from anyclue.hunt.trials import locked_run, run_cells
from anyclue.model.errors import AnyclueError
from anyclue.model.evaluation import TrialEvaluation
from anyclue.model.reason import NotRun
from anyclue.model.scenario import Axis, Cell, Scenario, WorkloadChoice
from anyclue.model.verdict import CellVerdict
from anyclue.recordings.run_directory import RunDirectory
from anyclue.scenarios.plan_document import scenario_from_json
from anyclue.system.time_limit import TimeLimitReachedError
from anyclue.trial.context import Context
from anyclue.trial.model import TrialExecutor
from anyclue.verdicts.judge import judge_objects

if TYPE_CHECKING:
    from _typeshed import SupportsRichComparison

T = TypeVar("T")
Value: TypeAlias = str | WorkloadChoice
"""Options of the axis ``mkfs`` or ``mount``, or a workload (whose name does not count)."""

DIRECTORY = "follow-ups"
_SECTIONS = {Axis.MKFS: "mkfs", Axis.MOUNT: "mount", Axis.WORKLOAD: "workloads"}
_NAME_LENGTH = 26


class NotRunError(AnyclueError):
    """A variation was not run: only what is stored was asked for, or guests or time are up."""


class VariationSource(Protocol):
    """Where the verdicts on variations come from."""

    async def judge(
        self, run: RunDirectory, scenario: Scenario, cells: Sequence[Cell]
    ) -> JudgedRun:
        """Return the judged run of ``scenario``, these cells among its own.

        Raises:
            NotRunError: one was not run, and is not run now.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Runs the variations that were not run yet, as long as ``guests`` are left for them."""

    context: Context
    executor: Callable[[RunDirectory], TrialExecutor]
    guests: int

    async def judge(
        self, run: RunDirectory, scenario: Scenario, cells: Sequence[Cell]
    ) -> JudgedRun:
        """Return the judged run, once all of the cells have run.

        Raises:
            NotRunError: they are more than the guests that are left, or the time is up.
        """
        missing = {cell for cell in cells if not run.trials(cell)}
        if len(missing) * scenario.limits.trials > self.guests:
            raise NotRunError
        run.path.mkdir(parents=True, exist_ok=True)
        scenario = replace(scenario, cells=tuple(dict.fromkeys((*scenario.cells, *cells))))
        async with locked_run(run):
            executor = self.executor(run)
            try:
                return await run_cells(run, scenario, self.context, executor, RunJudge(run))
            except TimeLimitReachedError as error:
                raise NotRunError from error


class StoredVariations:
    """Reads the variations that were run; starts nothing."""

    async def judge(
        self, run: RunDirectory, scenario: Scenario, cells: Sequence[Cell]
    ) -> JudgedRun:
        """Return the judged run as it is stored.

        Raises:
            NotRunError: one of the cells was not run.
        """
        if not set(cells) <= set(scenario.cells):
            raise NotRunError
        judged = judge(run)
        reasons = {one.cell: one.because for one in judged.findings.cells}
        if any(isinstance(reasons[cell], NotRun) for cell in cells):
            raise NotRunError
        return judged


@dataclass(frozen=True, kw_only=True)
class Variations:
    """Variations of one guilty cell on one axis.

    ``name`` is that of their run, ``judged`` the hunt. Further faults have a directory each.
    """

    name: str
    axis: Axis
    judged: JudgedRun
    fault: Fault
    source: VariationSource

    @property
    def run(self) -> RunDirectory:
        """Their run directory."""
        place = self.judged.run.path / DIRECTORY
        faults = self.judged.findings.faults
        if faults and self.fault is not faults[0]:
            place = place / further_directory(self.fault)
        return RunDirectory(place / self.name)

    @property
    def guilty(self) -> CellVerdict:
        """The guilty cell's verdict, as it is of the fault."""
        return self.fault.looked_into

    async def still_guilty(self, values: Sequence[Value]) -> tuple[bool, ...]:
        """Return whether the cell is guilty in the same way with each of these values.

        Raises:
            NotRunError: one was not run, and is not run now.
        """
        verdicts = await self.verdicts(values)
        return tuple(self.is_alike(verdict) for verdict, _ in verdicts)

    def is_alike(self, verdict: CellVerdict) -> bool:
        """Say whether a variation is guilty in the same way as the cell."""
        return shows(self.fault, verdict)

    async def verdicts(
        self, values: Sequence[Value]
    ) -> tuple[tuple[CellVerdict, tuple[TrialEvaluation, ...]], ...]:
        """Return the verdict with each of these values, and the trials that it rests on.

        Raises:
            NotRunError: one was not run, and is not run now.
        """
        scenario = self.scenario
        cells = []
        for value in values:
            scenario, name = self._named(scenario, value)
            cells.append(replace(self.guilty.cell, **{self.axis.value: name}))
        judged = await self.source.judge(self.run, scenario, cells)
        verdicts = {verdict.cell: verdict for verdict in judged.findings.cells}
        return tuple(
            (as_of(self.fault, self._beside_reference(verdicts[cell], trials)), trials)
            for cell in cells
            for trials in (judged.trials.get(cell, ()),)
        )

    def _beside_reference(
        self, verdict: CellVerdict, trials: tuple[TrialEvaluation, ...]
    ) -> CellVerdict:
        """Return a verdict as it is beside the hunt's reference, which counts of objects need."""
        scenario = self.judged.scenario
        good, known = scenario.reference_for(self.guilty.cell), frozenset(self.fault.counted)
        if good is None or not known:
            return verdict
        reference = good, self.judged.trials.get(good, ())
        return judge_objects(scenario.sensitivity, trials, verdict.cell, reference, known)

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


def further_directory(fault: Fault) -> str:
    """Return the directory of a fault that is not the run's first."""
    what = fault.signature.value if fault.signature is not None else fault.verdict.value
    return ".".join((fault.lead.id, what, *sorted(fault.parts)[:1]))


def _same(one: Value, other: Value) -> bool:
    if isinstance(one, WorkloadChoice) and isinstance(other, WorkloadChoice):
        return replace(one, name="") == replace(other, name="")
    return one == other


@dataclass(frozen=True, kw_only=True)
class SearchEnd(Generic[T]):
    """Where a search ended.

    Attributes:
        found: the smallest that is guilty, as far as it was run.
        tried: all that was run, and whether it is guilty.
        more: how many more have to be tried to tell that there is no smaller one, if there is none.
    """

    found: T
    tried: tuple[tuple[T, bool], ...]
    more: int = 0


async def run_search(
    search: Search[T],
    answer: Callable[[Sequence[T]], Awaitable[tuple[bool, ...]]],
    given: T,
    size: Callable[[T], SupportsRichComparison],
) -> SearchEnd[T]:
    """Run a search to its end, or until something is not run.

    Args:
        search: the search.
        answer: runs a batch; raises `NotRunError` where that is not run.
        given: what the search begins with, which is guilty.
        size: what makes one smaller than another.
    """
    tried: list[tuple[T, bool]] = []
    try:
        batch = next(search)
        while True:
            try:
                answers = await answer(batch)
            except NotRunError:
                smallest = min((given, *(one for one, guilty in tried if guilty)), key=size)
                more = _tries_left(search, batch, [one for one, _ in tried])
                return SearchEnd(found=smallest, tried=tuple(tried), more=more)
            tried += zip(batch, answers, strict=True)
            batch = search.send(answers)
    except StopIteration as end:
        return SearchEnd(found=end.value, tried=tuple(tried))


def _tries_left(search: Search[T], batch: tuple[T, ...], tried: Sequence[T]) -> int:
    """Return how many it takes to end a search if nothing smaller is guilty; it is ended so."""
    left: list[T] = []
    try:
        while True:
            left += [one for one in batch if one not in tried and one not in left]
            batch = search.send((False,) * len(batch))
    except StopIteration:
        return len(left)
