from __future__ import annotations

import pytest

from anyclue.hunt.probes.core.model import Amount
from anyclue.hunt.probes.core.registry import PROBES
from anyclue.hunt.render.probe_text import figures


@pytest.mark.parametrize(
    ("count", "kib", "said"),
    [
        (1.0, 0.03, "1 object a round"),
        (1.0, 0.125, "1 object (0.1 KiB) a round"),
        (0.5, 0.0, "0.5 objects a round"),
        (1270.2, 39.7, "1270 objects (40 KiB) a round"),
    ],
)
def test_few_objects_are_told_as_they_are(count: float, kib: float, said: str) -> None:
    probe = next(one for one in PROBES.values() if one.unit == "objects")
    nothing = Amount(kib_per_round=0.0, count_per_round=0.2)
    told = figures(probe, Amount(kib_per_round=kib, count_per_round=count), nothing, rounds=4)
    assert told.startswith(said)
    assert told.endswith("in the innocent cell 0.2")
