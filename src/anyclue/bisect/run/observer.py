"""Runs of commits, and what each showed of the bug that is looked for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from anyclue.bisect.core.model import BisectTerm, Observation
from anyclue.bisect.core.result import RunReport
from anyclue.bisect.render import reasons
from anyclue.bisect.request import Bisection
from anyclue.bisect.run.cell_runner import CellRunner, GoodEnd
from anyclue.bisect.run.synthetic_commits import SyntheticCommits, tree_with_fix, tree_without
from anyclue.git import repository as git
from anyclue.hunt.select.factors import FLAT_FLOORS, Kind, kind
from anyclue.model.errors import RequestError
from anyclue.model.reason import grown_objects
from anyclue.model.scenario import GitKernel
from anyclue.model.verdict import CellVerdict
from anyclue.report.words import kind_label
from anyclue.trial.context import Context
from anyclue.trial.kernels.module_trees import ModuleSources

_REVERTED, _FIXED = "reverted", "mended"
"""The kernel's name of the bad end without the accused commit, and with the fix."""


def kernel_name(commit: str) -> str:
    """Return what the kernel of a commit is called in the run directory."""
    return commit[:16]


@dataclass
class Observer:
    """Runs commits of a bisection.

    Attributes:
        bisection: what is bisected.
        runner: runs the cell.
        commits: makes kernels of commits; None where only the module of Debian's kernel changes.
        failure: what the bad end is guilty of, once that is known.
        incident: what the kernel reported then; "" where nothing broke.
    """

    bisection: Bisection
    runner: CellRunner
    commits: SyntheticCommits | None
    failure: Kind | None = None
    incident: str = ""

    @classmethod
    def of(cls, bisection: Bisection, context: Context) -> Observer:
        """Return the observer of a bisection, before any run."""
        source = bisection.scenario.kernels[bisection.kernel].source
        commits = None
        if isinstance(source, GitKernel):
            commits = SyntheticCommits(
                repo=bisection.repo,
                run=bisection.run,
                source=source,
                base=bisection.span.good[0],
                carried=bisection.carried,
            )
        good, repo, directory = bisection.span.good[0], bisection.repo, bisection.directory
        runner = CellRunner(
            run=bisection.run,
            scenario=bisection.scenario,
            kernel=bisection.kernel,
            cell=bisection.cell,
            carried=bisection.carried,
            context=context,
            good=GoodEnd(
                name=kernel_name(good),
                sources=lambda: git.below(repo, good, directory),
                commit=lambda: commits.kernel(good) if commits is not None else None,
            ),
        )
        return cls(bisection=bisection, runner=runner, commits=commits)

    @property
    def failure_text(self) -> str:
        """What the bad end is guilty of, in words; "" where that is not known."""
        return kind_label(*self.failure) if self.failure is not None else ""

    async def observe(self, commit: str) -> RunReport:
        """Run a commit once, or take a run that was recorded and not noted.

        Raises:
            InfrastructureError: the machine failed: nothing is said about the commit.
        """
        directory = self.bisection.directory
        sources = git.below(self.bisection.repo, commit, directory)
        if not sources:
            because = reasons.no_module(directory)
            skip = Observation(commit=commit, term=BisectTerm.SKIP, because=because)
            return RunReport(observation=skip, seconds=0.0, build_seconds=0.0)
        kernel = self.commits.kernel(commit) if self.commits is not None else None
        return await self._run(commit, kernel_name(commit), sources, kernel)

    async def observe_without(self, commit: str) -> RunReport | None:
        """Run the bad end with the fix, or else with a commit taken back; None on conflicts."""
        bad, directory = self.bisection.span.bad, self.bisection.directory
        fix = self.bisection.fix_file if self.bisection.fix is not None else None
        name = _FIXED if fix is not None else _REVERTED
        if self.commits is None:
            repo = self.bisection.repo
            sources = (
                tree_with_fix(repo, bad, fix, directory)
                if fix is not None
                else tree_without(repo, commit, bad, directory)
            )
            return await self._run("", name, sources) if sources is not None else None
        kernel = (
            self.commits.with_fix(bad, fix)
            if fix is not None
            else self.commits.without(commit, bad)
        )
        return await self._run("", name, {}, kernel) if kernel is not None else None

    def recall(self, runs: Sequence[Observation]) -> None:
        """Go through noted runs again, so that the next trial of each commit is known."""
        for run in runs:
            if not run.imported:
                verdict = self.runner.recorded_verdict(kernel_name(run.commit))
                if verdict is not None:
                    self._observation(run.commit, verdict)

    async def _run(
        self, commit: str, name: str, sources: ModuleSources, kernel: GitKernel | None = None
    ) -> RunReport:
        """Run sources that may belong to no commit, under a kernel's name."""
        begin = time.monotonic()
        try:
            verdict = await self.runner.next_verdict(name, sources, kernel)
            observation = self._observation(commit, verdict)
        except RequestError as error:
            because = reasons.no_build(error.problems[0].what)
            observation = Observation(commit=commit, term=BisectTerm.SKIP, because=because)
        return RunReport(
            observation=observation,
            seconds=round(time.monotonic() - begin, 1),
            build_seconds=round(self.runner.build_seconds, 1),
        )

    def _observation(self, commit: str, verdict: CellVerdict) -> Observation:
        """Return what a verdict says of the bug; the bad end's first one says what that is."""
        term, because = BisectTerm.SKIP, reasons.verdict(verdict)
        if verdict.verdict in FLAT_FLOORS:
            term = BisectTerm.GOOD
        elif verdict.verdict.is_guilty:
            if self.failure is None and commit == self.bisection.span.bad:
                self.failure = kind(verdict)
                self.incident = verdict.incident.text if verdict.incident is not None else ""
                if (grew := grown_objects(verdict.because)) is not None:
                    self.runner.known = frozenset(grew.counts)
                else:
                    self.runner.good = None  # what else some commit leaves is another failure
            if kind(verdict) == self.failure:
                term = BisectTerm.BAD
            else:
                because = reasons.other_failure(verdict)
        return Observation(commit=commit, term=term, because=because)
