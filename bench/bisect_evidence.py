"""Measure what evidence is worth on a real history: how it ranks culprits that fixes name.

    python -m bench.bisect_evidence --repository DIR [--directory fs] [--review]

A fix that says `Fixes: COMMIT` gives a bisection: its parent is bad, the last release before the
culprit is good, and the directory in which the fix changes most files is the module that fails.
The last line is one JSON object; docs/bisect.md says what is in it.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from bench.bisect_bench.simulation import evidence_quality

from anyclue.bisect.core.ancestry import MAX_SEGMENTS, Ancestry, ancestry_of, count_segments
from anyclue.bisect.core.model import CommitEvidence, Rates
from anyclue.bisect.core.simulation import SimulatedCase, simulate_search
from anyclue.bisect.run.evidence import MAX_REVIEWS, EvidenceRequest, commit_evidence
from anyclue.git import repository as git
from anyclue.git.history import commit_range
from anyclue.model.errors import RequestError

RATES: Final = (
    Rates(),
    Rates(false_good=0.05, false_bad=0.01),
    Rates(false_good=0.2, false_bad=0.01),
)
FEWEST: Final = 100
"""Commits of a range at least: what is shorter needs no evidence."""
MOST: Final = 20_000
SEED: Final = 5


@dataclass(frozen=True, kw_only=True)
class Fixed:
    """A bisection that history has the answer to: its range, the answer, and the evidence."""

    span: Ancestry
    culprit: int
    known: Sequence[CommitEvidence]

    @property
    def inside(self) -> bool:
        """Whether the culprit touches the module."""
        return all(
            one.commit != self.span.ids[self.culprit] or one.ratio >= 1 for one in self.known
        )

    @property
    def others(self) -> float:
        """The share of the range that does."""
        return 1 - sum(one.ratio < 1 for one in self.known) / len(self.span)


def main() -> None:
    """Measure, telling what is going on on stderr; print JSON."""
    options = _options()
    found: list[Fixed] = []
    for commit, named, directory in _fixes(options.repository, options.directory, options.seed):
        if len(found) == options.fixes:
            break
        one = _fixed(options.repository, commit, named, directory, review=options.review)
        if one is not None:
            found.append(one)
            print(f"{len(found)}: {commit[:12]} {directory}, {len(one.span)}", file=sys.stderr)
    if not found:
        raise SystemExit("no such fix names a commit of this history")
    qualities = [evidence_quality(one.span, one.known, one.culprit) for one in found]
    repo = git.repository(options.repository)
    result = {
        "history": f"{options.repository} at {git.commit(repo, 'HEAD')[:12]}",
        "fixes": len(found),
        "median_commits": float(np.median([len(one.span) for one in found])),
        "inside": round(float(np.mean([one.inside for one in found])), 3),
        "others": round(float(np.mean([one.others for one in found])), 4),
        "auc": round(float(np.mean([one.ranked_below for one in qualities])), 3),
        "bits": round(float(np.mean([one.bits for one in qualities])), 2),
        "table": [_row(found, rates) for rates in RATES],
    }
    print(json.dumps(result))


def _row(found: Sequence[Fixed], rates: Rates) -> dict[str, float]:
    row = {"false_good": rates.false_good, "false_bad": rates.false_bad}
    for name in ("without", "with"):
        outcomes = [
            simulate_search(
                one.span,
                SimulatedCase(culprit=one.culprit, rates=rates, seed=SEED * 10**6 + number),
                one.known if name == "with" else (),
                rates,
            )
            for number, one in enumerate(found)
        ]
        row[f"runs_{name}"] = round(float(np.mean([one.runs for one in outcomes])), 2)
        row[f"right_{name}"] = round(float(np.mean([one.right for one in outcomes])), 4)
    return row


def _fixes(repository: Path, below: str, seed: int) -> Iterator[tuple[str, str, str]]:
    """Give fixes in an order that is drawn: commit, what it fixes, and where it changes files."""
    form = "--format=%x01%H%x00%(trailers:key=Fixes,valueonly,separator=%x20)%x00"
    shown = _git(repository, "log", "--no-merges", "--name-only", form, "HEAD", "--", below)
    entries = [entry.split("\0") for entry in shown.split("\x01")[1:]]
    order = np.random.default_rng(seed).permutation(len(entries))
    for commit, fixes, files in (entries[one] for one in order):
        named = re.findall(r"\b[0-9a-f]{7,40}\b", fixes)
        places = Counter(Path(file).parent.as_posix() for file in files.split())
        if len(named) == 1 and places:
            yield commit, named[0], places.most_common(1)[0][0]


def _fixed(
    repository: Path, commit: str, named: str, directory: str, *, review: bool
) -> Fixed | None:
    """Return the bisection that a fix gives; None where history has no such."""
    repo = git.repository(repository)
    try:
        culprit = git.commit(repo, named)
        bad = git.commit(repo, f"{commit}^")
        good = _git(repository, "describe", "--tags", "--abbrev=0", "--match=v*", f"{culprit}^")
        span = commit_range(repo, [git.commit(repo, good.strip())], bad)
    except (RequestError, subprocess.CalledProcessError):
        return None
    inside = {one.id for one in span.commits}
    if culprit not in inside or not FEWEST <= len(inside) <= MOST:
        return None
    if count_segments(span.commits) > MAX_SEGMENTS:
        return None
    past = ancestry_of(span)
    reviews = MAX_REVIEWS if review else 0
    known = commit_evidence(
        EvidenceRequest(repo=repo, span=span, directory=directory, mount="", reviews=reviews)
    )
    return Fixed(span=past, culprit=past.number[culprit], known=known)


def _git(repository: Path, *words: str) -> str:
    command = ["git", "-C", str(repository), *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True, errors="replace")
    return done.stdout


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repository", type=Path, required=True, help="the history")
    parser.add_argument("--directory", default=".", help="take fixes of files below it")
    parser.add_argument("--fixes", type=int, default=200, help="so many at most")
    parser.add_argument("--review", action="store_true", help="review commits for pairing as well")
    parser.add_argument("--seed", type=int, default=SEED, help="for another draw")
    return parser.parse_args()


if __name__ == "__main__":
    main()
