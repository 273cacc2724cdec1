"""Measure what is said of good kernels: hunts in real guests in which nothing was planted.

    make bench-aa [CELLS=N]
    python -m bench.good_against_good --cells 200 --keep DIR [--jobs N] [--rejudge]

Each hunt runs Debian's 6.1 beside its own fs/btrfs, built again from the same source under two
names, with mount and mkfs options and a workload that are drawn with a seed. Whatever it calls a
leak, a surge or broken is false. A hunt that was stopped goes on where it was when the command is
given again; what is kept is always judged by the code of today. The last line is one JSON object;
see docs/bench.md for its fields. The exit status is 1 when something was said that is false.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Final

import platformdirs
from bench.pairs_bench.speed import COMMAND
from scipy import stats

from anyclue.fstests.render.reasons import reason_text
from anyclue.hunt.driver import plan
from anyclue.hunt.judge import JudgedRun, judge
from anyclue.model.recording import Outcome
from anyclue.model.verdict import CellVerdict, Verdict
from anyclue.recordings.run_directory import RunDirectory

SEED: Final = 20
CELLS: Final = 200
MOUNTS_A_HUNT: Final = 3

MOUNTS: Final[Mapping[str, str]] = {
    "none": "",
    "lzo": "compress=lzo",
    "zlib": "compress=zlib",
    "zstd": "compress=zstd",
    "force": "compress-force=zstd:5",
    "nocow": "nodatacow",
    "nosum": "nodatasum,noatime",
    "defrag": "autodefrag",
    "discard": "discard=async",
    "commit": "commit=1",
    "inline": "max_inline=0",
    "flush": "flushoncommit",
}
MKFS: Final[Mapping[str, str]] = {
    "default": "",
    "mixed": "--mixed --nodesize 4096",
    "dup": "-m dup -d single",
    "holes": "-O ^no-holes",
}
MACHINES: Final = (("i386", "512 MiB"), ("i386", "2 GiB"), ("x86_64", "1 GiB"), ("x86_64", "2 GiB"))
WORKLOADS: Final = (
    'use = "enospc-small-files"\nfiles = 600',
    'use = "enospc-small-files"\nfiles = 60\nloops = 3',
    'use = "enospc-small-files"\nfiles = 200\nfile_bytes = 5000\ndirect_every = 0',
    'use = "enospc-small-files"\nfiles = 16\nwriters = 1',
    'use = "enospc-small-files"\nfiles = 0\nfile_bytes = 70000\nsize_mib = 128',
    'use = "compression-mix"',
    'use = "compression-mix"\ncopies = 1\nmodes = "buffered"',
    'use = "compression-mix"\ncopies = 1\nsizes = "1000,65536,131073"\nsteps = "verify"',
)
SCENARIO: Final = """\
schema = 1
title = "Good against good, {number}"

[kernels.stock]
debian = "6.1"
[kernels.rebuilt]
debian = "6.1"
module = "fs/btrfs"
[kernels.again]
debian = "6.1"
module = "fs/btrfs"

[machines.guest]
arch = "{arch}"
ram = "{ram}"

[mkfs]
{mkfs} = "{mkfs_options}"

[mount]
{mounts}

[workloads.work]
{workload}

[plan]
reference = {{ kernel = "stock" }}
include = [{{ kernel = ["rebuilt", "again"] }}, {{ kernel = "stock", mount = {references} }}]
"""


def main() -> int:
    """Measure, telling what is going on on stderr; print JSON, and return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cells", type=int, default=CELLS, help="cells beside a reference")
    parser.add_argument("--keep", type=Path, help="the hunts' directory [default: in the cache]")
    parser.add_argument("--jobs", type=int, default=1, help="guests side by side")
    parser.add_argument("--rejudge", action="store_true", help="run nothing, judge what is kept")
    options = parser.parse_args()
    keep = options.keep or Path(platformdirs.user_cache_dir("anyclue")) / "good-against-good"
    begin = time.monotonic()
    judged = []
    for directory in kept(keep) if options.rejudge else hunts(keep, options.cells, options.jobs):
        judged.append(judge(RunDirectory(directory / "run")))
        print(f"{directory.name}: {said(judged[-1].findings.cells)}", file=sys.stderr)
    result = summary(judged) | {"seconds": round(time.monotonic() - begin)}
    print(json.dumps(result))
    return int(any(result[verdict.value] for verdict in Verdict if verdict.is_guilty))


def kept(keep: Path) -> list[Path]:
    """Return the directories of the hunts that have begun, in order."""
    return sorted(file.parent.parent for file in keep.glob("hunt-*/run/plan.json"))


def hunts(keep: Path, cells: int, jobs: int) -> Iterator[Path]:
    """Run hunts until so many cells have been compared; give the directory of each."""
    compared = 0
    for number in count(1):
        directory = keep / f"hunt-{number:03}"
        compared += hunt(directory, number, jobs)
        yield directory
        if compared >= cells:
            return


