"""How long a hunt may take, and how far it may go: as its command says, noted in its run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter, ValidationError

from anyclue.recordings.run_directory import RunDirectory
from anyclue.system.files import write_whole

SCHEMA: Final = "anyclue.limits/1"
FILE: Final = "limits.json"


@dataclass(frozen=True, kw_only=True)
class HuntLimits:
    """What a hunt is limited to; None where its command says nothing.

    Attributes:
        seconds: no guest begins later than so long after the hunt.
        follow_up_guests: at most so many follow up each fault, in place of the scenario's.
    """

    seconds: float | None = None
    follow_up_guests: int | None = None
    schema: str = SCHEMA


NO_LIMITS: Final = HuntLimits()
_LIMITS: Final = TypeAdapter(HuntLimits)


def note_limits(run: RunDirectory, limits: HuntLimits) -> None:
    """Note in the run what its last hunt was limited to."""
    if limits != NO_LIMITS or run.file(FILE).exists():
        write_whole(run.file(FILE), _LIMITS.dump_json(limits, indent=2) + b"\n")


def read_limits(run: RunDirectory) -> HuntLimits:
    """Return what the run's last hunt was limited to; nothing where that is not known."""
    try:
        return _LIMITS.validate_json(run.file(FILE).read_bytes())
    except (OSError, ValidationError):
        return NO_LIMITS
