"""The bisection itself: the next run is chosen, made and noted, until the end is proven."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from anyclue.bisect.core import journal
from anyclue.bisect.core.git_bisect_log import write_log
from anyclue.bisect.core.model import BisectionStatus, BisectTerm, CommitEvidence, Observation
from anyclue.bisect.core.result import (
    BisectionResult,
    NamedCommit,
    RevertProof,
    RunReport,
)
from anyclue.bisect.core.search import RunPurpose, Search, SearchState
from anyclue.bisect.core.spine import staged_search
from anyclue.bisect.request import Bisection
from anyclue.bisect.run.evidence import EvidenceProcess, EvidenceRequest, stack_evidence
from anyclue.bisect.run.observer import Observer, kernel_name
from anyclue.git import repository as git
from anyclue.git.history import commits
from anyclue.hunt.clue.driver import clue_of, remake_clue
from anyclue.hunt.clue.model import Clue
from anyclue.hunt.judge import JudgedRun, judge, write_reports, write_verdicts
from anyclue.hunt.localise.commits import AccusedCommit, write_accused
from anyclue.model.errors import InfrastructureError
from anyclue.report.text import clean
from anyclue.system.files import disk_errors, write_whole
from anyclue.trial.context import Context

log = logging.getLogger(__name__)

MAX_SKIPS: Final = 4
"""So many runs of a commit in a row that say nothing are too many."""


async def bisect(bisection: Bisection, context: Context) -> BisectionResult:
    """Run until one commit, or a range, is accused and proven, or nothing more can be learnt.

    Raises:
        InfrastructureError: the machine failed; what was noted stays, and can be resumed.
    """
    observer = Observer.of(bisection, context)
    noted = bisection.journal.runs
    _cut(bisection)
    observer.recall(noted)
    request = EvidenceRequest(
        repo=bisection.repo,
        span=bisection.span,
        directory=bisection.directory,
        mount=bisection.scenario.mount[bisection.cell.mount],
    )
    with EvidenceProcess(request) as gathering:
        ended = await _search(bisection, observer, gathering)
    state = ended.search.state
    proof = None
    if state.status is BisectionStatus.FOUND:
        proof = await _prove_by_revert(bisection, observer, state.accused[0])
    runs = (*(RunReport(observation=one) for one in noted if not one.imported), *ended.runs)
    named = dict.fromkeys([*(one.observation.commit for one in runs), *state.accused])
    subjects = {one.id: one.title for one in commits(bisection.repo, list(named))}
    write_whole(bisection.run.file("bisect.log"), write_log(ended.search, subjects))
    clue = await report(bisection, state, context)
    return BisectionResult(
        status=state.status,
        accused=tuple(NamedCommit(commit=one, subject=subjects[one]) for one in state.accused),
        confidence=state.confidence,
        commits=len(bisection.span.commits),
        cell=".".join(bisection.cell.conditions),
        failure=observer.failure_text,
        runs=runs,
        proof=proof,
        run=str(bisection.run.path),
        places=clue.places,
    )


@dataclass(frozen=True, kw_only=True)
class _EndedSearch:
    """A search that has nothing to run next, and the runs of this session."""

    search: Search
    runs: Sequence[RunReport]


async def _search(
    bisection: Bisection, observer: Observer, gathering: EvidenceProcess
) -> _EndedSearch:
    """Run until there is nothing to run next.

    Evidence is gathered while guests verify the ends, which does not depend on it.
    """
    noted = bisection.journal
    evidence, seen = noted.evidence, list(noted.runs)
    ends = (bisection.span.bad, *bisection.span.good)
    runs: list[RunReport] = []
    if evidence is None:
        gathering.start()

    def search() -> Search:
        return staged_search(
            bisection.span, noted.settings, evidence=evidence or (), observations=seen
        )

    while (following := (found := search()).state.next) is not None:
        commit, purpose = following.commit, following.purpose
        if evidence is None and (purpose is not RunPurpose.ENDS or commit not in ends):
            evidence = (*await gathering.result(), *await _stack_evidence(bisection, observer))
            _note(bisection, journal.evidence_line(evidence))
            continue
        _check_progress(seen, commit)
        run = await observer.observe(commit)
        because = clean(run.observation.because)
        _note(bisection, journal.run_line(replace(run.observation, because=because)))
        seen.append(run.observation)
        runs.append(run)
        number, term = sum(not one.imported for one in seen), run.observation.term
        log.info("run %d (%s): %s is %s: %s", number, purpose, commit[:12], term, because)
    return _EndedSearch(search=found, runs=runs)


async def _stack_evidence(bisection: Bisection, observer: Observer) -> Sequence[CommitEvidence]:
    """Return what the stack of the bad end's break says; nothing of a leak, which has none."""
    if not observer.incident:
        return ()
    where = (bisection.repo, bisection.span, bisection.directory)
    return await asyncio.to_thread(stack_evidence, *where, observer.incident)


