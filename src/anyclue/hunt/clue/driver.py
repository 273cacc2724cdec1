"""The clue of a run: made from its verdicts, its probes and the sources that it keeps."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace

from anyclue.hunt.clue.assembly import assembled
from anyclue.hunt.clue.model import Clue, Conjunction
from anyclue.hunt.judge import JudgedRun
from anyclue.hunt.localise.accused_commit import noted
from anyclue.hunt.localise.cells import Accused, accused, case
from anyclue.hunt.localise.commits import KernelCommits, history, suspected
from anyclue.hunt.localise.core.evidence import ModuleSource
from anyclue.hunt.localise.core.rank import Ranked, rank
from anyclue.hunt.localise.kept_sources import Kept, keep, kept, place
from anyclue.hunt.localise.module_sources import read_module
from anyclue.hunt.minimise.follow_up import Followed, follow
from anyclue.hunt.probes.run import readings_of
from anyclue.hunt.render.clues_json import clue_from_json, clues_json
from anyclue.hunt.select.conjunction import smallest_conjunction
from anyclue.hunt.suspects.ruling import TheoryContext
from anyclue.model.errors import RequestError
from anyclue.recordings.run_directory import RunDirectory
from anyclue.system.files import write_whole
from anyclue.trial.context import Context

log = logging.getLogger(__name__)

CLUES = "clues.json"
_ANEW = "anyclue clue RUN makes it anew"


async def make(judged: JudgedRun, context: Context) -> Clue:
    """Make the clue of a judged run, and write ``clues.json``.

    Sources of the kernels that the run does not keep yet are put into it; of the follow-ups, those
    count that it holds.

    Raises:
        RequestError: ``probes.json`` is damaged.
    """
    commit = noted(judged.run)
    of = commit.accused(judged.findings) if commit is not None else accused(judged.findings)
    sources = None
    if of is not None:
        sources = kept(judged.run, judged.scenario, of)
        if sources is None:
            sources = await keep(judged.run, judged.scenario, of, context)
    commits = commit.history() if commit is not None else None
    if commits is None and of is not None:
        commits = history(judged.scenario, of)
    clue = _made(judged, of, sources, await follow(judged, None), commits)
    text = clues_json(clue, title=judged.scenario.title, verdicts=_verdicts(judged.run))
    write_whole(judged.run.file(CLUES), text)
    return clue


def told(judged: JudgedRun) -> Clue:
    """Return the clue that goes with a run's verdicts: as it was made, or else without places."""
    before = stored(judged)
    if before is not None:
        return before
    hearing = TheoryContext(
        scenario=judged.scenario,
        findings=judged.findings,
        accused=accused(judged.findings),
        scenario_file=judged.run.scenario.name,
    )
    notes = ["places were not looked for: anyclue clue RUN does that"] if hearing.guilty else []
    return assembled(hearing, notes, conjunction=_conjunction(judged))


def stored(judged: JudgedRun) -> Clue | None:
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


def _made(
    judged: JudgedRun,
    of: Accused | None,
    sources: Kept | None,
    followed: Followed,
    commits: KernelCommits | None,
) -> Clue:
    scenario, findings = judged.scenario, judged.findings
    readings = readings_of(judged.run)
    conjunction = _conjunction(judged, followed)
    hearing = TheoryContext(
        scenario=scenario,
        findings=findings,
        accused=of,
        readings=readings,
        scenario_file=judged.run.scenario.name,
    )
    notes: tuple[str, ...] = _unfinished(followed) if hearing.guilty else ()
    if of is not None and sources is not None:
        log.info("looking for the place in %s", sources.directory)
        module = _module(judged.run, of, sources)
        ranked = Ranked()
        if module is not None:
            what = case(of, findings, scenario, conjunction, readings)
            ranked = _with_commits(rank(module, what), module, commits)
        notes += sources.notes
        if module is not None and not module.compared:
            notes += ("places: there is no good source to compare the bad one with",)
        hearing = replace(
            hearing,
            ranked=ranked,
            functions=module.functions if module is not None else (),
            alone=sources.alone,
            directory=sources.directory,
            commits=commits.suspected(suspected(scenario)) if commits is not None else {},
        )
    return assembled(
        hearing,
        notes,
        conjunction=conjunction,
        commit=commits.first_bad if commits is not None else None,
        dose=followed.dose,
        reproducer=followed.reproducer,
    )


def _unfinished(followed: Followed) -> tuple[str, ...]:
    if followed.reproducer is None:
        return ("a smaller form was not looked for, or not to the end: no reproducer",)
    if not followed.reproducer.script:
        return ("reproducer: no script was seen to leak in the same way",)
    return ()


def _module(run: RunDirectory, of: Accused, sources: Kept) -> ModuleSource | None:
    if of.bad not in sources.kernels:
        return None
    good = place(run, of.good) if of.good is not None and of.good in sources.kernels else None
    bad = place(run, of.bad)
    return read_module(good, bad, sources.directory, alone=sources.alone)


def _with_commits(ranked: Ranked, module: ModuleSource, commits: KernelCommits | None) -> Ranked:
    return commits.named(ranked, module.functions) if commits is not None else ranked


def _conjunction(judged: JudgedRun, followed: Followed | None = None) -> Conjunction | None:
    """Return the smallest conjunction, with the options that were isolated by follow-ups."""
    scenario = judged.scenario
    found = smallest_conjunction(judged.findings.cells, scenario.combinations, scenario.references)
    if found is None or followed is None:
        return found
    conditions = tuple(
        replace(one, option=followed.options.get(one.axis, "")) for one in found.conditions
    )
    return replace(found, conditions=conditions)


def _verdicts(run: RunDirectory) -> str:
    try:
        return hashlib.sha256(run.file("verdicts.json").read_bytes()).hexdigest()
    except OSError:
        return ""
