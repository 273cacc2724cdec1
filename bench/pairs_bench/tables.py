"""The tables that `make bench-pairs` prints, and the numbers of its last line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from bench.pairs_bench.peers import Peer
from bench.pairs_bench.sampling import REPORT, TUNE, Mutant

BY: dict[str, Callable[[Mutant], str]] = {
    "kind": lambda mutant: mutant.mutation.kind.value,
    "tree": lambda mutant: mutant.tree,
    "origin": lambda mutant: mutant.mutation.origin.value,
    "pair": lambda mutant: mutant.mutation.pairs[0],
}


def share(part: float, whole: float) -> float | None:
    """Return a share, rounded; None of nothing."""
    return round(part / whole, 3) if whole else None


def recall(
    mutants: Iterable[Mutant], found: frozenset[str], half: str | None = None
) -> float | None:
    """Return the share of the mutants (of a half) that was found."""
    chosen = [mutant for mutant in mutants if half in (None, mutant.half)]
    return share(sum(mutant.id in found for mutant in chosen), len(chosen))


def recall_by(
    what: str, mutants: Sequence[Mutant], found: frozenset[str], half: str
) -> dict[str, float | None]:
    """Return the recall of a half by kind, tree, origin or pair."""
    chosen = [mutant for mutant in mutants if mutant.half == half]
    return {
        group: recall((m for m in chosen if BY[what](m) == group), found)
        for group in sorted({BY[what](mutant) for mutant in chosen})
    }


def recall_tables(mutants: Sequence[Mutant], found: frozenset[str]) -> str:
    """Return the tables of recall: a row a group, with both halves."""
    return "\n".join(_table(what, mutants, found) for what in BY)


def _table(what: str, mutants: Sequence[Mutant], found: frozenset[str]) -> str:
    rows = [(what, *(f"{half}: mutants, found, recall" for half in (TUNE, REPORT)))]
    for group in (*sorted({BY[what](mutant) for mutant in mutants}), None):
        mine = [mutant for mutant in mutants if group in (None, BY[what](mutant))]
        cells = []
        for half in (TUNE, REPORT):
            chosen = [mutant for mutant in mine if mutant.half == half]
            hits = sum(mutant.id in found for mutant in chosen)
            cells.append(f"{len(chosen):4} {hits:4}  {_percent(hits, len(chosen))}")
        rows.append((group or "all", *cells))
    return aligned(rows)


def peer_table(peers: Sequence[Peer], own: Peer) -> str:
    """Return the table of what every tool found of the same mutants."""
    rows = [("tool", "mutants", "found", "recall", "in the function", "seconds", "failed runs")]
    rows += [
        (
            peer.name,
            str(peer.mutants),
            str(len(peer.found)),
            _percent(len(peer.found), peer.mutants),
            str(len(peer.in_function)),
            str(peer.seconds),
            str(peer.failed),
        )
        for peer in (own, *peers)
    ]
    return aligned(rows)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as text in columns; the first row is the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:6.1%}" if whole else "     -"