def hunt(directory: Path, number: int, jobs: int) -> int:
    """Run a hunt, or what is left of it; return how many cells were compared with a reference.

    Its scenario is written once: another choice of options, later, is no other hunt.
    """
    scenario, run = directory / "scenario.toml", RunDirectory(directory / "run")
    if not scenario.exists():
        directory.mkdir(parents=True, exist_ok=True)
        scenario.write_text(scenario_text(number))
    if not run.file("junit.xml").exists():  # what a hunt writes last
        begun = run.plan.exists()
        where = ["--resume", str(run.path)] if begun else [str(scenario), "--out", str(run.path)]
        argv = [str(COMMAND), "hunt", *where, "--no-clue", "--jobs", str(jobs)]
        status = subprocess.run(argv, stdout=subprocess.DEVNULL, check=False).returncode
        if status not in (0, 1, 3) or not run.file("junit.xml").exists():
            raise SystemExit(f"{argv} failed with {status}")
    planned = plan(scenario)
    return len(planned.cells) - len(planned.planned_references)


def scenario_text(number: int) -> str:
    """Return the scenario of a hunt, the same for the same number.

    In most hunts one reference is all there is, as in a hunt that chooses its cells.
    """
    draw = random.Random(f"{SEED}/{number}")  # noqa: S311 - a sample, no secret
    mounts = draw.sample(sorted(MOUNTS), MOUNTS_A_HUNT)
    arch, ram = MACHINES[number % len(MACHINES)]
    mkfs = draw.choice(sorted(MKFS)) if number % 3 == 0 else "default"
    return SCENARIO.format(
        number=number,
        arch=arch,
        ram=ram,
        mkfs=mkfs,
        mkfs_options=MKFS[mkfs],
        mounts="\n".join(f'{name} = "{MOUNTS[name]}"' for name in mounts),
        workload=draw.choice(WORKLOADS),
        references=json.dumps(mounts if draw.random() < 0.25 else mounts[:1]),
    )


def summary(judged: Sequence[JudgedRun]) -> dict[str, Any]:
    """Return what was said of all cells, and how often what is false may be said."""
    planned = [(run, verdict) for run in judged for verdict in run.findings.cells]
    every = [(run, verdict) for run, verdict in planned if verdict.trials]
    cells = [verdict for _, verdict in every]
    by_verdict = {
        verdict.value: [described(run, one) for run, one in every if one.verdict is verdict]
        for verdict in Verdict
        if verdict not in (Verdict.CLEAN, Verdict.CACHE)
    }
    leaks = len(by_verdict[Verdict.LEAK.value])
    unproven = len(by_verdict[Verdict.UNPROVEN.value])
    return {
        "hunts": len(judged),
        "cells": sum(verdict.reference is not None for verdict in cells),
        "references": sum(verdict.reference is None for verdict in cells),
        "trials": sum(verdict.trials for verdict in cells),
        "clean": sum(verdict.verdict is Verdict.CLEAN for verdict in cells),
        "cache": sum(verdict.verdict is Verdict.CACHE for verdict in cells),
        **by_verdict,
        "not_run": len(planned) - len(every),
        "lost": sum(verdict.outcome is Outcome.LOST for verdict in cells),
        "leaks_ci95": interval(leaks, len(cells)),
        "unproven_ci95": interval(unproven, len(cells)),
        "classes": moved(
            (c.value, rate.grew, rate.ci95_kib, rate.rate_kib)
            for verdict in cells
            for c, rate in verdict.classes.items()
        ),
        "objects": moved(
            (f"{series.kind} {series.name}", rate.grew, rate.ci95, rate.rate)
            for verdict in cells
            for series, rate in verdict.objects.items()
        ),
    }


def described(run: JudgedRun, verdict: CellVerdict) -> dict[str, str]:
    """Return where a verdict was given, and why."""
    number = run.run.path.parent.name
    return {"cell": f"{number}: {verdict.cell.id}", "because": reason_text(verdict.because)}


def interval(said_so: int, cells: int) -> tuple[float, float] | None:
    """Return the 95 % interval of a share (Clopper and Pearson)."""
    if not cells:
        return None
    found = stats.binomtest(said_so, cells).proportion_ci(method="exact")
    return round(float(found.low), 4), round(float(found.high), 4)


def moved(
    rates: Iterable[tuple[str, bool, tuple[float, float] | None, float | None]],
) -> dict[str, dict[str, float]]:
    """Return of each class or series in how many cells it grew, and in how many it nearly did.

    That is where the 95 % interval of its rate is above zero; by chance alone it is in one of 40.
    """
    cells: Counter[str] = Counter()
    grew: Counter[str] = Counter()
    nearly: Counter[str] = Counter()
    most: dict[str, float] = {}
    for name, it_grew, ci95, rate in rates:
        cells[name] += 1
        grew[name] += it_grew
        nearly[name] += not it_grew and ci95 is not None and ci95[0] > 0.0
        most[name] = max(most.get(name, 0.0), rate or 0.0)
    return {
        name: {
            "cells": cells[name],
            "grew": grew[name],
            "nearly": nearly[name],
            "most": round(most[name], 2),
        }
        for name in sorted(cells, key=lambda one: (-grew[one], -nearly[one], one))
    }


def said(cells: Sequence[CellVerdict]) -> str:
    """Return how often each verdict was given."""
    counts = Counter(verdict.verdict for verdict in cells)
    return ", ".join(f"{number} {verdict}" for verdict, number in counts.most_common())


if __name__ == "__main__":
    sys.exit(main())
