"""The clue of a run: made from its verdicts, its probes and the sources that it keeps."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from anyclue.hunt.clue.assembly import FaultFindings, assemble_clue
from anyclue.hunt.clue.model import Clue, Conjunction
from anyclue.hunt.follow_ups import guests_run, probe_steps
from anyclue.hunt.judge import JudgedRun
from anyclue.hunt.localise.commits import (
    KernelCommits,
    commit_range,
    read_accused,
    suspected_commits,
)
from anyclue.hunt.localise.core.model import ModuleSource
from anyclue.hunt.localise.core.rank import rank_functions
from anyclue.hunt.localise.kept_sources import KeptSources, keep_sources, read_kept, sources_path
from anyclue.hunt.localise.module_sources import read_module
from anyclue.hunt.localise.symptoms import (
    AccusedKernel,
    accused_kernels,
    readings_of,
    symptoms_of,
)
from anyclue.hunt.minimise.follow_up import read_follow_ups
from anyclue.hunt.minimise.model import FollowUps
from anyclue.hunt.model import Fault, Gap
from anyclue.hunt.probes.run import read_readings
from anyclue.hunt.render.clue_words import left_out
from anyclue.hunt.render.clues_json import clue_from_json, clues_json
from anyclue.hunt.render.verdict_words import open_factors
from anyclue.hunt.select.faults import of_kernels
from anyclue.hunt.select.isolation import (
    next_cells,
    smallest_conjunction,
    undecided_factors,
)
from anyclue.hunt.suspects.model import TheoryContext
from anyclue.model.errors import RequestError
from anyclue.model.scenario import Cell
from anyclue.model.verdict import Verdict
from anyclue.recordings.run_directory import RunDirectory
from anyclue.system.files import write_whole
from anyclue.trial.context import Context

log = logging.getLogger(__name__)

CLUES = "clues.json"
_ANEW = "anyclue clue RUN makes it anew"
MOST_CELLS: Final = 8
"""So many of the cells that a hunt would run next are told."""
HALF: Final = 0.5
"""A place that is at least so likely tells kernels apart."""


async def remake_clue(judged: JudgedRun, context: Context) -> Clue:
    """Make the clue of a judged run anew, with the follow-ups that the run holds.

    Raises:
        RequestError: ``probes.json`` is damaged.
    """
    return await make_clue(judged, context, await read_follow_ups(judged))


async def make_clue(judged: JudgedRun, context: Context, follow_ups: Sequence[FollowUps]) -> Clue:
    """Make the clue of a judged run, and write ``clues.json``; follow-ups are of each fault.

    Sources of the kernels that the run does not keep yet are put into it.

    Raises:
        RequestError: ``probes.json`` is damaged.
    """
    found: list[FaultFindings] = []
    for fault, followed_up in zip(judged.findings.faults, follow_ups, strict=True):
        found += await _of_fault(judged, fault, followed_up, context)
    readings = read_readings(judged.run)
    found = found or [FaultFindings(context=replace(_context(judged), readings=readings))]
    findings = replace(
        judged.findings, faults=tuple(one.context.fault for one in found if one.context.fault)
    )
    found = [replace(one, context=replace(one.context, findings=findings)) for one in found]
    clue = assemble_clue(found, readings, _left_out(judged, follow_ups))
    text = clues_json(clue, title=judged.scenario.title, verdicts=_verdicts(judged.run))
    write_whole(judged.run.file(CLUES), text)
    return clue


def _left_out(judged: JudgedRun, follow_ups: Sequence[FollowUps]) -> tuple[str, ...]:
    faults, cells = judged.findings.faults, _cells_left(judged)
    steps = [*probe_steps(judged), *(step for one in follow_ups for step in one.left)]
    ran = [guests_run(judged, fault) for fault in faults]
    return left_out(steps, cells, faults, run=str(judged.run.path), guests_run=ran)


def _cells_left(judged: JudgedRun) -> tuple[Cell, ...]:
    """Return the cells that a hunt would run next."""
    scenario = judged.scenario
    return next_cells(scenario.candidates, scenario.references, judged.findings.cells, MOST_CELLS)


def clue_of(judged: JudgedRun) -> Clue:
    """Return the clue that goes with a run's verdicts: as it was made, or else without places."""
    stored = read_clue(judged)
    if stored is not None:
        return stored
    found = [
        FaultFindings(
            context=_context(judged, fault, next(iter(accused_kernels(fault)), None)),
            gaps=(Gap.NO_PLACES,) if fault.verdict is not Verdict.SURGE else (),
            conjunction=_conjunction(judged, fault),
        )
        for fault in judged.findings.faults
    ]
    cells = _cells_left(judged)
    left = left_out((), cells, judged.findings.faults, run=str(judged.run.path), guests_run=())
    return assemble_clue(found or [FaultFindings(context=_context(judged))], left_out=left)


def read_clue(judged: JudgedRun) -> Clue | None:
    """Return the clue that was made of these very verdicts; None where there is none."""
    try:
        clue, verdicts = clue_from_json(judged.run.file(CLUES).read_text())
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, RequestError):
        log.warning("%s is damaged, and left out: %s", CLUES, _ANEW)
        return None
    if verdicts != _verdicts(judged.run):
        log.warning("%s is of other verdicts, and left out: %s", CLUES, _ANEW)
        return None
    return clue


