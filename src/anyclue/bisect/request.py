"""What a user asks to be bisected, and the run directory that keeps it."""

from __future__ import annotations

import contextlib
import json
import logging
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from anyclue.bisect.core import journal
from anyclue.bisect.core.git_bisect_log import BisectLog, imported, read_log
from anyclue.bisect.core.journal import BisectJournal
from anyclue.bisect.core.model import Rates, Settings
from anyclue.bisect.run.cell_runner import begin_run
from anyclue.bisect.run.fixups import Fixup, read_fixups
from anyclue.bisect.run.synthetic_commits import patch_applies
from anyclue.git import repository as git
from anyclue.git.history import commit_range
from anyclue.git.model import CommitRange, Repository
from anyclue.hunt import driver as hunt_driver
from anyclue.model.errors import Problem, RequestError
from anyclue.model.scenario import Cell, Scenario
from anyclue.recordings.run_directory import RunDirectory
from anyclue.scenarios.plan_document import scenario_from_json
from anyclue.system.files import write_whole
from anyclue.trial.kernels.module_trees import rebuilt_kernel

log = logging.getLogger(__name__)

_FIX = "fix.patch"
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


class RunMetadata(BaseModel):
    """What ``bisect.json`` keeps of a request beside the journal and the plan."""

    schema_: Literal["anyclue.bisect-run/1"] = Field(default="anyclue.bisect-run/1", alias="schema")
    repository: str
    kernel: str
    directory: str
    carried: list[str]
    fix: str | None


