"""One step of a bisection, twice: as an incremental kernel build and a boot, and by the fast path.

Each step is a commit that adds a line to fs/btrfs/lzo.c, built and run as one trial of the cell of
`make bench-bisect`. The base's kernel, and one that fills the build directory, are not timed.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from bench.bisect_bench.case import scenario

from anyclue.hunts.context import Context
from anyclue.hunts.executor import LocalExecutor
from anyclue.hunts.hunt import RULES
from anyclue.hunts.prepare import prepare_jobs
from anyclue.model.scenario import GitKernel, Scenario
from anyclue.recordings import RunDirectory
from anyclue.scenarios import read_scenario

FILE: Final = "fs/btrfs/lzo.c"
NAME: Final = "step"


async def steps(source: Path, context: Context) -> tuple[float, float]:
    """Return the seconds of a step with an incremental kernel build and a boot, and of a fast one.

    Args:
        source: a bare repository of the kernel's whole source, one commit.
        context: the cache.
    """
    with tempfile.TemporaryDirectory(prefix="anyclue-bench-") as name:
        scratch = Path(name)
        repo = scratch / "linux.git"
        clone = ["git", "clone", "-q", "--bare", "--shared", str(source), str(repo)]
        subprocess.run(clone, check=True)
        base = _git(repo, "rev-parse", "HEAD")
        planned = read_scenario(
            scenario({NAME: None}), origin="bench", base=scratch, workloads=RULES
        )
        whole = GitKernel(repository=str(repo), revision=base, commit=base)
        stamp = time.time_ns()
        first, other, third = (_edited(repo, base, f"/* {stamp + n} */\n") for n in range(3))
        await _step(planned, whole, context, scratch / "base")
        filling = replace(whole, revision=first, commit=first)
        await _step(planned, filling, context, scratch / "first")
        took = []
        for number, kernel in enumerate(
            (
                replace(whole, revision=other, commit=other),
                replace(whole, revision=third, commit=third, base=base),
            )
        ):
            begin = time.monotonic()
            await _step(planned, kernel, context, scratch / f"run-{number}")
            took.append(time.monotonic() - begin)
        return took[0], took[1]


async def _step(planned: Scenario, kernel: GitKernel, context: Context, run: Path) -> None:
    """Build a kernel, and run one trial with it."""
    own = replace(planned.kernels[NAME], source=kernel, variant=None)
    changed = replace(planned, kernels={NAME: own})
    jobs = await prepare_jobs(changed, [(changed.cells[0], 1)], context)
    async for _ in LocalExecutor(context.store, RunDirectory(run), 1).run(jobs):
        pass


def _edited(repo: Path, base: str, line: str) -> str:
    """Return a commit with a line more at the end of `FILE`."""
    text = _git(repo, "show", f"{base}:{FILE}") + "\n" + line
    blob = _git(repo, "hash-object", "-w", "--stdin", given=text)
    index = {"GIT_INDEX_FILE": str(repo / f"index-{blob}")}
    _git(repo, "read-tree", base, more=index)
    _git(repo, "update-index", "--cacheinfo", f"100644,{blob},{FILE}", more=index)
    tree = _git(repo, "write-tree", more=index)
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    return _git(repo, *who, "commit-tree", tree, "-p", base, "-m", "one line")


def _git(repo: Path, *words: str, given: str = "", more: dict[str, str] | None = None) -> str:
    command = ["git", "-C", str(repo), *words]
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **(more or {})}
    done = subprocess.run(
        command, check=True, input=given, capture_output=True, text=True, env=environment
    )
    return done.stdout.strip()
