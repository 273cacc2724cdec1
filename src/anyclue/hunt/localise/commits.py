"""What the repository of both kernels knows: who changed a function, who has a commit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from anyclue.git import repository as git
from anyclue.git.blame import function_changes
from anyclue.git.history import commits
from anyclue.git.model import CommitSubject, Repository
from anyclue.hunt.clue.model import Place, TouchedBy
from anyclue.hunt.localise.cells import Accused
from anyclue.hunt.localise.core.evidence import FunctionSource
from anyclue.hunt.localise.core.rank import Ranked
from anyclue.hunt.suspects.ruling import CommitKnown
from anyclue.model.errors import RequestError
from anyclue.model.scenario import GitKernel, OfCommit, Scenario

ASKED = 3
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

    def suspected(self, names: Iterable[str]) -> dict[str, CommitKnown]:
        """Return which of the commits that a user suspects are known, and who has them."""
        found = {}
        for name in names:
            try:
                commit = git.commit(self._repo, name)
                parents = git.parents(self._repo, commit)
                found[name] = CommitKnown(
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
    def first_bad(self) -> TouchedBy | None:
        """The first bad commit, where a bisection proved one."""
        if not self._proven:
            return None
        because = "bisection proved it to be the first bad commit"
        subject = self._subject(self._bad)
        return TouchedBy(commit=self._bad, subject=subject, because=because, accused=True)

    def named(self, ranked: Ranked, functions: Iterable[FunctionSource]) -> Ranked:
        """Return the places with the commits that changed them, of the first few."""
        if self._good is None:
            return ranked
        alone = self._good in git.parents(self._repo, self._bad)
        changed = {(o.path, o.name): (o.line, o.last_line) for o in functions if o.changed}
        found = [
            replace(place, commits=self._of(place, changed[place.path, place.function], alone))
            if number < ASKED and (place.path, place.function) in changed
            else place
            for number, place in enumerate(ranked.places)
        ]
        return replace(ranked, places=tuple(found))

    def _of(self, place: Place, lines: tuple[int, int], alone: bool) -> tuple[TouchedBy, ...]:
        if (first_bad := self.first_bad) is not None:
            return (first_bad,)
        assert self._good is not None  # noqa: S101 - asked above
        known = function_changes(self._repo, self._good, self._bad, place.path, lines)
        return tuple(self._touched(one, len(known), alone) for one in known)

    def _touched(self, one: CommitSubject, number: int, alone: bool) -> TouchedBy:
        only = alone and one.id == self._bad
        because = f"it is one of {number} that changed the function between the kernels"
        if number == 1:
            because = "it is the only one that changed the function between the kernels"
        if only:
            because = "it is all that lies between the kernels"
        return TouchedBy(commit=one.id, subject=one.subject, because=because, accused=only)

    def _subject(self, commit: str) -> str:
        return commits(self._repo, [commit])[0].message.partition("\n")[0]

    def _has(self, kernel: str | None, commit: str) -> bool:
        return kernel is not None and git.merge_base(self._repo, kernel, commit) == commit


def history(scenario: Scenario, of: Accused) -> KernelCommits | None:
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


def suspected(scenario: Scenario) -> list[str]:
    """Return the commits that the scenario's theories are about."""
    return [one.about.commit for one in scenario.suspects if isinstance(one.about, OfCommit)]
