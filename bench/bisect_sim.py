"""Measure the bisection by simulation: guest runs and right answers, beside ``git bisect``.

    make bench-bisect-sim
    python -m bench.bisect_sim --repository ~/linux --culprits 200

Takes the largest of the bare mirrors below /work/.mirror, or else a generated history. The last
line is one JSON object; see docs/bisect.md for what is simulated.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bench.bisect_bench.simulation import evidence_quality, generated_history, sample_ranges

from anyclue.bisect.core.ancestry import Ancestry, ancestry_of
from anyclue.bisect.core.model import Rates
from anyclue.bisect.core.simulation import (
    SimulatedCase,
    SimulatedOutcome,
    Strategy,
    simulate,
    simulated_evidence,
)
from anyclue.git import repository as git
from anyclue.git.history import commit_range
from anyclue.git.model import CommitNode

MIRRORS = Path("/work/.mirror")
SIZES = (500, 750, 1000, 1250, 1500, 2000, 2500, 3000, 4000, 5000)
RATES = (
    Rates(),
    Rates(false_good=0.05, false_bad=0.01),
    Rates(false_good=0.2, false_bad=0.01),
    Rates(false_good=0.05, false_bad=0.05),
    Rates(false_good=0.2, false_bad=0.2),
)
EVIDENCE = (Strategy.SCORE, Strategy.TOUCH, Strategy.BOTH, Strategy.GOOD, Strategy.MISLED)
SEED = 5
GENERATED = 20_000


@dataclass(frozen=True, kw_only=True)
class Row:
    """A strategy at some rates, over all culprits."""

    strategy: Strategy
    rates: Rates
    outcomes: tuple[SimulatedOutcome, ...]

    def figures(self) -> dict[str, object]:
        """Return what is told of it."""
        runs = [one.runs for one in self.outcomes]
        count = len(runs)
        return {
            "strategy": self.strategy.value,
            "false_good": self.rates.false_good,
            "false_bad": self.rates.false_bad,
            "mean_runs": round(float(np.mean(runs)), 2),
            "median_runs": float(np.median(runs)),
            "p95_runs": float(np.quantile(runs, 0.95, method="higher")),
            "right": round(sum(one.right for one in self.outcomes) / count, 4),
            "wrong": round(sum(one.wrong for one in self.outcomes) / count, 4),
        }


_SPANS: list[Ancestry] = []
"""Ranges, in each worker: they are handed over by the fork."""


def main() -> None:
    """Simulate, with progress on stderr; print a table and, as the last line, JSON."""
    options = _options()
    begin = time.monotonic()
    source, commits = _source(options)
    picked = sample_ranges(commits, options.sizes, options.seed)
    _SPANS[:] = [ancestry_of(one) for one in picked]
    sizes = [len(one) for one in _SPANS]
    merges = [sum(len(commit.parents) > 1 for commit in one.commits) for one in picked]
    print(f"history: {source}, {len(commits):,} commits", file=sys.stderr)
    print(f"ranges: {sizes} commits, of which {merges} merges", file=sys.stderr)
    rows = []
    with ProcessPoolExecutor(options.workers) as pool:
        for rates in RATES:
            for strategy in Strategy:
                cases = [(strategy, rates, one, options.seed) for one in range(options.culprits)]
                outcomes = tuple(pool.map(_one, cases, chunksize=25))
                rows.append(Row(strategy=strategy, rates=rates, outcomes=outcomes))
                print(_line(rows[-1]), flush=True)
    evidence = {one.value: _quality(one, options) for one in EVIDENCE}
    result = {
        "history": source,
        "commits": len(commits),
        "ranges": sizes,
        "merges": merges,
        "culprits": options.culprits,
        "seed": options.seed,
        "seconds": round(time.monotonic() - begin, 1),
        "evidence": evidence,
        "table": [row.figures() for row in rows],
    }
    print(json.dumps(result))


def _one(case: tuple[Strategy, Rates, int, int]) -> SimulatedOutcome:
    """Bisect for one culprit."""
    strategy, rates, number, seed = case
    return simulate(*_case(strategy, rates, number, seed))


def _case(
    strategy: Strategy, rates: Rates, number: int, seed: int
) -> tuple[Ancestry, Strategy, SimulatedCase]:
    """Return a bisection; its culprit and its accidents are the same for every strategy."""
    span = _SPANS[number % len(_SPANS)]
    culprit = int(np.random.default_rng((seed, number)).integers(len(span)))
    return span, strategy, SimulatedCase(culprit=culprit, rates=rates, seed=seed * 10**6 + number)


def _quality(strategy: Strategy, options: argparse.Namespace) -> dict[str, float]:
    qualities = []
    for number in range(options.culprits):
        span, _, case = _case(strategy, Rates(), number, options.seed)
        evidence = simulated_evidence(span, strategy, case)
        qualities.append(evidence_quality(span, evidence, case.culprit))
    return {
        "auc": round(float(np.mean([one.ranked_below for one in qualities])), 3),
        "bits": round(float(np.mean([one.bits for one in qualities])), 2),
    }


def _line(row: Row) -> str:
    figures = row.figures()
    rates = f"{row.rates.false_good:4.0%} {row.rates.false_bad:4.0%}"
    runs = f"{figures['mean_runs']:6} {figures['median_runs']:6} {figures['p95_runs']:6}"
    return f"{rates}  {row.strategy.value:<52} {runs}  right {figures['right']:.1%}"


def _source(options: argparse.Namespace) -> tuple[str, Sequence[CommitNode]]:
    """Return the history to take ranges from, and how to call it."""
    path = options.repository
    if path is None and not options.generated:
        packs = MIRRORS.glob("*/repo/objects/pack/*.idx")
        largest = max(packs, key=lambda pack: pack.stat().st_size, default=None)
        path = largest.parents[2] if largest else None
    if path is None:
        return f"generated, seed {options.seed}", generated_history(GENERATED, options.seed)
    repo = git.repository(path)
    head = git.commit(repo, "HEAD")
    name = path.parent.name if path.is_relative_to(MIRRORS) else path.resolve().name
    return f"{name} at {head[:12]}", commit_range(repo, (), head).commits


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repository", type=Path, help="take ranges from this git repository")
    parser.add_argument("--generated", action="store_true", help="take a generated history")
    parser.add_argument("--culprits", type=int, default=1000, help="bisections of each kind")
    parser.add_argument("--sizes", type=_sizes, default=SIZES, help="commits of the ranges")
    parser.add_argument("--seed", type=int, default=SEED, help="for another draw")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes")
    return parser.parse_args()


def _sizes(text: str) -> Sequence[int]:
    return tuple(int(one) for one in text.split(","))


if __name__ == "__main__":
    main()