@dataclass(frozen=True, kw_only=True)
class Bisection:
    """A bisection that is ready to run, or to go on.

    Attributes:
        run: its directory.
        repo: the repository.
        span: the commits.
        scenario: the scenario as it was given; its kernels are not those that run.
        kernel: the name of the scenario's kernel whose module is rebuilt.
        cell: the cell, whatever its kernel.
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
    cell: Cell
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
        return self.run.file(_FIX)


def begin(request: BisectRequest) -> Bisection:
    """Check a request whole, and make its run directory.

    Raises:
        RequestError: every mistake in it.
    """
    problems: list[Problem] = []

    @contextlib.contextmanager
    def collecting() -> Iterator[None]:
        try:
            yield
        except RequestError as error:
            problems.extend(error.problems)

    scenario, text = hunt_driver.planned(request.scenario, request.kernels)
    kernel, directory = rebuilt_kernel(scenario, request.scenario, git_too=True)
    with collecting():
        cell = cell_named(scenario, request.scenario, request.cell)
    repo = git.repository(request.tree)
    ids: list[str] = []
    log_of_git = _read_log(request.log) if request.log is not None else BisectLog()
    for end in _ends(request, log_of_git):
        with collecting():
            ids.append(git.commit(repo, end))
    if not 0.5 < request.confidence < 1:
        step = "give a probability like 0.99"
        problems.append(Problem(what="--confidence is not between 0.5 and 1", next_step=step))
    with collecting():
        below = directory if kernel.variant is not None else ""
        carried = read_fixups(repo, request.carried, below)
        fix = read_fixups(repo, (request.fix,) if request.fix is not None else (), below)
    with collecting():
        run = hunt_driver.new_run(request.out, "bisect")
    if problems:
        raise RequestError(problems)
    bad, *good = ids
    span = commit_range(repo, good, bad)
    _check_directory(repo, (bad, *good), directory)
    _check_fix(repo, bad, fix)
    log.info("%d commits", len(span.commits))
    begin_run(run, text, scenario, kernel, cell)
    files = {f"carried/{number}.patch": one for number, one in enumerate(carried)}
    for file, one in (*files.items(), *((_FIX, one) for one in fix)):
        write_whole(run.file(file), one.patch)
    metadata = RunMetadata(
        repository=str(repo.at),
        kernel=kernel.name,
        directory=directory,
        carried=[one.name for one in carried],
        fix=fix[0].name if fix else None,
    )
    value = metadata.model_dump(by_alias=True)
    write_whole(run.file("bisect.json"), json.dumps(value, indent=1) + "\n")
    known = imported(log_of_git, {one.id for one in span.commits})
    if request.log is not None:
        log.info("%s tells of %d commits of the range", request.log, len(known))
    settings = Settings(confidence=request.confidence, rates=RATES)
    lines = (journal.header_line(span.good, bad, settings), *map(journal.run_line, known))
    write_whole(run.file("bisection.jsonl"), "".join(lines))
    return resume(run.path)


def resume(path: Path) -> Bisection:
    """Return the bisection that a run directory holds.

    Raises:
        RequestError: it holds none, or its repository is gone.
    """
    run = RunDirectory(path)
    try:
        metadata = _read_metadata(run.file("bisect.json"))
        text = run.file("bisection.jsonl").read_text()
    except OSError as error:
        raise RequestError.of(
            f"holds no bisection: {error.strerror}",
            where=str(path),
            next_step="name the directory that `anyclue bisect` wrote",
        ) from error
    noted = journal.read_journal(text)
    scenario = scenario_from_json(run.plan_text(), origin=str(run.plan))
    repo = git.repository(Path(metadata.repository))
    carried = tuple(
        Fixup(name=name, patch=run.file(f"carried/{number}.patch").read_bytes())
        for number, name in enumerate(metadata.carried)
    )
    fix = None
    if metadata.fix:
        fix = Fixup(name=metadata.fix, patch=run.file(_FIX).read_bytes())
    return Bisection(
        run=run,
        repo=repo,
        span=commit_range(repo, noted.good, noted.bad),
        scenario=scenario,
        kernel=scenario.kernels[metadata.kernel].name,
        cell=scenario.cells[0],
        directory=metadata.directory,
        carried=carried,
        fix=fix,
        journal=noted,
    )


def cell_named(scenario: Scenario, origin: Path, name: str | None) -> Cell:
    """Return the cell that a user names, or the only one; its kernel does not count.

    Raises:
        RequestError: there is no such cell, or none is named and there are several.
    """
    every = {cell.conditions: cell for cell in scenario.cells}
    if name is None and len(every) == 1:
        return next(iter(every.values()))
    for cell in scenario.cells:
        if name in (cell.id, ".".join(cell.conditions)):
            return cell
    ids = [cell.id for cell in scenario.cells]
    known = ", ".join([*ids[:8], f"and {len(ids) - 8} more"] if len(ids) > 8 else ids)
    if name is None:
        what = f"the scenario has {len(every)} sets of conditions"
        step = f"add --cell, one of: {known}"
    else:
        what, step = f"there is no cell {name!r}", f"cells of this scenario: {known}"
    raise RequestError.of(what, where=str(origin), next_step=step)


def _read_log(file: Path) -> BisectLog:
    """Read what ``git bisect log`` printed."""
    step = "name a file with what `git bisect log` printed"
    try:
        return read_log(file.read_text())
    except OSError as error:
        what = f"cannot read: {error.strerror}"
        raise RequestError.of(what, where=str(file), next_step=step) from error
    except UnicodeDecodeError as error:
        raise RequestError.of("is no text", where=str(file), next_step=step) from error
    except RequestError as error:
        raise RequestError(
            [replace(one, where=f"{file}: {one.where}") for one in error.problems]
        ) from error


def _ends(request: BisectRequest, log_of_git: BisectLog) -> tuple[str, ...]:
    """Return the ends that a user names, the bad one first; of a log where they are not named."""
    bad, good = request.bad or log_of_git.bad, request.good or log_of_git.good
    if bad and good:
        return (bad, *good)
    raise RequestError.of(
        "names no good end" if bad else "names no bad end",
        where=str(request.log or "the request"),
        next_step="give --good REV and --bad REV",
    )


def _read_metadata(file: Path) -> RunMetadata:
    text = file.read_bytes()
    try:
        return RunMetadata.model_validate_json(text)
    except ValidationError as error:
        raise RequestError.of(
            "is not what anyclue wrote", where=str(file), next_step="begin anew"
        ) from error


def _check_directory(repo: Repository, ends: Sequence[str], directory: str) -> None:
    missing = [one for one in ends if not git.below(repo, one, directory)]
    if missing:
        raise RequestError.of(
            f"{missing[0][:12]} has no {directory}",
            where=str(repo.at),
            next_step="the scenario's `module` names a directory of the repository's tree",
        )


def _check_fix(repo: Repository, bad: str, fixes: Sequence[Fixup]) -> None:
    for fix in fixes:
        with tempfile.TemporaryDirectory(prefix="anyclue-fix-") as name:
            file = Path(name) / _FIX
            file.write_bytes(fix.patch)
            if not patch_applies(repo, bad, file):
                raise RequestError.of(
                    f"{fix.name!r} does not apply to the bad end",
                    where=str(repo.at),
                    next_step="give a patch or commit that applies there as it is",
                )
