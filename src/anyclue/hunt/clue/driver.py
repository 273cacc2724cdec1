"""The clue of a run: made from its verdicts, its probes and the sources that it keeps."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace

from anyclue.hunt.clue.assembly import assemble_clue
from anyclue.hunt.clue.model import Clue, Conjunction
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
from anyclue.hunt.localise.symptoms import AccusedKernel, accused_kernel, symptoms_of
from anyclue.hunt.minimise.follow_up import FollowUps, read_follow_ups
from anyclue.hunt.model import Gap
from anyclue.hunt.probes.run import read_readings
from anyclue.hunt.render.clues_json import clue_from_json, clues_json
from anyclue.hunt.render.verdict_words import open_factors
from anyclue.hunt.select.factors import gravest
from anyclue.hunt.select.isolation import smallest_conjunction, undecided_factors
from anyclue.hunt.suspects.model import TheoryContext
from anyclue.model.errors import RequestError
from anyclue.recordings.run_directory import RunDirectory
from anyclue.system.files import write_whole
from anyclue.trial.context import Context

log = logging.getLogger(__name__)

CLUES = "clues.json"
_ANEW = "anyclue clue RUN makes it anew"


async def remake_clue(judged: JudgedRun, context: Context) -> Clue:
    """Make the clue of a judged run anew, with the follow-ups that the run holds.

    Raises:
        RequestError: ``probes.json`` is damaged.
    """
    return await make_clue(judged, context, await read_follow_ups(judged))


async def make_clue(judged: JudgedRun, context: Context, follow_ups: FollowUps) -> Clue:
    """Make the clue of a judged run, and write ``clues.json``.

    Sources of the kernels that the run does not keep yet are put into it.

    Raises:
        RequestError: ``probes.json`` is damaged.
    """
    commit = read_accused(judged.run)
    findings = judged.findings
    of = commit.accused_kernel(findings) if commit is not None else accused_kernel(findings)
    sources = None
    if of is not None:
        sources = read_kept(judged.run, judged.scenario, of)
        if sources is None:
            sources = await keep_sources(judged.run, judged.scenario, of, context)
    commits = commit.commits() if commit is not None else None
    if commits is None and of is not None:
        commits = commit_range(judged.scenario, of)
    clue = _clue(judged, of, sources, follow_ups, commits)
    text = clues_json(clue, title=judged.scenario.title, verdicts=_verdicts(judged.run))
    write_whole(judged.run.file(CLUES), text)
    return clue


def clue_of(judged: JudgedRun) -> Clue:
    """Return the clue that goes with a run's verdicts: as it was made, or else without places."""
    stored = read_clue(judged)
    if stored is not None:
        return stored
    context = _context(judged, accused_kernel(judged.findings))
    gaps = [Gap.NO_PLACES] if context.guilty else []
    return assemble_clue(context, gaps, conjunction=_conjunction(judged))


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


def _context(judged: JudgedRun, of: AccusedKernel | None) -> TheoryContext:
    return TheoryContext(
        scenario=judged.scenario,
        findings=judged.findings,
        accused=of,
        scenario_file=judged.run.scenario.name,
    )


def _clue(
    judged: JudgedRun,
    of: AccusedKernel | None,
    sources: KeptSources | None,
    follow_ups: FollowUps,
    commits: KernelCommits | None,
) -> Clue:
    readings = read_readings(judged.run)
    conjunction = _conjunction(judged, follow_ups)
    context = replace(_context(judged, of), readings=readings)
    gaps: list[Gap | str] = [*_gaps(context, follow_ups)]
    if of is not None and sources is not None:
        log.info("looking for the place in %s", sources.directory)
        module = _module(judged.run, of, sources)
        gaps += sources.notes
        if module is not None:
            symptoms = symptoms_of(of, judged.findings, judged.scenario, conjunction, readings)
            ranked = rank_functions(module, symptoms)
            if commits is not None:
                ranked = commits.with_commits(ranked, module.functions)
            context = replace(context, ranked=ranked, functions=module.functions)
            gaps += [] if module.compared else [Gap.NO_GOOD_SOURCE]
        names = suspected_commits(judged.scenario)
        context = replace(
            context,
            alone=sources.alone,
            directory=sources.directory,
            commits=commits.membership(names) if commits is not None else {},
        )
    return assemble_clue(
        context,
        gaps,
        conjunction=conjunction,
        commit=commits.first_bad if commits is not None else None,
        dose=follow_ups.dose,
        reproducer=follow_ups.reproducer,
    )


def _gaps(context: TheoryContext, follow_ups: FollowUps) -> list[Gap]:
    if not context.guilty:
        return [Gap.SURGE] if gravest(context.findings.cells) else []
    if follow_ups.reproducer is None:
        return [Gap.NO_REPRODUCER]
    return [] if follow_ups.reproducer.script else [Gap.NO_SCRIPT]


def _module(run: RunDirectory, of: AccusedKernel, sources: KeptSources) -> ModuleSource | None:
    if of.bad not in sources.kernels:
        return None
    good = sources_path(run, of.good) if of.good in sources.kernels and of.good else None
    bad = sources_path(run, of.bad)
    return read_module(good, bad, sources.directory, alone=sources.alone)


def _conjunction(judged: JudgedRun, follow_ups: FollowUps | None = None) -> Conjunction | None:
    """Return the smallest conjunction, with the options that were isolated by follow-ups."""
    scenario = judged.scenario
    what = judged.findings.cells, scenario.combinations, scenario.references
    found = smallest_conjunction(*what)
    if found is None:
        return None
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
