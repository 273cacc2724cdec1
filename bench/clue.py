"""Measure the clue in real guests: is the right function named, who is acquitted, at what cost.

    make bench-clue
    python -m bench.clue --bug "kmalloc object" --keep DIR

The mail's case (scenarios/lzo-leak.toml) and five bugs planted in other files of fs/btrfs are
hunted, each among 16 combinations of which the hunt chooses. Harmless edits lie around each planted
bug, so that to differ is no answer. The rank is that of the right function among the clue's places,
1 for the first; null where it is not among them. The last line is one JSON object; see
docs/bench.md for its fields. The exit status is 1 when a rank is above 3, or null.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import platformdirs
from bench.clue_bench.places import DIRECTORY, EDITS, SEED, plant_amid
from bench.clue_bench.planted import PLANTED, Planted
from bench.pairs_bench.sources import Sources
from bench.pairs_bench.speed import COMMAND
from bench.probes import measure

from anyclue.hunt.probes.selection import probes_named

ROOT: Final = Path(__file__).resolve().parent.parent
MAIL: Final = "page reference"
DEFAULT: Final = ROOT / "scenarios/lzo-leak.toml"
GOOD_ENOUGH: Final = 3
COSTLY: Final = ("page-allocations", "slab-growth", "slab-traces", "kmap-balance")
"""Probes that run on Debian's kernels as they are."""

SCENARIO: Final = """\
schema = 1
title = "{name}"

[kernels.good]
debian = "{version}"
module = "{directory}"
[kernels.bad]
debian = "{version}"
module = "{directory}"
tree = "bad"

[machines.i386-2g]
arch = "i386"
ram = "2 GiB"

[mount]
none = ""
zlib = "compress=zlib"
lzo = "compress=lzo"
zstd = "compress=zstd"

[workloads.small-files]
use = "enospc-small-files"
files = {files}
direct_every = 0
[workloads.mix]
use = "compression-mix"

[plan]
reference = {{ kernel = "good" }}
"""


@dataclass(frozen=True, kw_only=True)
class Hunted:
    """One hunt: what was planted, and its clue (``clues.json``)."""

    bug: Planted
    clue: Mapping[str, Any]

    @property
    def rank(self) -> int | None:
        """The right function's rank among the places, 1 for the first."""
        wanted = (self.bug.edit.function, self.bug.edit.file)
        places = [(place["function"], place["path"]) for place in self.clue["places"]]
        return places.index(wanted) + 1 if wanted in places else None

    @property
    def cells(self) -> tuple[int, int]:
        """Cells that were run, and all."""
        conjunction = self.clue["conjunction"] or {"cells_run": 0, "cells_full": 0}
        return conjunction["cells_run"], conjunction["cells_full"]


def main() -> int:
    """Measure, telling what is going on on stderr; print JSON, and return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--bug", action="append", choices=[bug.name for bug in PLANTED], help="this one; repeatable"
    )
    parser.add_argument("--no-probes", action="store_true", help="leave out what probes cost")
    parser.add_argument("--keep", type=Path, help="keep scenarios and runs in this new directory")
    options = parser.parse_args()
    wanted = [bug for bug in PLANTED if not options.bug or bug.name in options.bug]
    with _directory(options.keep) as scratch:
        hunted = []
        for bug in wanted:
            scenario = DEFAULT if bug.name == MAIL else _scenario(bug, scratch)
            hunted.append(Hunted(bug=bug, clue=_clue(scenario, scratch / f"{_slug(bug)}-run")))
            print(_summary(hunted[-1]), file=sys.stderr)
    slowdown = {} if options.no_probes else asyncio.run(_slowdown())
    print(json.dumps(_document(hunted, slowdown)))
    return int(any(one.rank is None or one.rank > GOOD_ENOUGH for one in hunted))


def _document(hunted: Sequence[Hunted], slowdown: Mapping[str, float | None]) -> dict[str, Any]:
    mail = next((one for one in hunted if one.bug.name == MAIL), None)
    return {
        "bugs": [
            {
                "name": one.bug.name,
                "function": one.bug.edit.function,
                "rank": one.rank,
                "signature": [guilt["signature"] for guilt in one.clue["guilt"]],
                "cells_run": one.cells[0],
                "cells_full": one.cells[1],
            }
            for one in hunted
        ],
        "suspects": [
            {"name": suspect["name"], "verdict": suspect["standing"]}
            for suspect in (mail.clue["suspects"] if mail else [])
        ],
        "cells_run": sum(one.cells[0] for one in hunted),
        "cells_full": sum(one.cells[1] for one in hunted),
        "probe_slowdown": dict(slowdown),
    }


def _summary(one: Hunted) -> str:
    ran, full = one.cells
    return f"{one.bug.name}: rank {one.rank}, {ran} of {full} cells: {one.clue['sentence']}"


def _scenario(bug: Planted, scratch: Path) -> Path:
    """Write the scenario of a planted bug, and its tree; return the scenario's path."""
    sources = Sources(Path(platformdirs.user_cache_dir("anyclue")))
    version = asyncio.run(sources.versions()).newest
    tree = asyncio.run(sources.tree(version))
    place = scratch / _slug(bug)
    shutil.copytree(tree / DIRECTORY, place / "bad" / DIRECTORY)
    plant_amid(place / "bad", bug, EDITS, SEED + PLANTED.index(bug))
    file = place / f"{_slug(bug)}.toml"
    text = SCENARIO.format(name=bug.name, version=version, directory=DIRECTORY, files=bug.files)
    file.write_text(text)
    return file


def _clue(scenario: Path, run: Path) -> dict[str, Any]:
    argv = [str(COMMAND), "hunt", str(scenario), "--out", str(run)]
    done = subprocess.run(argv, stdout=subprocess.PIPE, check=False)
    if done.returncode not in (0, 1, 3) or not (run / "clues.json").is_file():
        raise SystemExit(f"{argv} failed with {done.returncode}")
    clue: dict[str, Any] = json.loads((run / "clues.json").read_text())
    return clue


async def _slowdown() -> dict[str, float | None]:
    costs = await measure(probes_named(COSTLY))
    return {name: cost.slowdown for name, cost in costs.items()}


@contextlib.contextmanager
def _directory(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True)
        yield keep.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="anyclue-bench-") as name:
        yield Path(name)


def _slug(bug: Planted) -> str:
    return bug.name.replace(" ", "-")


if __name__ == "__main__":
    sys.exit(main())
