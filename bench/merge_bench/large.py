"""How long the command takes on a merge of 500 files of the whole kernel, from a cold start."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.merge_bench import kernel_merge
from bench.pairs_bench.speed import COMMAND


@dataclass(frozen=True, kw_only=True)
class Time:
    """Seconds of one run: by the clock, and of processor time of all its processes."""

    clock: float
    processor: float


def measured(repository: Path, scratch: Path, runs: int) -> Mapping[str, object]:
    """Review a large merge several times with an empty cache, and with the one that leaves."""
    made = kernel_merge.make(repository, scratch / "large.git", scratch / "files")
    print(
        f"large merge: {made.files} C files, {made.shared} on both sides, "
        f"{made.conflicts} with a conflict",
        file=sys.stderr,
    )
    cold, warm = [], []
    for number in range(runs):
        cache = scratch / f"cache{number}"
        cold.append(_run(made.repository, cache))
        warm.append(_run(made.repository, cache))
    return {
        "large_merge_s": _median(one.clock for one in cold),
        "large_merge_cpu_s": _median(one.processor for one in cold),
        "large_merge_warm_s": _median(one.clock for one in warm),
        "large_merge_warm_cpu_s": _median(one.processor for one in warm),
    }


def _run(repository: Path, cache: Path) -> Time:
    state = "warm" if cache.exists() else "cold"
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    argv = [str(COMMAND), "merge", "HEAD", "--json"]
    before, begin = _processor(), time.monotonic()
    ran = subprocess.run(argv, check=False, cwd=repository, env=environment, capture_output=True)
    took = Time(clock=time.monotonic() - begin, processor=_processor() - before)
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    print(
        f"anyclue merge HEAD, cache {state}: status {ran.returncode}, {took.clock:.1f} s, "
        f"{took.processor:.1f} s of processor time, load {load}",
        file=sys.stderr,
    )
    if ran.returncode > 1:
        raise SystemExit(ran.stderr.decode())
    return took


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _median(seconds: Iterable[float]) -> float:
    return round(statistics.median(seconds), 1)
