"""What follow-ups of a fault showed, and what is left to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from anyclue.hunt.clue.model import DoseResponse, Reproducer
from anyclue.hunt.minimise.plan import FollowUpStep
from anyclue.model.scenario import Axis


@dataclass(frozen=True, kw_only=True)
class FollowUps:
    """What is known of a fault beside the verdicts; None or empty is what was not run.

    Attributes:
        options: the mkfs and mount options that are enough, where there were more.
        dose: dose and response.
        reproducer: the smallest form that is known.
        left: what was not run, or not to the end.
    """

    options: Mapping[Axis, str] = field(default_factory=dict)
    dose: DoseResponse | None = None
    reproducer: Reproducer | None = None
    left: tuple[FollowUpStep, ...] = ()
