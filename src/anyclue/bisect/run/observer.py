"""Runs of commits, and what each showed of the bug that is looked for."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from anyclue.bisect.core.model import Observation, RunReport, Shown
from anyclue.bisect.request import Bisection
from anyclue.bisect.run.cells import Cells
from anyclue.bisect.run.revert import mended, reverted
from anyclue.bisect.run.synthetic_commits import Commits
from anyclue.hunt.select.factors import FLAT_FLOORS, Kind, kind, kind_label
from anyclue.model.errors import RequestError
from anyclue.model.scenario import GitKernel
from anyclue.model.verdict import CellVerdict
from anyclue.trial.context import Context
from anyclue.trial.kernels import module_trees as trees

DIGITS = 16


@dataclass
class Observer:
    """Runs commits of a bisection.

    Attributes:
        bisection: what is bisected.
        cells: runs the cell.
        commits: makes kernels of commits; None where only the module of Debian's kernel changes.
        wanted: what the bad end is guilty of, once that is known.
        incident: what the kernel reported then; "" where nothing broke.
    """

    bisection: Bisection
    cells: Cells
    commits: Commits | None
    wanted: Kind | None = None
    incident: str = ""

    @classmethod
    def of(cls, bisection: Bisection, context: Context) -> Observer:
        """Return the observer of a bisection, before any run."""
        cells = Cells(
            run=bisection.run,
            scenario=bisection.scenario,
            kernel=bisection.kernel,
            conditions=bisection.conditions,
            carried=bisection.carried,
            context=context,
        )
        source = bisection.scenario.kernels[bisection.kernel].source
        commits = None
        if isinstance(source, GitKernel):
            commits = Commits(
                repo=bisection.repo,
                run=bisection.run,
                source=source,
                base=bisection.span.good[0],
                carried=bisection.carried,
            )
        return cls(bisection=bisection, cells=cells, commits=commits)

    @property
    def guilt(self) -> str:
        """What the bad end is guilty of, in words; "" where that is not known."""
        return kind_label(self.wanted) if self.wanted is not None else ""

    async def observe(self, commit: str) -> RunReport:
        """Run a commit once, or take a run that was recorded and not noted.

        Raises:
            InfrastructureError: the machine failed: nothing is said about the commit.
        """
        sources = trees.at(self.bisection.repo, commit, self.bisection.directory)
        if not sources:
            because = f"has no {self.bisection.directory}"
            return _told(Observation(commit=commit, shown=Shown.SKIP, because=because))
        kernel = self.commits.kernel(commit) if self.commits is not None else None
        return await self.observe_sources(commit, commit[:DIGITS], sources, kernel)

    async def observe_without(self, commit: str, name: str) -> RunReport | None:
        """Run the bad end with the fix, or else with a commit taken back; None on conflicts."""
        bad, directory = self.bisection.span.bad, self.bisection.directory
        fix = self.bisection.fix_file if self.bisection.fix is not None else None
        if self.commits is None:
            repo = self.bisection.repo
            sources = (
                mended(repo, bad, fix, directory)
                if fix is not None
                else reverted(repo, commit, bad, directory)
            )
            return await self.observe_sources("", name, sources) if sources is not None else None
        if fix is not None:
            kernel = self.commits.mended(bad, fix)
        else:
            kernel = self.commits.without(commit, bad)
        return await self.observe_sources("", name, {}, kernel) if kernel is not None else None

    async def observe_sources(
        self, commit: str, name: str, sources: trees.Sources, kernel: GitKernel | None = None
    ) -> RunReport:
        """Do the same with sources that may belong to no commit, under a kernel's name."""
        begin = time.monotonic()
        try:
            seen = self.shown(commit, await self.cells.judged(name, sources, kernel))
        except RequestError as error:
            because = f"does not build: {_first_error(error.problems[0].what)}"
            seen = Observation(commit=commit, shown=Shown.SKIP, because=because)
        return _told(seen, time.monotonic() - begin, self.cells.build_seconds)

    def recall(self, runs: Sequence[Observation]) -> None:
        """Go through noted runs again, so that the next trial of each commit is known."""
        for seen in runs:
            if not seen.made:
                continue
            verdict = self.cells.recalled(seen.commit[:DIGITS])
            if verdict is not None:
                self.shown(seen.commit, verdict)

    def shown(self, commit: str, verdict: CellVerdict) -> Observation:
        """Return what a verdict says of the bug; the bad end's first one says what that is."""
        because = f"{verdict.verdict.value}: {verdict.because}"
        if verdict.verdict in FLAT_FLOORS:
            return Observation(commit=commit, shown=Shown.GOOD, because=because)
        if verdict.verdict.is_guilty:
            if self.wanted is None and commit == self.bisection.span.bad:
                self.wanted = kind(verdict)
                self.incident = verdict.incident.text if verdict.incident is not None else ""
            if kind(verdict) == self.wanted:
                return Observation(commit=commit, shown=Shown.BAD, because=because)
            because = f"breaks in another way: {because}"
        return Observation(commit=commit, shown=Shown.SKIP, because=because)


def _told(seen: Observation, seconds: float = 0.0, built: float = 0.0) -> RunReport:
    return RunReport(seen=seen, seconds=round(seconds, 1), build_seconds=round(built, 1))


def _first_error(text: str) -> str:
    lines = [line.strip() for line in text.splitlines()]
    errors = [line for line in lines if re.search(r"error:|ERROR:|undefined!|\*\*\* ", line)]
    return errors[0] if errors else " ".join(lines[:2])
