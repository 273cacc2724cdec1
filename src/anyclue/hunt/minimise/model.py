"""What follow-ups of a fault showed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from anyclue.hunt.clue.model import DoseResponse, Reproducer
from anyclue.model.scenario import Axis


@dataclass(frozen=True, kw_only=True)
class FollowUps:
    """What is known of a fault beside the verdicts.

    None or empty is what was not run, or not to the end. ``options`` are the mkfs and mount options
    that are enough, where there were more.
    """

    options: Mapping[Axis, str] = field(default_factory=dict)
    dose: DoseResponse | None = None
    reproducer: Reproducer | None = None
