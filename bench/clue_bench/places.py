"""Rank the right function of planted bugs, from sources alone, amid harmless edits.

    python -m bench.clue_bench.places
    python -m bench.clue_bench.places --edits 100 --seed 3

The rank is that of the function in which the bug was planted, 1 for the first; null where it is
not listed. It is asked four times: by both sources and the signature; by the sources without a
signature; by the bad source alone with the signature; and by the change without pairing, as if
pairing had found nothing. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import platformdirs
from bench.bisect_bench.harmless_edits import EditSampler
from bench.clue_bench.planted import PLANTED, Planted
from bench.pairs_bench.reading import ENCODING
from bench.pairs_bench.sources import Sources

from anyclue.hunt.localise.core.model import ModuleSource, Symptoms
from anyclue.hunt.localise.core.rank import Ranking, rank_functions
from anyclue.hunt.localise.module_sources import read_module
from anyclue.trial.kernels.variants import apply_edit

DIRECTORY: Final = "fs/btrfs"
EDITS: Final = 20
SEED: Final = 11
WORKLOADS: Final = frozenset({"enospc-small-files"})
COLUMNS: Final = ("both", "no signature", "bad alone", "no pairing")


@dataclass(frozen=True, kw_only=True)
class Row:
    """The right function's rank and probability by what is known; None where it is not listed."""

    bug: Planted
    edits: int
    found: Mapping[str, tuple[int, float] | None]


def main() -> int:
    """Rank, printing the table to stderr and JSON to stdout; status 1 when a rank is above 3."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--edits", type=int, default=EDITS, help="harmless edits a bug")
    parser.add_argument("--seed", type=int, default=SEED, help="of the harmless edits")
    options = parser.parse_args()
    rows = ranked(options.edits, options.seed)
    print(table(rows), file=sys.stderr)
    print(json.dumps({"seed": options.seed, "places": [_json(row) for row in rows]}))
    ranks = [row.found["both"] for row in rows]
    return int(not all(one is not None and one[0] <= 3 for one in ranks))


def ranked(edits: int = EDITS, seed: int = SEED) -> list[Row]:
    """Return a row for each planted bug, each amid so many harmless edits of its own."""
    sources = Sources(Path(platformdirs.user_cache_dir("anyclue")))
    tree = asyncio.run(sources.tree(asyncio.run(sources.versions()).newest))
    with tempfile.TemporaryDirectory(prefix="anyclue-bench-") as name:
        good = Path(name) / "good"
        shutil.copytree(tree / DIRECTORY, good / DIRECTORY)
        rows = []
        for number, bug in enumerate(PLANTED):
            bad = Path(name) / f"bad-{number}"
            shutil.copytree(good, bad)
            made = plant_amid(bad, bug, edits, seed + number)
            rows.append(_row(bug, made, good, bad))
            print(f"{bug.name}: {rows[-1].found}", file=sys.stderr)
    return rows


def table(rows: Sequence[Row]) -> str:
    """Return the rows for people."""
    head = f"{'bug':22} {'function':28} {'edits':>5}  "
    lines = [head + "  ".join(f"{name:>14}" for name in COLUMNS)]
    for row in rows:
        told = "  ".join(f"{_cell(row.found[name]):>14}" for name in COLUMNS)
        lines.append(f"{row.bug.name:22} {row.bug.edit.function or '':28} {row.edits:>5}  {told}")
    return "\n".join(lines)


def _cell(found: tuple[int, float] | None) -> str:
    return f"{found[0]} ({found[1]:.3f})" if found else "not listed"


def _json(row: Row) -> dict[str, Any]:
    return {
        "name": row.bug.name,
        "function": row.bug.edit.function,
        "edits": row.edits,
        "signature": row.bug.signature.value,
        **{
            name.replace(" ", "_"): {"rank": one[0], "probability": round(one[1], 4)}
            if one
            else None
            for name, one in row.found.items()
        },
    }


def plant_amid(tree: Path, bug: Planted, edits: int, seed: int) -> int:
    """Plant a bug, and so many harmless edits in other functions; return how many were made."""
    file = tree / bug.edit.file
    text = apply_edit(file.read_text(encoding=ENCODING), bug.edit)
    file.write_text(text, encoding=ENCODING)
    return _harmless(tree, bug, edits, seed)


def _harmless(tree: Path, bug: Planted, edits: int, seed: int) -> int:
    """Edit other functions, in the bug's own file too; return how many edits were made."""
    drawing = EditSampler(seed, [(bug.edit.file, bug.edit.function or "")])
    every = [str(one.relative_to(tree)) for one in sorted((tree / DIRECTORY).glob("*.c"))]
    for number in range(edits):
        paths = [bug.edit.file] if number % 4 == 0 else every
        try:
            edit = drawing.edit(paths, lambda path: (tree / path).read_text(encoding=ENCODING))
        except LookupError:
            edit = drawing.edit(every, lambda path: (tree / path).read_text(encoding=ENCODING))
        (tree / edit.path).write_text(edit.text, encoding=ENCODING)
    return edits


def _row(bug: Planted, edits: int, good: Path, bad: Path) -> Row:
    module = read_module(good, bad, DIRECTORY, alone=True)
    alone = read_module(None, bad, DIRECTORY, alone=False)
    case = Symptoms(
        signature=bug.signature,
        slab_cache=bug.detail,
        regression=True,
        guilty=bug.guilty,
        innocent=bug.innocent,
        used=bug.guilty,
        workloads=WORKLOADS,
    )
    asked: dict[str, tuple[ModuleSource, Symptoms]] = {
        "both": (module, case),
        "no signature": (module, replace(case, signature=None, slab_cache="")),
        "bad alone": (alone, replace(case, regression=False)),
        "no pairing": (replace(module, change=(), tree=()), case),
    }
    return Row(
        bug=bug,
        edits=edits,
        found={name: _rank(bug, rank_functions(*one)) for name, one in asked.items()},
    )


def _rank(bug: Planted, found: Ranking) -> tuple[int, float] | None:
    return next(
        (
            (number, place.probability)
            for number, place in enumerate(found.places, 1)
            if (place.path, place.function) == (bug.edit.file, bug.edit.function)
        ),
        None,
    )


if __name__ == "__main__":
    sys.exit(main())
