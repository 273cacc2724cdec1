"""Measure the checker of pairing: recall on mutants, noise, time, and other tools beside it.

    make bench-pairs
    python -m bench.pairs --half tune --parts mutants --missed missed.txt

Debian's kernel source is downloaded through apt and kept in the user's cache. The last line is one
JSON object; see docs/bench.md for its fields, and for what the numbers cannot say.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import platformdirs
from bench.pairs_bench import run
from bench.pairs_bench.sampling import REPORT, TUNE
from bench.pairs_bench.sources import Sources
from bench.pairs_bench.stable import updates

from anyclue.review.pairs.contracts.read import built_in
from anyclue.review.pairs.contracts.versions import for_version
from anyclue.review.pairs.driver.review import Reviewer
from anyclue.review.pairs.driver.sources import kernel_version

PARTS = ("mutants", "noops", "stable", "noise", "speed", "peers")
SEED = 6


def main() -> None:
    """Measure, telling what is going on on stderr; print tables and, as the last line, JSON."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="anyclue-bench-") as name:
        bench = _set_up(options, Path(name))
        result: dict[str, object] = {"source": bench.version, "seed": bench.seed}
        mutants = run.drawn(bench, options.mutants) if _wants(options, "mutants", "peers") else ()
        if options.half:
            mutants = tuple(mutant for mutant in mutants if mutant.half == options.half)
        if options.dump:
            run.write(options.dump, [mutant for mutant in mutants if mutant.half == TUNE])
        if _wants(options, "noise"):
            result |= run.noise(bench)
        if _wants(options, "mutants"):
            result |= run.recall(bench, mutants, options.missed)
        if _wants(options, "noops"):
            result |= run.silence(bench, options.noops)
        if _wants(options, "stable"):
            result |= run.updates(bench)
        if _wants(options, "speed"):
            result |= run.seconds(bench)
        if _wants(options, "peers") and options.peers:
            half = options.half or REPORT
            reported = [mutant for mutant in mutants if mutant.half == half]
            result |= run.others(bench, reported, options.peers)
    print(json.dumps(result))


def _wants(options: argparse.Namespace, *parts: str) -> bool:
    return bool(set(parts) & set(options.parts))


def _set_up(options: argparse.Namespace, scratch: Path) -> run.Bench:
    sources = Sources(Path(platformdirs.user_cache_dir("anyclue")))
    offered = asyncio.run(sources.versions())
    newest = options.newest or asyncio.run(sources.tree(offered.newest))
    oldest = options.oldest or asyncio.run(sources.tree(offered.oldest))
    version = options.newest.name if options.newest else offered.newest
    print(f"source: {newest}; changes since {oldest}", file=sys.stderr)
    contracts = for_version(built_in(), kernel_version(newest))
    return run.Bench(
        tree=newest,
        oldest=oldest,
        version=version,
        changed=updates(oldest, newest, contracts),
        contracts=contracts,
        reviewer=Reviewer(newest, contracts=contracts, cache=scratch / "summaries"),
        sources=sources,
        scratch=scratch,
        seed=options.seed,
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mutants", type=int, default=640, help="how many to draw")
    parser.add_argument("--noops", type=int, default=240, help="how many to draw")
    parser.add_argument("--peers", type=int, default=48, help="mutants for other tools; 0: none")
    parser.add_argument("--seed", type=int, default=SEED, help="for another draw")
    parser.add_argument("--half", choices=(TUNE, REPORT), help="mutants of this half alone")
    parser.add_argument("--parts", type=_parts, default=PARTS, help=f"of {','.join(PARTS)}")
    parser.add_argument("--newest", type=Path, help="a kernel tree, instead of apt's newest")
    parser.add_argument("--oldest", type=Path, help="the same, instead of apt's oldest")
    parser.add_argument("--missed", type=Path, help="write the missed mutants of the tune half")
    parser.add_argument("--dump", type=Path, help="write all mutants of the tune half")
    return parser.parse_args()


def _parts(text: str) -> Sequence[str]:
    parts = text.split(",")
    if unknown := set(parts) - set(PARTS):
        raise argparse.ArgumentTypeError(f"no such part: {', '.join(sorted(unknown))}")
    return parts


if __name__ == "__main__":
    main()
