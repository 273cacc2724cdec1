"""From evidence to a prior that can be wrong without harm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from typing import Final

import numpy as np

from anyclue.bisect.core.ancestry import Floats
from anyclue.bisect.core.model import CommitEvidence

MOST_LOG_RATIO: Final = log(1e4)
"""What all evidence on one commit can say together."""


def prior(number: Mapping[str, int], evidence: Sequence[CommitEvidence], floor: float) -> Floats:
    """Return the probability of each numbered commit before any run, [n]; it sums to one.

    Ratios on one commit are multiplied. Of the whole, the share ``floor`` is dealt out evenly: no
    commit falls below floor / n, so no evidence costs the culprit more than log2(1 / floor) bits.
    What is known of other commits is passed over.
    """
    odds = np.zeros(len(number))
    for one in evidence:
        if one.commit in number:
            odds[number[one.commit]] += log(max(one.ratio, 1e-300))
    weights = np.exp(np.clip(odds, -MOST_LOG_RATIO, MOST_LOG_RATIO))
    mass: Floats = floor / len(number) + (1 - floor) * weights / weights.sum()
    return mass
