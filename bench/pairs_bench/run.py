"""The parts of the benchmark, one function each: every one prints, and returns fields of JSON."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.pairs_bench import measure, speed, tables
from bench.pairs_bench.noops import noops
from bench.pairs_bench.peers import Comparison, Peer
from bench.pairs_bench.sampling import REPORT, TREES, TUNE, Mutant, candidates, sample
from bench.pairs_bench.sources import Sources
from bench.pairs_bench.stable import Update
from bench.pairs_bench.tools import Headers, at_hand

from anyclue.review.pairs.contracts.model import Contracts
from anyclue.review.pairs.driver.review import Reviewer

Fields = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What is measured on.

    Attributes:
        tree: the newest source.
        oldest: the oldest one.
        version: version of the newest.
        changed: what changed in it since the oldest source.
        contracts: what is known of acquiring and releasing.
        reviewer: the checker, on the newest source.
        sources: where headers come from.
        scratch: a directory that is thrown away.
        seed: what the samples are drawn with.
    """

    tree: Path
    oldest: Path
    version: str
    changed: tuple[Update, ...]
    contracts: Contracts
    reviewer: Reviewer
    sources: Sources
    scratch: Path
    seed: int


def noise(bench: Bench) -> Fields:
    """Review the untouched trees."""
    rows = [("tree", "findings", "per 1,000 lines")]
    noise_per_kloc: dict[str, float | None] = {}
    for tree in TREES:
        review = bench.reviewer.tree([bench.tree / tree])
        findings = [f for f in review.findings if f.path.startswith(f"{tree}/")]
        lines = sum(file.read_bytes().count(b"\n") for file in (bench.tree / tree).rglob("*.[ch]"))
        noise_per_kloc[tree] = tables.share(len(findings) * 1000, lines)
        rows.append((tree, str(len(findings)), str(noise_per_kloc[tree])))
        print(f"{tree}: {len(findings)} findings, {lines} lines", file=sys.stderr)
    print(tables.aligned(rows))
    return {"noise_per_kloc": noise_per_kloc}


def drawn(bench: Bench, wanted: int) -> tuple[Mutant, ...]:
    """Draw mutants of all trees."""
    pools = {tree: candidates(bench.tree, tree, bench.contracts) for tree in TREES}
    for tree, pool in pools.items():
        print(f"{tree}: {len(pool)} possible mutants", file=sys.stderr)
    return sample(pools, wanted, bench.seed)


def recall(bench: Bench, mutants: Sequence[Mutant], missed: Path | None) -> Fields:
    """Review mutants; write those that are missed of the tune half to a file."""
    ids = measure.found(bench.reviewer, bench.tree, mutants)
    print(tables.recall_tables(mutants, ids))
    if missed:
        write(missed, [m for m in mutants if m.half == TUNE and m.id not in ids])
    by = {
        f"recall_by_{what}": tables.recall_by(what, mutants, ids, REPORT)
        for what in ("kind", "origin", "tree", "pair")
    }
    return {
        "mutants": len(mutants),
        "recall": tables.recall(mutants, ids, REPORT),
        "recall_tune": tables.recall(mutants, ids, TUNE),
        **by,
    }


def write(path: Path, mutants: Sequence[Mutant]) -> None:
    """Write mutants, each with what it is and its diff."""
    path.write_text("".join(_described(mutant) for mutant in mutants))


def _described(mutant: Mutant) -> str:
    mutation = mutant.mutation
    where = f"{mutation.source.path}:{mutation.line} {mutation.function.name}"
    what = f"{mutation.kind} {'|'.join(mutation.pairs)} {mutation.resource} {mutation.origin}"
    return f"# {mutant.id} {where}\n# {what}\n{mutant.diff}\n"


def silence(bench: Bench, wanted: int) -> Fields:
    """Review changes that change nothing."""
    changes = noops(bench.tree, TREES, bench.contracts, wanted, bench.seed)
    said = measure.noop_findings(bench.reviewer, bench.tree, changes)
    rows = [("change of nothing", "diffs", "findings")]
    for kind, findings in sorted(said.items()):
        rows.append((kind, str(sum(noop.kind == kind for noop in changes)), str(len(findings))))
        for finding in findings:
            print(f"said of a change of nothing ({kind}): {finding}", file=sys.stderr)
    print(tables.aligned(rows))
    return {
        "noop_diffs": len(changes),
        "noop_findings": sum(len(findings) for findings in said.values()),
    }


def updates(bench: Bench) -> Fields:
    """Review what changed from the oldest source to the newest, and the way back."""
    before = Reviewer(bench.oldest, contracts=bench.contracts, cache=bench.scratch / "oldest")
    result = measure.stable((before, bench.oldest), (bench.reviewer, bench.tree), bench.changed)
    fields = {
        "stable_updates_findings": len(result.together),
        "stable_updates_findings_by_file": len(result.introduced),
        "stable_updates_files": result.files,
        "stable_fixes_found": result.fixes_found,
        "stable_fixes": result.fixes,
    }
    print(tables.aligned([("updates", ""), *((key, str(value)) for key, value in fields.items())]))
    return fields


def seconds(bench: Bench) -> Fields:
    """Time the command."""
    cache = bench.scratch / "cache"
    fields = {
        "fs_seconds": speed.fs_seconds(bench.tree, cache),
        "diff_seconds": speed.diff_seconds(bench.tree, bench.changed, bench.scratch, cache),
    }
    print(tables.aligned([("time", "s"), *((key, str(value)) for key, value in fields.items())]))
    return fields


def others(bench: Bench, mutants: Sequence[Mutant], wanted: int) -> Fields:
    """Compare with other tools on a sample of the mutants, the checker on the same ones."""
    flavour, common = asyncio.run(bench.sources.headers(bench.version))
    headers = Headers(flavour=flavour, common=common, tree=bench.tree)
    comparison = Comparison(bench.tree, headers, bench.scratch / "peers")
    chosen = comparison.sample(mutants, wanted, bench.seed)
    begin = time.monotonic()
    ids = measure.found(bench.reviewer, bench.tree, chosen)
    own = Peer(
        name="anyclue",
        mutants=len(chosen),
        found=ids,
        in_function=ids,
        seconds=round(time.monotonic() - begin, 1),
        failed=0,
    )
    peers = [comparison.peer(tool, chosen) for tool in at_hand(headers)]
    print(tables.peer_table(peers, own))
    return {
        "peers": {
            peer.name: {
                "recall": tables.share(len(peer.found), peer.mutants),
                "recall_in_function": tables.share(len(peer.in_function), peer.mutants),
                "seconds": peer.seconds,
                "mutants": peer.mutants,
            }
            for peer in (own, *peers)
        }
    }
