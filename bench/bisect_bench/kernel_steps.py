"""One step of a bisection on kernels from git: incremental builds and a boot, and the fast path.

Each step is a commit that adds a line to a file, built and run as one trial of the cell of
`make bench-bisect`. The base's kernel, and the first of each kind on it, are not timed: they fill
the directories that are built in.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bench.bisect_bench.case import scenario
from bench.bisect_bench.graft import Graft

from anyclue.hunt.driver import RULES
from anyclue.model.scenario import GitKernel, Scenario
from anyclue.recordings.run_directory import RunDirectory
from anyclue.scenarios.read import read_scenario
from anyclue.trial.context import Context
from anyclue.trial.executor import LocalExecutor
from anyclue.trial.preparation import prepare_jobs

FILE: Final = "fs/btrfs/lzo.c"
HEADER: Final = "include/linux/fs.h"
"""A header that most of the kernel is made from."""
NAME: Final = "step"


@dataclass(frozen=True, kw_only=True)
class Steps:
    """Wall-clock seconds of steps.

    Attributes:
        incremental: a whole kernel, after a change of `FILE`.
        fast: the module alone, after another change of it.
        header: a whole kernel, after a change of `HEADER`; None: not measured.
    """

    incremental: float
    fast: float
    header: float | None


async def steps(source: Path, context: Context, *, header: bool) -> Steps:
    """Measure steps.

    Args:
        source: a bare repository of the kernel's whole source, one commit.
        context: the cache.
        header: measure a change of a header, too.
    """
    with tempfile.TemporaryDirectory(prefix="anyclue-bench-") as name:
        scratch = Path(name)
        graft = Graft.of(source, scratch / "linux.git")
        base = graft.head
        planned = read_scenario(
            scenario({NAME: None}), origin="bench", base=scratch, workloads=RULES
        )
        whole = GitKernel(repository=str(graft.path), revision=base, commit=base)
        stamp = time.time_ns()

        def edited(number: int, file: str = FILE) -> GitKernel:
            line = f"/* {stamp + number} */\n"
            commit = graft.commit(base, file, graft.text(base, file) + line)
            return replace(whole, revision=commit, commit=commit)

        async def seconds(kernel: GitKernel) -> float:
            begin = time.monotonic()
            await _step(planned, kernel, context, scratch / f"run-{kernel.revision}")
            return time.monotonic() - begin

        for untimed in (whole, edited(0), replace(edited(1), base=base)):
            await seconds(untimed)
        return Steps(
            incremental=await seconds(edited(2)),
            fast=await seconds(replace(edited(3), base=base)),
            header=await seconds(edited(4, HEADER)) if header else None,
        )


async def _step(planned: Scenario, kernel: GitKernel, context: Context, run: Path) -> None:
    """Build a kernel, and run one trial with it."""
    own = replace(planned.kernels[NAME], source=kernel, variant=None)
    changed = replace(planned, kernels={NAME: own})
    jobs = await prepare_jobs(changed, [(changed.cells[0], 1)], context)
    async for _ in LocalExecutor(context.store, RunDirectory(run), 1).run(jobs):
        pass
