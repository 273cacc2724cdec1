"""The commit that a bisection accuses, beside its parent: the kernels that its clue is about."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from anyclue.git import repository as git
from anyclue.hunt.localise.cells import Accused
from anyclue.hunt.localise.commits import KernelCommits
from anyclue.hunt.model import RunVerdicts
from anyclue.hunt.select.factors import is_guilty
from anyclue.model.errors import RequestError
from anyclue.recordings.run_directory import RunDirectory
from anyclue.system.files import write_whole

SCHEMA: Final = "anyclue.accused/1"
FILE: Final = "accused.json"


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

    def accused(self, findings: RunVerdicts) -> Accused | None:
        """Return the kernels to look into; None when the commit's was not seen guilty."""
        cells = [c for c in findings.cells if c.cell.kernel == self.kernel and is_guilty(c)]
        if not cells:
            return None
        return Accused(bad=self.kernel, good=self.innocent, cells=tuple(cells))

    def history(self) -> KernelCommits | None:
        """Return the commit's history; None where the repository is gone."""
        try:
            repo = git.repository(Path(self.repository))
        except RequestError:
            return None
        return KernelCommits(repo, self.parent, self.commit, proven=True)


log = logging.getLogger(__name__)

_ACCUSED: Final = TypeAdapter(AccusedCommit)


def note(run: RunDirectory, one: AccusedCommit) -> None:
    """Keep what was accused in the run."""
    write_whole(run.file(FILE), _ACCUSED.dump_json(one, indent=2) + b"\n")


def noted(run: RunDirectory) -> AccusedCommit | None:
    """Return what the run's bisection accused; None where there is nothing of the kind."""
    try:
        found = _ACCUSED.validate_json(run.file(FILE).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError):
        log.warning("%s is damaged: the clue is not about the commit that was accused", FILE)
        return None
    return found if found.schema == SCHEMA else None