def _check_progress(seen: Sequence[Observation], commit: str) -> None:
    """Check that a commit which could be judged once does not fail to be again and again."""
    last = [one.term for one in seen if one.commit == commit][-MAX_SKIPS:]
    if len(last) == MAX_SKIPS and set(last) == {BisectTerm.SKIP}:
        raise InfrastructureError(
            f"{commit[:12]} could not be judged {MAX_SKIPS} times in a row",
            next_step="its recordings are in the run directory: anyclue report shows them",
        )


async def _prove_by_revert(bisection: Bisection, observer: Observer, commit: str) -> RevertProof:
    """Run the bad end without the accused commit, or with the fix, as often as a proof needs."""
    fix = bisection.fix.name if bisection.fix is not None else ""
    made = f"with {fix}" if fix else f"without {commit[:12]}"
    terms: list[BisectTerm] = []
    because = ""
    for _ in range(bisection.journal.settings.repeats):
        run = await observer.observe_without(commit)
        if run is None:
            break
        terms.append(run.observation.term)
        because = run.observation.because
        log.info("%s: %s: %s", clean(made), run.observation.term, clean(because))
    return RevertProof(terms=tuple(terms), because=because, fix=fix)


async def report(bisection: Bisection, state: SearchState, context: Context) -> Clue:
    """Write the run's reports; return the clue at their head.

    When one commit is accused, the clue has the place in the source.
    """
    judged = judge(bisection.run)
    write_verdicts(judged)
    accused = _accused(bisection, state, judged)
    if accused is None:
        clue = clue_of(judged)
    else:
        write_accused(bisection.run, accused)
        clue = await remake_clue(judged, context)
    write_reports(judged, clue)
    return clue


def _accused(bisection: Bisection, state: SearchState, judged: JudgedRun) -> AccusedCommit | None:
    """Return the accused commit beside the first of its parents that ran; None without one."""
    if state.status is not BisectionStatus.FOUND:
        return None
    kernels = {one.cell.kernel for one in judged.findings.cells}
    commit = state.accused[0]
    parents = [p for p in git.parents(bisection.repo, commit) if kernel_name(p) in kernels]
    if not parents or kernel_name(commit) not in kernels:
        return None
    return AccusedCommit(
        repository=str(bisection.repo.at),
        commit=commit,
        kernel=kernel_name(commit),
        parent=parents[0],
        innocent=kernel_name(parents[0]),
    )


def _cut(bisection: Bisection) -> None:
    """Take away a last line that was cut short."""
    file = bisection.journal_file
    with disk_errors(file):
        text = file.read_text()
        if len(text) > bisection.journal.length:
            write_whole(file, text[: bisection.journal.length])


def _note(bisection: Bisection, line: str) -> None:
    file = bisection.journal_file
    with disk_errors(file), file.open("a") as journal_file:
        journal_file.write(line)
        journal_file.flush()
        os.fsync(journal_file.fileno())
