"""The bisection itself: the next run is chosen, made and noted, until the end is proven."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from dataclasses import replace

from anyclue.bisect.core import journal
from anyclue.bisect.core.git_bisect_log import write_log
from anyclue.bisect.core.model import (
    Bisected,
    BisectionStatus,
    CommitEvidence,
    Named,
    Observation,
    Reverted,
    RunReport,
    Shown,
    Why,
)
from anyclue.bisect.core.search import Search
from anyclue.bisect.core.spine import stage
from anyclue.bisect.request import Bisection
from anyclue.bisect.run.evidence import EvidenceSources
from anyclue.bisect.run.observer import Observer
from anyclue.bisect.run.reports import report
from anyclue.bisect.run.stack_evidence import on_stack
from anyclue.git.history import commits
from anyclue.model.errors import InfrastructureError
from anyclue.report.text import clean
from anyclue.system.files import disk_errors, write_whole
from anyclue.trial.context import Context

log = logging.getLogger(__name__)

SKIPS = 4
"""So many runs of a commit in a row that say nothing are too many."""

REVERTED, MENDED = "reverted", "mended"
"""The kernel's name of the bad end without the accused commit, and with the fix."""


async def bisect(bisection: Bisection, context: Context) -> Bisected:
    """Run until one commit, or a range, is accused and proven, or nothing more can be learnt.

    Raises:
        InfrastructureError: the machine failed; what was noted stays, and can be resumed.
    """
    observer = Observer.of(bisection, context)
    kept = bisection.journal
    _cut(bisection)
    observer.recall(kept.runs)
    with EvidenceSources(
        bisection.repo,
        bisection.span,
        bisection.directory,
        bisection.scenario.mount[bisection.conditions.mount],
    ) as gathering:
        search, steps = await _search(bisection, observer, gathering)
    status = search.status
    proof = None
    if status.standing is BisectionStatus.FOUND:
        proof = await _reverted(bisection, observer, status.accused[0])
    runs = (*(RunReport(seen=one) for one in kept.runs if one.made), *steps)
    named = dict.fromkeys([*(one.seen.commit for one in runs), *status.accused])
    subjects = {one.id: one.title for one in commits(bisection.repo, list(named))}
    write_whole(bisection.run.file("bisect.log"), write_log(search, subjects))
    clue = await report(bisection, status, context)
    return Bisected(
        standing=status.standing,
        accused=tuple(Named(commit=one, subject=subjects[one]) for one in status.accused),
        confidence=status.confidence,
        commits=len(bisection.span.commits),
        cell=".".join(bisection.conditions.conditions),
        wanted=observer.guilt,
        runs=runs,
        reverted=proof,
        run=str(bisection.run.path),
        places=clue.places,
    )


async def _search(
    bisection: Bisection, observer: Observer, gathering: EvidenceSources
) -> tuple[Search, list[RunReport]]:
    """Run until there is nothing to run next; return how it ends, and the runs of this session.

    Evidence is gathered while guests verify the ends, which does not depend on it.
    """
    kept = bisection.journal
    evidence, seen = kept.evidence, list(kept.runs)
    ends = (bisection.span.bad, *bisection.span.good)
    steps: list[RunReport] = []
    if evidence is None:
        gathering.begin()

    def staged() -> Search:
        return stage(bisection.span, kept.settings, evidence=evidence or (), seen=seen)

    while (asked := (search := staged()).status.next) is not None:
        if evidence is None and (asked.why is not Why.ENDS or asked.commit not in ends):
            evidence = (*await gathering.known(), *await _of_stacks(bisection, observer))
            _note(bisection, journal.evidence_line(evidence))
            continue
        _check_progress(seen, asked.commit)
        step = await observer.observe(asked.commit)
        _note(bisection, journal.run_line(replace(step.seen, because=clean(step.seen.because))))
        seen.append(step.seen)
        steps.append(step)
        log.info(
            "run %d (%s): %s is %s: %s",
            *(
                sum(one.made for one in seen),
                asked.why.value,
                asked.commit[:12],
                step.seen.shown.value,
            ),
            clean(step.seen.because),
        )
    return search, steps


async def _of_stacks(bisection: Bisection, observer: Observer) -> Sequence[CommitEvidence]:
    """Return what the stack of the bad end's break says; nothing of a leak, which has none."""
    where = (bisection.repo, bisection.span, bisection.directory)
    return await asyncio.to_thread(on_stack, *where, observer.incident) if observer.incident else ()


def _check_progress(seen: Sequence[Observation], commit: str) -> None:
    """Check that a commit which could be judged once does not fail to be again and again."""
    last = [one.shown for one in seen if one.commit == commit][-SKIPS:]
    if len(last) == SKIPS and set(last) == {Shown.SKIP}:
        raise InfrastructureError(
            f"{commit[:12]} could not be judged {SKIPS} times in a row",
            next_step="its recordings are in the run directory: anyclue report shows them",
        )


async def _reverted(bisection: Bisection, observer: Observer, commit: str) -> Reverted:
    shown = []
    because = ""
    fix = bisection.fix.name if bisection.fix is not None else ""
    made = f"with {fix}" if fix else f"without {commit[:12]}"
    for _ in range(bisection.journal.settings.repeats):
        step = await observer.observe_without(commit, MENDED if fix else REVERTED)
        if step is None:
            because = "it does not apply" if fix else "its change cannot be taken back by itself"
            return Reverted(shown=None, because=because, fix=fix)
        shown.append(step.seen.shown)
        because = step.seen.because
        log.info("%s: %s: %s", clean(made), step.seen.shown.value, clean(because))
    worst = next((one for one in (Shown.BAD, Shown.SKIP) if one in shown), Shown.GOOD)
    return Reverted(shown=worst, because=because, runs=len(shown), fix=fix)


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
