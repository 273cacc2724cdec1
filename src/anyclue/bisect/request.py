"""What a user asks to be bisected, and the run directory that keeps it."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anyclue.bisect.core import journal
from anyclue.bisect.core.git_bisect_log import BisectLog
from anyclue.bisect.core.journal import BisectJournal
from anyclue.bisect.core.model import Rates, Settings
from anyclue.bisect.run import cells
from anyclue.bisect.run.fixups import Fixup, fixups
from anyclue.bisect.run.imported_log import read, said
from anyclue.bisect.run.revert import mends
from anyclue.git import repository as git
from anyclue.git.dag import dag
from anyclue.git.model import CommitRange
from anyclue.git.repository import Repository
from anyclue.hunt import driver as hunting
from anyclue.model.errors import Problem, RequestError
from anyclue.model.scenario import Cell, Scenario
from anyclue.recordings.run_directory import RunDirectory
from anyclue.scenarios.stored import scenario_from_json
from anyclue.system.files import write_whole
from anyclue.trial.kernels import module_trees as trees

log = logging.getLogger(__name__)

SCHEMA = "anyclue.bisect-run/1"
FIX = "fix.patch"
RATES = Rates(false_bad=0.01, false_good=0.05)
"""How often a run errs, rather too often than too seldom: the judge accuses a good kernel in 0.2 %
of cells, and calls clean what a 95 % interval excludes (``verdicts/decide.py``)."""


@dataclass(frozen=True, kw_only=True)
class BisectRequest:
    """What is to be bisected.

    Attributes:
        tree: a directory of the repository.
        scenario: the scenario with the cell.
        cell: its id; None when the scenario has one set of conditions.
        good: revisions without the bug.
        bad: a revision with it.
        confidence: the probability at which a commit is accused.
        carried: patches and commits to apply where they apply.
        out: the run directory to make; None for one below ``runs``.
        fix: the patch or commit that mends the bad end; None to take back the accused commit.
        log: a file with what ``git bisect log`` printed; its ends count where none are named.
        kernels: from the command line, in place of the scenario's of the same names.
    """

    tree: Path = Path()
    scenario: Path
    cell: str | None
    good: tuple[str, ...] = ()
    bad: str = ""
    confidence: float = 0.99
    carried: tuple[str, ...] = ()
    out: Path | None = None
    fix: str | None = None
    log: Path | None = None
    kernels: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Bisection:
    """A bisection that is ready to run, or to go on.

    Attributes:
        run: its directory.
        repo: the repository.
        span: the commits.
        scenario: the scenario as it was given; its kernels are not those that run.
        kernel: the name of the scenario's kernel whose module is rebuilt.
        conditions: the cell, whatever its kernel.
        directory: the module's directory.
        carried: changes to apply where they apply.
        fix: what mends the bad end; None to take back the accused commit.
        journal: what was seen so far.
    """

    run: RunDirectory
    repo: Repository
    span: CommitRange
    scenario: Scenario
    kernel: str
    conditions: Cell
    directory: str
    carried: tuple[Fixup, ...]
    fix: Fixup | None
    journal: BisectJournal

    @property
    def journal_file(self) -> Path:
        """Where the journal is."""
        return self.run.file("bisection.jsonl")

    @property
    def fix_file(self) -> Path:
        """Where the patch is that mends the bad end."""
        return self.run.file(FIX)


def begin(asked: BisectRequest) -> Bisection:
    """Check a request whole, and make its run directory.

    Raises:
        RequestError: every mistake in it.
    """
    problems: list[Problem] = []
    scenario, text = hunting.planned(asked.scenario, asked.kernels)
    kernel, directory = trees.rebuilt(scenario, asked.scenario, git_too=True)
    cell: Cell | None = None
    try:
        cell = conditions(scenario, asked.scenario, asked.cell)
    except RequestError as error:
        problems += error.problems
    repo = git.repository(asked.tree)
    ids: list[str] = []
    logged = read(asked.log) if asked.log is not None else BisectLog()
    for end in _ends(asked, logged):
        try:
            ids.append(git.commit(repo, end))
        except RequestError as error:
            problems += error.problems
    if not 0.5 < asked.confidence < 1:
        step = "give a probability like 0.99"
        problems.append(Problem(what="--confidence is not between 0.5 and 1", next_step=step))
    carried: tuple[Fixup, ...] = ()
    fix: tuple[Fixup, ...] = ()
    try:
        below = directory if kernel.variant is not None else ""
        carried = fixups(repo, asked.carried, below)
        fix = fixups(repo, (asked.fix,) if asked.fix is not None else (), below)
    except RequestError as error:
        problems += error.problems
    run: RunDirectory | None = None
    try:
        run = hunting.new_run(asked.out, "bisect")
    except RequestError as error:
        problems += error.problems
    if problems or cell is None or run is None:
        raise RequestError(problems)
    bad, *good = ids
    span = dag(repo, good, bad)
    _check_directory(repo, (bad, *good), directory)
    _check_fix(repo, bad, fix)
    log.info("%d commits", len(span.commits))
    settings = Settings(confidence=asked.confidence, rates=RATES)
    cells.begin(run, text, scenario, kernel, cell)
    files = {f"carried/{number}.patch": one for number, one in enumerate(carried)}
    for file, one in (*files.items(), *((FIX, one) for one in fix)):
        write_whole(run.file(file), one.patch)
    about = {
        "schema": SCHEMA,
        "repository": str(repo.at),
        "kernel": kernel.name,
        "directory": directory,
        "carried": [one.name for one in carried],
        "fix": fix[0].name if fix else None,
    }
    write_whole(run.file("bisect.json"), json.dumps(about, indent=1) + "\n")
    known = said(logged, {one.id for one in span.commits})
    if asked.log is not None:
        log.info("%s tells of %d commits of the range", asked.log, len(known))
    lines = (journal.begin(span.good, bad, settings), *map(journal.run_line, known))
    write_whole(run.file("bisection.jsonl"), "".join(lines))
    return again(run.path)


def again(path: Path) -> Bisection:
    """Return the bisection that a run directory holds.

    Raises:
        RequestError: it holds none, or its repository is gone.
    """
    run = RunDirectory(path)
    try:
        about = _about(run)
        text = run.file("bisection.jsonl").read_text()
    except OSError as error:
        what = f"holds no bisection: {error.strerror}"
        raise _wrong(what, str(path), "name the directory that `anyclue bisect` wrote") from error
    kept = journal.read(text)
    scenario = scenario_from_json(run.plan_text(), origin=str(run.plan))
    repo = git.repository(Path(about["repository"]))
    span = dag(repo, kept.good, kept.bad)
    kernel = scenario.kernels[about["kernel"]]
    carried = tuple(
        Fixup(name=name, patch=run.file(f"carried/{number}.patch").read_bytes())
        for number, name in enumerate(about["carried"])
    )
    fix = about.get("fix")
    return Bisection(
        run=run,
        repo=repo,
        span=span,
        scenario=scenario,
        kernel=kernel.name,
        conditions=scenario.cells[0],
        directory=about["directory"],
        carried=carried,
        fix=Fixup(name=fix, patch=run.file(FIX).read_bytes()) if fix else None,
        journal=kept,
    )


def _ends(asked: BisectRequest, logged: BisectLog) -> tuple[str, ...]:
    """Return the ends that a user names, the bad one first; of a log where they are not named."""
    bad, good = asked.bad or logged.bad, asked.good or logged.good
    if bad and good:
        return (bad, *good)
    what = "names no good end" if bad else "names no bad end"
    raise _wrong(what, str(asked.log or "the request"), "give --good REV and --bad REV")


def _about(run: RunDirectory) -> Mapping[str, Any]:
    try:
        about = json.loads(run.file("bisect.json").read_text())
        if about["schema"] == SCHEMA and isinstance(about["repository"], str):
            return dict(about)
    except (ValueError, KeyError, TypeError):
        pass
    raise _wrong("is not what anyclue wrote", str(run.file("bisect.json")), "begin anew")


def conditions(scenario: Scenario, origin: Path, named: str | None) -> Cell:
    """Return the cell that a user names, or the only one; its kernel does not count.

    Raises:
        RequestError: there is no such cell, or none is named and there are several.
    """
    every = {cell.conditions: cell for cell in scenario.cells}
    if named is None and len(every) == 1:
        return next(iter(every.values()))
    for cell in scenario.cells:
        if named in (cell.id, ".".join(cell.conditions)):
            return cell
    known = ", ".join(_ids(scenario.cells))
    if named is None:
        what = f"the scenario has {len(every)} sets of conditions"
        raise _wrong(what, str(origin), f"add --cell, one of: {known}")
    raise _wrong(f"there is no cell {named!r}", str(origin), f"cells of this scenario: {known}")


def _ids(cells: Sequence[Cell]) -> list[str]:
    ids = [cell.id for cell in cells]
    return [*ids[:8], f"and {len(ids) - 8} more"] if len(ids) > 8 else ids


def _check_directory(repo: Repository, ends: Sequence[str], directory: str) -> None:
    missing = [one for one in ends if not git.below(repo, one, directory)]
    if missing:
        step = "the scenario's `module` names a directory of the repository's tree"
        what = f"{missing[0][:12]} has no {directory}"
        raise _wrong(what, str(repo.at), step)


def _check_fix(repo: Repository, bad: str, fixes: Sequence[Fixup]) -> None:
    for fix in fixes:
        with tempfile.TemporaryDirectory(prefix="anyclue-fix-") as name:
            file = Path(name) / FIX
            file.write_bytes(fix.patch)
            if not mends(repo, bad, file):
                step = "give a patch or commit that applies there as it is"
                raise _wrong(f"{fix.name!r} does not apply to the bad end", str(repo.at), step)


def _wrong(what: str, where: str, next_step: str) -> RequestError:
    return RequestError([Problem(what=what, where=where, next_step=next_step)])
