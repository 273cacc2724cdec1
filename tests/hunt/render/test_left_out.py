"""What guests or time did not suffice for, said with the command that runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyclue.hunt.minimise.plan import FollowUpKind, FollowUpStep
from anyclue.hunt.render.clue_words import left_out
from anyclue.hunt.select.faults import find_faults
from anyclue.model.verdict import Signature, Verdict

if TYPE_CHECKING:
    from tests.hunt.conftest import Tools


def test_each_fault_s_steps_are_offered_with_what_they_cost(tools: Tools) -> None:
    faults = find_faults(
        [
            tools.verdict("bad i386 lzo", *tools.leak),
            tools.verdict("bad i386 zstd", Verdict.LEAK, Signature.OBJECT),
        ]
    )
    steps = [
        FollowUpStep(kind=FollowUpKind.SMALLER_FORM, fault=0, guests=3, seconds=200.0, begun=True),
        FollowUpStep(kind=FollowUpKind.DOSE, fault=1, guests=2, seconds=40.0),
        FollowUpStep(
            kind=FollowUpKind.PROBE, fault=1, subject="slab-growth", cell=tools.cell(), guests=1
        ),
        FollowUpStep(kind=FollowUpKind.OPTIONS, fault=1, subject="mount", guests=4),
    ]
    cells = [tools.cell("good")]
    assert left_out(steps, cells, faults, run="runs/a b", guests_run=(5, 8)) == (
        "cells that would tell more: good.i386.default.lzo.mix: anyclue hunt --resume 'runs/a b'",
        "page-cache-reference: a smaller form of the workload, not to the end (3 guests, about"
        " 3 min): anyclue hunt --resume 'runs/a b' --follow-ups 8",
        "object: probe slab-growth in bad.i386.default.lzo.mix (1 guest); dose and response"
        " (2 guests, about 40 s); the fewest mount options (4 guests):"
        " anyclue hunt --resume 'runs/a b' --follow-ups 15",
    )
    assert left_out((), (), faults, run="r", guests_run=(0, 0)) == ()


def test_of_one_fault_it_is_not_said_of_which(tools: Tools) -> None:
    faults = find_faults([tools.verdict("bad i386 lzo", *tools.leak)])
    step = FollowUpStep(kind=FollowUpKind.SCRIPT, fault=0, guests=1)
    assert left_out([step], (), faults, run="r", guests_run=(2,)) == (
        "a script that shows it (1 guest): anyclue hunt --resume r --follow-ups 3",
    )
