"""Runs of one commit: its module built, the cell run in a guest, and what that showed."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from anyclue.clues.factors import INNOCENT, Kind, is_guilty, kind
from anyclue.hunts import trees
from anyclue.hunts.bisecting.asking import Bisection
from anyclue.hunts.bisecting.fixups import applied
from anyclue.hunts.context import Context
from anyclue.hunts.executor import LocalExecutor
from anyclue.hunts.prepare import pin_kernels, prepare_jobs
from anyclue.model.bisection import Observation, Shown
from anyclue.model.errors import RequestError
from anyclue.model.recording import Outcome, Recording
from anyclue.model.scenario import Cell, Scenario
from anyclue.model.verdict import CellVerdict, Verdict
from anyclue.recordings.store import read_recording
from anyclue.scenarios import scenario_to_json
from anyclue.system.files import write_whole
from anyclue.verdicts import judge_cells

log = logging.getLogger(__name__)

DIGITS = 16


@dataclass(frozen=True, kw_only=True)
class Step:
    """One run, and what it took.

    Attributes:
        seen: what it showed.
        seconds: of all of it, wall-clock; None where it was done before.
        build_seconds: of making the kernel, as part of that.
    """

    seen: Observation
    seconds: float | None
    build_seconds: float | None


@dataclass
class Observer:
    """Runs commits of a bisection, each time the next trial of the same cell.

    ``wanted`` is what the bad end is guilty of, once that is known.
    """

    bisection: Bisection
    context: Context
    wanted: Kind | None = None
    _used: dict[str, int] = field(default_factory=dict)
    _planned: Scenario = field(init=False)

    def __post_init__(self) -> None:
        """Begin with what the run's plan holds."""
        self._planned = self.bisection.scenario

    @property
    def guilt(self) -> str:
        """What the bad end is guilty of, in words; "" where that is not known."""
        if self.wanted is None:
            return ""
        verdict, signature = self.wanted
        return f"{verdict.value} ({signature.value})" if signature is not None else verdict.value

    async def observe(self, commit: str) -> Step:
        """Run a commit once, or take the run that was recorded but not noted yet.

        Raises:
            InfrastructureError: the machine failed: nothing is said about the commit.
        """
        begin = time.monotonic()
        sources = trees.at(self.bisection.repo, commit, self.bisection.directory)
        if not sources:
            return self._skipped(commit, f"has no {self.bisection.directory}", begin)
        return await self.observe_sources(commit, commit[:DIGITS], sources)

    async def observe_sources(self, commit: str, name: str, sources: trees.Sources) -> Step:
        """Do the same with sources that belong to no commit, under a kernel's name."""
        begin = time.monotonic()
        cell = replace(self.bisection.conditions, kernel=name)
        limits = self.bisection.scenario.limits
        first = self._used.get(name, 0) + 1
        built = 0.0
        group: list[Recording] = []
        for number in range(first, first + 1 + limits.extra_trials):
            self._used[name] = number
            if self.bisection.run.outcome(cell, number) is None:
                before = time.monotonic()
                try:
                    scenario = await self._scenario(name, sources)
                    jobs = await prepare_jobs(scenario, [(cell, number)], self.context)
                except RequestError as error:
                    what = _first_error(str(error.problems[0].what))
                    return self._skipped(commit, f"does not build: {what}", begin)
                built += time.monotonic() - before
                executor = LocalExecutor(self.context.store, self.bisection.run, 1)
                async for _ in executor.run(jobs):
                    pass
            group.append(read_recording(self.bisection.run.trial(cell, number)))
            verdict = self._judged(cell, group)
            if not _more(verdict):
                break
        seen = self._shown(commit, verdict)
        return Step(seen=seen, seconds=time.monotonic() - begin, build_seconds=built)

    def recall(self, runs: Sequence[Observation]) -> None:
        """Go through recorded runs again, so that the next of each commit is known.

        Args:
            runs: what the journal holds, in order.
        """
        for seen in runs:
            name = seen.commit[:DIGITS]
            cell = replace(self.bisection.conditions, kernel=name)
            group: list[Recording] = []
            for number in self._recorded(cell):
                group.append(read_recording(self.bisection.run.trial(cell, number)))
                self._used[name] = number
                verdict = self._judged(cell, group)
                if not _more(verdict):
                    self._shown(seen.commit, verdict)
                    break

    def _recorded(self, cell: Cell) -> Iterator[int]:
        number = self._used.get(cell.kernel, 0) + 1
        most = number + 1 + self.bisection.scenario.limits.extra_trials
        while number < most and self.bisection.run.outcome(cell, number) is not None:
            yield number
            number += 1

    def _judged(self, cell: Cell, recordings: Sequence[Recording]) -> CellVerdict:
        scenario = replace(self.bisection.scenario, cells=(cell,), references=())
        return judge_cells(scenario, {cell: tuple(recordings)})[0]

    def _shown(self, commit: str, verdict: CellVerdict) -> Observation:
        because = f"{verdict.verdict.value}: {verdict.because}"
        if is_guilty(verdict):
            if self.wanted is None and commit == self.bisection.span.bad:
                self.wanted = kind(verdict)
            same = kind(verdict) == self.wanted
            shown = Shown.BAD if same else Shown.SKIP
            because = because if same else f"breaks in another way: {because}"
        elif verdict.verdict in INNOCENT:
            shown = Shown.GOOD
        else:
            shown = Shown.SKIP
        return Observation(commit=commit, shown=shown, because=because)

    def _skipped(self, commit: str, because: str, begin: float) -> Step:
        seen = Observation(commit=commit, shown=Shown.SKIP, because=because)
        return Step(seen=seen, seconds=time.monotonic() - begin, build_seconds=None)

    async def _scenario(self, name: str, sources: trees.Sources) -> Scenario:
        """Return the scenario with a kernel of this name, built from these sources."""
        bisection = self.bisection
        scenario = self._planned
        if name not in scenario.kernels:
            tree = trees.keep(bisection.run, name, sources)
            paths = [
                bisection.run.file(f"carried/{n}.patch") for n in range(len(bisection.carried))
            ]
            carried = await applied(bisection.carried, [one.absolute() for one in paths], tree)
            if carried:
                log.info("%s: carries %s", name, ", ".join(carried))
            own = replace(bisection.conditions, kernel=bisection.kernel)
            pinned = await pin_kernels(replace(scenario, cells=(own,)), self.context)
            kernel = pinned.kernels[bisection.kernel]
            assert kernel.variant is not None  # noqa: S101 - it is the one that is rebuilt
            variant = replace(kernel.variant, tree=str(tree), edits=(), patches=())
            made = replace(kernel, name=name, variant=variant)
            cells = [one for one in scenario.cells if one.kernel != bisection.kernel]
            self._planned = replace(
                scenario,
                kernels={**pinned.kernels, name: made},
                cells=(*cells, replace(own, kernel=name)),
            )
            write_whole(bisection.run.plan, scenario_to_json(self._planned))
        return self._planned


def _more(verdict: CellVerdict) -> bool:
    return verdict.verdict is Verdict.UNPROVEN and verdict.outcome in (Outcome.PASSED, Outcome.LOST)


def _first_error(text: str) -> str:
    lines = [line.strip() for line in text.splitlines()]
    errors = [line for line in lines if re.search(r"error:|ERROR:|undefined!", line)]
    return (errors or lines or [""])[0]
