"""Numbers that no machine has, in a recording of one: nothing falls over, nobody is accused."""

from __future__ import annotations

import json
import math
import warnings
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fstests.core.test_memory_verdict import recorded

from anyclue.fstests.core.charges import held_kib
from anyclue.model.machine_recording import MachineRecording
from anyclue.model.verdict import MemoryClass, Verdict
from anyclue.record.core.comparison import compare
from anyclue.record.core.model import RecordingVerdicts
from anyclue.record.core.verdicts import judge_recording
from anyclue.record.render.comparison import comparison_text
from anyclue.record.render.html import recorded_html
from anyclue.record.render.json_document import comparison_json, recorded_json
from anyclue.record.render.text import recorded_text

TESTS = ["generic/001", "btrfs/024"] * 4
FLAT = recorded(TESTS, {}, quiesce=True)
GROWS = recorded(TESTS, {"btrfs/024": {MemoryClass.SLAB_UNRECLAIMABLE: 400.0}}, quiesce=True)
NAMES = sorted(FLAT.timeline[0].counters)
WRAPPED = float(2**64 - 4)
"""What meminfo shows of a counter that went below zero."""
extreme = st.sampled_from([0.0, WRAPPED, 1e20]) | st.integers(0, 10**20).map(float)
"""No number in a file of /proc has more digits, to its parser."""
changes = st.dictionaries(
    st.sampled_from(NAMES),
    st.tuples(st.sampled_from([1, 2, 7, 40]), extreme),
    max_size=4,
)


def changed(of: MachineRecording, by: dict[str, tuple[int, float]]) -> MachineRecording:
    """Return a recording in which each so-manieth sample of some counters is another number."""
    timeline = []
    for at, one in enumerate(of.timeline):
        put = {name: value for name, (every, value) in by.items() if at % every == 0}
        timeline.append(replace(one, counters={**one.counters, **put}))
    return replace(of, timeline=tuple(timeline))


def rendered(found: RecordingVerdicts, other: RecordingVerdicts) -> list[str]:
    timeline = found.recorded.timeline
    held = [(one.t_s, kib) for one in timeline if (kib := held_kib(one)) is not None]
    compared = compare(found, other)
    for document in (recorded_json(found), comparison_json(compared)):
        json.loads(document, parse_constant=pytest.fail)
    return [recorded_text(found), comparison_text(compared), recorded_html(found, held)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes, changes, st.booleans())
def test_any_number_can_be_recorded(
    here: dict[str, tuple[int, float]], there: dict[str, tuple[int, float]], grows: bool
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = judge_recording(changed(GROWS if grows else FLAT, here))
        texts = rendered(found, judge_recording(changed(FLAT, there)))
    if not grows:
        assert Verdict.LEAK not in {test.verdict for test in found.tests}
    for test in found.tests:
        known = [test.rate_kib_per_run, *(test.rate_ci95_kib or ())]
        assert all(math.isfinite(number) for number in known if number is not None)
    assert not any(word in text.lower().split() for text in texts for word in ("nan", "inf"))
