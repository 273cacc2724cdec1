"""Measure the review of merges: whether it is right on generated merges, and time on a large one.

    make bench-merge
    python -m bench.merge --parts cases --case clean --case mail

Debian's kernel source is downloaded through apt and kept in the user's cache. The last line is one
JSON object; see docs/bench.md for its fields. The exit status is 1 when a case is not as expected.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import platformdirs
from bench.merge_bench import large
from bench.merge_bench.cases import CASES, got
from bench.merge_bench.forge import Forge
from bench.merge_bench.seed_files import SeedFile, btrfs, small
from bench.pairs_bench.sources import Sources

PARTS: Final = ("small", "btrfs", "large")


def main() -> int:
    """Measure, telling what is going on on stderr; print JSON, and return the exit status."""
    options = _options()
    result: dict[str, object] = {}
    cases: list[dict[str, object]] = []
    sources = Sources(Path(platformdirs.user_cache_dir("anyclue")))
    newest = asyncio.run(sources.versions()).newest if {*options.parts} - {"small"} else ""
    with tempfile.TemporaryDirectory(prefix="anyclue-bench-") as name:
        scratch = Path(name)
        # Nothing that an earlier run found out helps this one.
        os.environ["XDG_CACHE_HOME"] = str(scratch / "cache")
        if "small" in options.parts:
            cases += _cases("small", small(), options.case, scratch)
        if "btrfs" in options.parts:
            tree = asyncio.run(sources.tree(newest))
            cases += _cases("btrfs", btrfs(tree), options.case, scratch)
        if {"small", "btrfs"} & {*options.parts}:
            result["cases"] = cases
        if "large" in options.parts:
            repository = asyncio.run(sources.repository(newest))
            result |= large.measured(repository, scratch, options.runs)
    wrong = [case["name"] for case in cases if case["got"] != case["expected"]]
    print(f"cases: {len(cases)}, not as expected: {len(wrong)}", file=sys.stderr)
    print(json.dumps(result))
    return int(bool(wrong))


def _cases(
    where: str, seed: SeedFile, names: Sequence[str], scratch: Path
) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for case in CASES:
        if names and case.name not in names:
            continue
        name = f"{where}-{case.name}"
        expected, found = case.expected_of(seed), got(Forge.new(scratch / name), case, seed)
        rows.append({"name": name, "expected": expected, "got": found})
        print(f"{name}: {'as expected' if found == expected else 'WRONG'}", file=sys.stderr)
        for line in sorted({*expected} ^ {*found}):
            print(f"  {'wanted' if line in expected else 'got'}: {line}", file=sys.stderr)
    return rows


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--parts", type=_parts, default=PARTS, help=f"of {','.join(PARTS)}")
    parser.add_argument("--case", action="append", default=[], help="this case alone; repeatable")
    parser.add_argument("--runs", type=int, default=3, help="reviews of the large merge")
    return parser.parse_args()


def _parts(text: str) -> Sequence[str]:
    parts = text.split(",")
    if unknown := set(parts) - set(PARTS):
        raise argparse.ArgumentTypeError(f"no such part: {', '.join(sorted(unknown))}")
    return parts


if __name__ == "__main__":
    sys.exit(main())
