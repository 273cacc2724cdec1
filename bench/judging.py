"""Measure judging: a run of many stored trials, and then one trial more.

    python -m bench.judging [TRIALS]

The trials are made from the recordings of a stored run of scenarios/lzo-leak.toml
(tests/hunt/data/lzo-leak), with a cell and a number of their own. The last line is one JSON object;
see docs/bench.md for its fields.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from typing import Final

from anyclue.hunt.judge import RunJudge
from anyclue.model.scenario import Cell, Scenario
from anyclue.recordings.run_directory import RunDirectory
from anyclue.scenarios.plan_document import scenario_from_json, scenario_to_json
from anyclue.system.files import write_whole

STORED: Final = Path(__file__).resolve().parent.parent / "tests/hunt/data/lzo-leak"
TRIALS_A_CELL: Final = 4
REPEATS: Final = 5


def main() -> None:
    """Measure, telling what is going on on stderr; print the result."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    with tempfile.TemporaryDirectory(prefix="anyclue-bench-") as name:
        run = RunDirectory(Path(name) / "run")
        scenario = make_run(run, wanted // TRIALS_A_CELL)
        judge = RunJudge(run)
        first_s = timed(judge.judge)
        print(f"{wanted} trials judged in {first_s:.1f} s", file=sys.stderr)
        again_s = median(timed(judge.judge) for _ in range(REPEATS))
        more = []
        for number in range(REPEATS):
            cell = scenario.cells[-1 - number]
            copy_trial(run, cell, TRIALS_A_CELL + 1)
            more.append(timed(judge.judge))
        one_more_s = median(more)
        fresh = RunJudge(run)
        fresh_s = timed(fresh.judge)
        shutil.rmtree(run.path / "evaluations")
        documents = {one.judge().document for one in (judge, fresh, RunJudge(run))}
    result = {
        "trials": wanted,
        "cells": len(scenario.cells),
        "first_s": round(first_s, 2),
        "nothing_new_s": round(again_s, 3),
        "one_more_s": round(one_more_s, 3),
        "one_more_percent": round(100 * one_more_s / first_s, 2),
        "another_process_s": round(fresh_s, 2),
        "same_bytes": len(documents) == 1,
    }
    print(json.dumps(result))


def make_run(run: RunDirectory, cells: int) -> Scenario:
    """Write a run of so many cells, half of them of the reference kernel, each trial stored."""
    stored = scenario_from_json((STORED / "plan.json").read_text())
    mounts = {f"mount-{n}": "" for n in range(cells // 2)}
    planned = [
        Cell(kernel=kernel, machine="i386-2g", mkfs="default", mount=name, workload="small-files")
        for kernel in ("good", "bad")
        for name in mounts
    ]
    scenario = replace(
        stored,
        mount=mounts,
        cells=tuple(planned),
        references=tuple(cell for cell in planned if cell.kernel == "good"),
        candidates=(),
    )
    write_whole(run.plan, scenario_to_json(scenario))
    for cell in planned:
        for number in range(1, TRIALS_A_CELL + 1):
            copy_trial(run, cell, number)
    return scenario


def copy_trial(run: RunDirectory, cell: Cell, number: int) -> None:
    """Store a trial of a cell: what the good kernel did, and for every tenth mount the bad one."""
    leaks = cell.kernel == "bad" and cell.mount.endswith("0")
    source = STORED / f"cells/{'bad' if leaks else 'good'}.i386-2g.default.lzo.small-files/trial-1"
    place = run.trial(cell, number)
    shutil.copytree(source, place)
    fields = json.loads((source / "outcome.json").read_text())
    fields |= {"cell": asdict(cell), "trial": number}
    (place / "outcome.json").write_text(json.dumps(fields))


def timed(work: Callable[[], object]) -> float:
    """Return how many seconds a call takes."""
    begin = time.monotonic()
    work()
    return time.monotonic() - begin


if __name__ == "__main__":
    main()
