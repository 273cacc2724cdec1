"""Findings that were sorted by hand: how many like each other are real, and what that foretells.

    python -m bench.sorted --tree 7.3=linux-7.3 --tree 6.1=linux-6.1

The trees are those of Debian's linux-source 7.3.4-1~bpo13+1 and 6.1.192-2. A sorted finding that is
found no more is counted as gone. The score is that of Brier, by leaving one out: 0 is perfect, and
the base is what the share of real ones alone gets. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from anyclue.review.pairs.contracts.read import built_in
from anyclue.review.pairs.contracts.versions import for_version
from anyclue.review.pairs.driver.request import cache_directory
from anyclue.review.pairs.driver.review import Reviewer
from anyclue.review.pairs.driver.sources import kernel_version
from anyclue.review.pairs.model import Confidence, Finding
from anyclue.review.pairs.rules.probability import (
    Likeness,
    SortedCount,
    confidence_in_tree,
    likeness,
    probability,
)

SORTED = Path(__file__).parent / "pairs_bench" / "sorted.json"


@dataclass(frozen=True, kw_only=True)
class SortedFinding:
    """A finding that was sorted by hand, as it is found now.

    Attributes:
        real: what the reader says.
        confidence: its confidence now.
        like: what it is counted with now.
    """

    real: bool
    confidence: Confidence
    like: Likeness


def main() -> None:
    """Count, leave one out, print."""
    parser = argparse.ArgumentParser(prog="bench.sorted", description=__doc__)
    parser.add_argument("--tree", action="append", required=True, metavar="VERSION=DIR")
    parser.add_argument("--jobs", type=int)
    options = parser.parse_args()
    rows = json.loads(SORTED.read_text())
    found: list[SortedFinding] = []
    gone: Counter[bool] = Counter()
    for tree in options.tree:
        version, _, directory = tree.partition("=")
        wanted = [row for row in rows if row["tree"] == version]
        again = found_again(Path(directory), wanted, options.jobs)
        found += [one for one in again if one is not None]
        gone.update(
            bool(row["real"]) for row, one in zip(wanted, again, strict=True) if one is None
        )
    counts = _counts(found)
    for like, count in counts.items():
        print(
            f"{like.value:18} {count.real:3} of {count.all:3} real: {probability(like, counts):.2f}"
        )
    by = {one.value: _counts([it for it in found if it.confidence is one]) for one in Confidence}
    print(
        json.dumps(
            {
                "counts": {like.value: [one.real, one.all] for like, one in counts.items()},
                "by_confidence": {
                    word: [
                        sum(one.real for one in of.values()),
                        sum(one.all for one in of.values()),
                    ]
                    for word, of in by.items()
                },
                "gone": {"real": gone[True], "false": gone[False]},
                "brier_left_out": round(_brier(found), 3),
                "brier_base": round(_base(found), 3),
            }
        )
    )


def found_again(
    tree: Path, rows: Sequence[Mapping[str, object]], jobs: int | None
) -> list[SortedFinding | None]:
    """Return each sorted finding as it is found now; None for one that is found no more.

    What it is like is asked of what the rules say, before that is trusted less in a tree.
    """
    contracts = for_version(built_in(), kernel_version(tree))
    kinds = {pair.name: pair.kind for pair in contracts.pairs}
    reviewer = Reviewer(tree, contracts=contracts, cache=cache_directory(), jobs=jobs)
    wanted = [tree / one for one in _directories(str(row["file"]) for row in rows)]
    findings = reviewer.tree(wanted, trust=lambda one: one.confidence).findings
    again: list[SortedFinding | None] = []
    for row in rows:
        one = _same(row, findings)
        if one is None:
            again.append(None)
            continue
        like = likeness(one, kinds[one.pair])
        confidence = confidence_in_tree(one)
        again.append(SortedFinding(real=bool(row["real"]), confidence=confidence, like=like))
    return again


def _directories(files: Iterable[str]) -> list[str]:
    """Return the directories that are reviewed for some files: subsystems, none in another."""
    found = {"/".join(one.split("/")[:-1][:2]) for one in files}
    return sorted(one for one in found if one.partition("/")[0] not in found - {one})


def _same(row: Mapping[str, object], findings: Sequence[Finding]) -> Finding | None:
    """Return the finding that a row is about: of several, the one at its line or the first."""
    alike = [
        one
        for one in findings
        if (one.path, one.function, one.pair, one.kind.value)
        == (row["file"], row["function"], row["pair"], row["kind"])
    ]
    return next((one for one in alike if one.line == row["line"]), next(iter(alike), None))


def _counts(found: Sequence[SortedFinding]) -> dict[Likeness, SortedCount]:
    return {
        like: SortedCount(
            real=sum(one.real for one in found if one.like is like),
            all=sum(one.like is like for one in found),
        )
        for like in Likeness
    }


def _brier(found: Sequence[SortedFinding]) -> float:
    """Return the mean squared error of each one's probability by the others."""
    errors = []
    for number, one in enumerate(found):
        others = _counts([*found[:number], *found[number + 1 :]])
        errors.append((probability(one.like, others) - one.real) ** 2)
    return sum(errors) / len(errors)


def _base(found: Sequence[SortedFinding]) -> float:
    real = sum(one.real for one in found)
    shares = [(real - one.real + 0.5) / len(found) for one in found]
    return sum((share - one.real) ** 2 for share, one in zip(shares, found, strict=True)) / len(
        found
    )


if __name__ == "__main__":
    main()
