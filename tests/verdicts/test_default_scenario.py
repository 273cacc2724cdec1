"""The mail's case from recordings to the sentence, with the numbers of GUESTS.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyclue.hunt.conclusion import conclude
from anyclue.hunt.render.sentence import verdict_sentence
from anyclue.model.scenario import Axis, Cell
from anyclue.model.verdict import MemoryClass, Verdict
from anyclue.verdicts.evaluation import evaluate
from anyclue.verdicts.judge import judge_cells

if TYPE_CHECKING:
    from tests.verdicts.conftest import Plan, Simulator, Tools


def test_lzo_leaks_and_32_bit_is_innocent(simulator: Simulator, tools: Tools) -> None:
    leak = {MemoryClass.ORPHANED_FILE_PAGES: 2400.0}
    zstd = {MemoryClass.SLAB_UNRECLAIMABLE: {2: 4200.0}}
    plans: dict[Cell, Plan] = {}
    for mount in ("none", "zlib", "lzo", "zstd"):
        plans[tools.cell("bad", mount)] = tools.plan(
            files=600, leak=leak if mount == "lzo" else {}, steps=zstd if mount == "zstd" else {}
        )
    plans[tools.good] = tools.plan(files=600)
    plans[tools.cell("bad", "lzo", "x86_64")] = tools.plan(files=600, leak=leak)
    plans[tools.cell("good", "lzo", "x86_64")] = tools.plan(files=600)
    recordings = {where: [simulator.recording(plan, where)] for where, plan in plans.items()}
    references = (tools.good, tools.cell("good", "lzo", "x86_64"))
    verdicts = judge_cells(tools.scenario(*plans, references=references), recordings)
    findings = conclude(verdicts, {c: list(map(evaluate, of)) for c, of in recordings.items()})
    assert [v.verdict for v in verdicts] == [
        Verdict.CLEAN,
        Verdict.CLEAN,
        Verdict.LEAK,
        Verdict.CLEAN,
        Verdict.CLEAN,
        Verdict.LEAK,
        Verdict.CLEAN,
    ]
    matters = {factor.factor: factor.matters for factor in findings.factors}
    assert matters[Axis.KERNEL] is matters[Axis.MOUNT] is True
    assert matters[Axis.MACHINE] is False
    assert "(4.0 KiB per file) with kernel bad and mount lzo" in verdict_sentence(findings)