def _context(
    judged: JudgedRun, fault: Fault | None = None, of: AccusedKernel | None = None
) -> TheoryContext:
    return TheoryContext(
        scenario=judged.scenario,
        findings=judged.findings,
        fault=fault,
        accused=of,
        scenario_file=judged.run.scenario.name,
    )


async def _of_fault(
    judged: JudgedRun, fault: Fault, follow_ups: FollowUps, context: Context
) -> list[FaultFindings]:
    """Return what is known of a fault; of several, where kernels have different places for it."""
    accused = read_accused(judged.run)
    kernels, commits = accused_kernels(fault), None
    if accused is not None:
        proven = accused.accused_kernel(fault)
        kernels, commits = (proven,) if proven is not None else (), accused.commits()
    looked_into = [await _look_into(judged, fault, of, context, commits) for of in kernels]
    if not looked_into:
        return [_findings(judged, fault, _context(judged, fault), (), None, follow_ups)]
    groups: list[list[_LookedInto]] = []
    for one in looked_into:
        alike = (group for group in groups if not _elsewhere(group[0], one))
        if (group := next(alike, None)) is not None:
            group.append(one)
        else:
            groups.append([one])
    found = []
    for group in groups:
        names = [one.context.accused.bad for one in group if one.context.accused is not None]
        own = fault if len(groups) == 1 else of_kernels(fault, names)
        first = group[0]
        known = follow_ups if group is groups[0] else FollowUps()
        at = replace(first.context, fault=own)
        gaps = tuple(dict.fromkeys(gap for one in group for gap in one.gaps))
        found.append(_findings(judged, own, at, gaps, first.commits, known))
    return found


def _elsewhere(one: _LookedInto, other: _LookedInto) -> bool:
    """Say whether two kernels are likely to have different places for what they both show."""
    first, second = (next(iter(each.context.ranked.places), None) for each in (one, other))
    if first is None or second is None or min(first.probability, second.probability) < HALF:
        return False
    return (first.function, first.path) != (second.function, second.path)


@dataclass(frozen=True, kw_only=True)
class _LookedInto:
    """One kernel that shows a fault, with its sources looked into."""

    context: TheoryContext
    gaps: tuple[Gap | str, ...]
    commits: KernelCommits | None


async def _look_into(
    judged: JudgedRun,
    fault: Fault,
    of: AccusedKernel,
    context: Context,
    commits: KernelCommits | None,
) -> _LookedInto:
    run, scenario = judged.run, judged.scenario
    sources = read_kept(run, scenario, of) or await keep_sources(run, scenario, of, context)
    commits = commits or commit_range(scenario, of)
    readings = readings_of(fault, judged.findings.faults, read_readings(run))
    theories = replace(_context(judged, fault, of), readings=readings)
    gaps: list[Gap | str] = [*sources.notes]
    log.info("looking for the place in %s", sources.directory)
    if (module := _module(run, of, sources)) is not None:
        conjunction = _conjunction(judged, fault)
        ranked = rank_functions(module, symptoms_of(of, fault, scenario, conjunction, readings))
        if commits is not None:
            ranked = commits.with_commits(ranked, module.functions)
        theories = replace(theories, ranked=ranked, functions=module.functions)
        gaps += [] if module.compared else [Gap.NO_GOOD_SOURCE]
    names = suspected_commits(scenario)
    theories = replace(
        theories,
        alone=sources.alone,
        directory=sources.directory,
        commits=commits.membership(names) if commits is not None else {},
    )
    return _LookedInto(context=theories, gaps=tuple(gaps), commits=commits)


def _findings(
    judged: JudgedRun,
    fault: Fault,
    context: TheoryContext,
    gaps: Sequence[Gap | str],
    commits: KernelCommits | None,
    follow_ups: FollowUps,
) -> FaultFindings:
    return FaultFindings(
        context=context,
        gaps=(*_gaps(context, follow_ups), *gaps),
        conjunction=_conjunction(judged, fault, follow_ups),
        commit=commits.first_bad if commits is not None else None,
        follow_ups=follow_ups,
    )


def _gaps(context: TheoryContext, follow_ups: FollowUps) -> list[Gap]:
    if not context.guilty:
        return [Gap.SURGE] if context.fault is not None else []
    if follow_ups.reproducer is None:
        return [Gap.NO_REPRODUCER]
    return [] if follow_ups.reproducer.script else [Gap.NO_SCRIPT]


def _module(run: RunDirectory, of: AccusedKernel, sources: KeptSources) -> ModuleSource | None:
    if of.bad not in sources.kernels:
        return None
    good = sources_path(run, of.good) if of.good in sources.kernels and of.good else None
    bad = sources_path(run, of.bad)
    return read_module(good, bad, sources.directory, alone=sources.alone)


def _conjunction(
    judged: JudgedRun, fault: Fault, follow_ups: FollowUps | None = None
) -> Conjunction:
    """Return the smallest conjunction, with the options that were isolated by follow-ups."""
    what = fault, judged.scenario.combinations, judged.scenario.references
    found = smallest_conjunction(*what)
    options = follow_ups.options if follow_ups is not None else {}
    return replace(
        found,
        because="; ".join(open_factors(undecided_factors(*what))),
        conditions=tuple(
            replace(one, option=options.get(one.axis, "")) for one in found.conditions
        ),
    )


def _verdicts(run: RunDirectory) -> str:
    try:
        return hashlib.sha256(run.file("verdicts.json").read_bytes()).hexdigest()
    except OSError:
        return ""
