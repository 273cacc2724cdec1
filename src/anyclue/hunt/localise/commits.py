"""The commits of the kernels: who changed a function, who has a commit, what bisection accused."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from anyclue.git import repository as git
from anyclue.git.blame import function_changes
from anyclue.git.history import commits
from anyclue.git.model import CommitSubject, Repository
from anyclue.hunt.clue.model import ChangingCommit, Place
from anyclue.hunt.localise.core.model import CommitMembership, FunctionSource
from anyclue.hunt.localise.core.rank import Ranking
from anyclue.hunt.localise.symptoms import AccusedKernel
from anyclue.hunt.model import Fault
from anyclue.hunt.render import evidence_words
from anyclue.model.errors import RequestError
from anyclue.model.scenario import GitKernel, OfCommit, Scenario
from anyclue.model.verdict import Verdict
from anyclue.recordings.run_directory import RunDirectory
from anyclue.system.files import write_whole

log = logging.getLogger(__name__)

SCHEMA: Final = "anyclue.accused/1"
FILE: Final = "accused.json"
MOST_BLAMED: Final = 3
"""Of so many places the commits are looked for: each may take seconds."""


class KernelCommits:
    """The commits between two kernels from one repository.

    Args:
        repo: the repository.
        good: the innocent kernel's commit; None without one.
        bad: the guilty kernel's.
        proven: whether a bisection proved that to be the first bad one.
    """

    def __init__(
        self, repo: Repository, good: str | None, bad: str, *, proven: bool = False
    ) -> None:
        self._proven = proven
        self._repo = repo
        self._good = good
        self._bad = bad

    def membership(self, names: Iterable[str]) -> dict[str, CommitMembership]:
        """Return which of the commits that a user suspects are known, and who has them."""
        found = {}
        for name in names:
            try:
                commit = git.commit(self._repo, name)
                parents = git.parents(self._repo, commit)
                found[name] = CommitMembership(
                    commit=commit,
                    subject=self._subject(commit),
                    merge=len(parents) > 1,
                    in_good=self._has(self._good, commit) if self._good else None,
                    in_bad=self._has(self._bad, commit),
                    alone=self._good in parents and commit == self._bad and len(parents) == 1,
                    first_bad=commit == self._bad if self._proven else None,
                )
            except RequestError:
                continue
        return found

    @cached_property
    def first_bad(self) -> ChangingCommit | None:
        """The first bad commit, where a bisection proved one."""
        if not self._proven:
            return None
        because = evidence_words.FIRST_BAD_COMMIT
        subject = self._subject(self._bad)
        return ChangingCommit(commit=self._bad, subject=subject, because=because, accused=True)

    def with_commits(self, ranked: Ranking, functions: Iterable[FunctionSource]) -> Ranking:
        """Return the places with the commits that changed them, of the first few."""
        if self._good is None:
            return ranked
        alone = self._good in git.parents(self._repo, self._bad)
        changed = {(o.path, o.name): (o.line, o.last_line) for o in functions if o.changed}
        found = [
            replace(place, commits=self._of(place, changed[place.path, place.function], alone))
            if number < MOST_BLAMED and (place.path, place.function) in changed
            else place
            for number, place in enumerate(ranked.places)
        ]
        return replace(ranked, places=tuple(found))

    def _of(self, place: Place, lines: tuple[int, int], alone: bool) -> tuple[ChangingCommit, ...]:
        if (first_bad := self.first_bad) is not None:
            return (first_bad,)
        assert self._good is not None  # noqa: S101 - asked above
        known = function_changes(self._repo, self._good, self._bad, place.path, lines)
        return tuple(self._touched(one, len(known), alone) for one in known)

    def _touched(self, one: CommitSubject, number: int, alone: bool) -> ChangingCommit:
        only = alone and one.id == self._bad
        because = evidence_words.changing_commit(number, alone=only)
        return ChangingCommit(commit=one.id, subject=one.subject, because=because, accused=only)

    def _subject(self, commit: str) -> str:
        return commits(self._repo, [commit])[0].message.partition("\n")[0]

    def _has(self, kernel: str | None, commit: str) -> bool:
        return kernel is not None and git.merge_base(self._repo, kernel, commit) == commit


def commit_range(scenario: Scenario, of: AccusedKernel) -> KernelCommits | None:
    """Return the history between the kernels; None where they are not commits of one repository."""
    bad = scenario.kernels[of.bad].source
    good = scenario.kernels[of.good].source if of.good is not None else None
    if not isinstance(bad, GitKernel) or bad.commit is None:
        return None
    same = isinstance(good, GitKernel) and good.repository == bad.repository
    try:
        repo = git.repository(Path(bad.repository))
    except RequestError:
        return None
    return KernelCommits(
        repo, good.commit if isinstance(good, GitKernel) and same else None, bad.commit
    )


def suspected_commits(scenario: Scenario) -> list[str]:
    """Return the commits that the scenario's theories are about."""
    return [one.about.commit for one in scenario.suspects if isinstance(one.about, OfCommit)]


@dataclass(frozen=True, kw_only=True)
class AccusedCommit:
    """What a bisection accused.

    Attributes:
        repository: the repository.
        commit: the commit, and ``kernel`` its kernel's name in the run.
        parent: a parent that was seen to be good, and ``innocent`` its kernel's name.
    """

    repository: str
    commit: str
    kernel: str
    parent: str
    innocent: str
    schema: str = SCHEMA

    def accused_kernel(self, fault: Fault) -> AccusedKernel | None:
        """Return the kernels to look into; None when the commit's does not show the fault."""
        cells = tuple(one for one in fault.cells if one.cell.kernel == self.kernel)
        if not cells or fault.verdict is Verdict.SURGE:
            return None
        return AccusedKernel(bad=self.kernel, good=self.innocent, cells=cells)

    def commits(self) -> KernelCommits | None:
        """Return the commit's history; None where the repository is gone."""
        try:
            repo = git.repository(Path(self.repository))
        except RequestError:
            return None
        return KernelCommits(repo, self.parent, self.commit, proven=True)


_ACCUSED: Final = TypeAdapter(AccusedCommit)


def write_accused(run: RunDirectory, one: AccusedCommit) -> None:
    """Keep what was accused in the run."""
    write_whole(run.file(FILE), _ACCUSED.dump_json(one, indent=2) + b"\n")


def read_accused(run: RunDirectory) -> AccusedCommit | None:
    """Return what the run's bisection accused; None where there is nothing of the kind."""
    try:
        found = _ACCUSED.validate_json(run.file(FILE).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError):
        log.warning("%s is damaged: the clue is not about the commit that was accused", FILE)
        return None
    return found if found.schema == SCHEMA else None
