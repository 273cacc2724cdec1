"""Measure the hunt on every series of Debian's kernels that the archive has.

    make bench-kernels
    python -m bench.kernels --series 7.3 --cache DIR

For each series and architecture: the mail's bug in shape (one release of an input page of the LZO
path is dropped), hunted cold and warm, beside cells in which nothing is planted. Cold: the cache
holds package lists, and what series before it left. The last line is one JSON object; docs/bench.md
describes it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tomli_w

SIGNATURE = "page-cache-reference"
FILE = "fs/btrfs/lzo.c"
FUNCTION = "lzo_compress"
"""How the function's name begins in every series; what follows it changed twice."""
PAGES_UNTIL = (6, 1)
PAGES = {"file": FILE, "find": "if (page_in) put_page(page_in);", "replace": ""}
FOLIOS = {
    "file": FILE,
    "find": "folio_put(folio_in); folio_in = NULL;",
    "replace": "folio_in = NULL;",
}
PLANTED = ("bad", "lzo")


def main() -> None:
    """Measure, telling what is going on on stderr; print the result."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--series", action="append", help="only these")
    parser.add_argument("--cache", type=Path, help="keep the cache there [a new one, removed]")
    given = parser.parse_args()
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}"
    print(f"machine: {machine}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="anyclue-bench-") as name:
        directory = Path(name)
        environment = {"XDG_CACHE_HOME": str(given.cache or directory / "cache")}
        listed = json.loads(anyclue(["kernels", "--json"], environment))
        result = {
            f"{series} {arch}": measured(series, arch, directory, environment)
            for series, arch in offered(listed)
            if not given.series or series in given.series
        }
    print(json.dumps(result))


def offered(listed: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return each series with each of its architectures, in the order of `anyclue kernels`."""
    pairs = ((one["series"], arch) for one in listed["entries"] for arch in one["arches"])
    return list(dict.fromkeys(pairs))


def scenario(series: str, arch: str) -> dict[str, Any]:
    """Return the scenario of three cells: planted, without the change, without the option."""
    older = tuple(map(int, series.split("."))) <= PAGES_UNTIL
    good = {"debian": series, "module": "fs/btrfs"}
    return {
        "schema": 1,
        "title": f"a planted leak on {series}",
        "kernels": {"good": good, "bad": {**good, "edits": [PAGES if older else FOLIOS]}},
        "machines": {arch: {"arch": arch, "ram": "1 GiB"}},
        "mount": {"none": "", "lzo": "compress=lzo"},
        "workloads": {"small-files": {"use": "enospc-small-files", "files": 600}},
        "plan": {
            "reference": {"kernel": "good"},
            "include": [{"mount": "lzo"}, {"kernel": "bad", "mount": "none"}],
        },
    }


def measured(
    series: str, arch: str, directory: Path, environment: Mapping[str, str]
) -> dict[str, Any]:
    """Hunt twice on one series and architecture; say what was found, and how long it took."""
    at = directory / f"{series}-{arch}"
    at.mkdir()
    file = at / "scenario.toml"
    file.write_text(tomli_w.dumps(scenario(series, arch)))
    seconds = {}
    for name in ("cold", "warm"):
        begin = time.monotonic()
        anyclue(["hunt", "--no-clue", "--out", str(at / name), str(file)], environment)
        seconds[f"{name}_s"] = round(time.monotonic() - begin, 1)
    clue = json.loads(anyclue(["clue", "--json", str(at / "warm")], environment))
    cells = [cell for name in ("cold", "warm") for cell in verdicts(at / name)]
    return {**found(cells, clue), **seconds}


def found(cells: Sequence[Mapping[str, Any]], clue: Mapping[str, Any]) -> dict[str, Any]:
    """Return whether the planted leak was found, signature and place right, and all else clean."""
    planted = [one for one in cells if (one["kernel"], one["mount"]) == PLANTED]
    others = [one for one in cells if (one["kernel"], one["mount"]) != PLANTED]
    places = clue["places"]
    return {
        "planted": all(
            one["verdict"] == "leak" and one["signature"] == SIGNATURE for one in planted
        ),
        "place": bool(places) and places[0]["function"].startswith(FUNCTION),
        "clean": all(one["verdict"] == "clean" for one in others),
        "false_leaks": sorted({one["cell"] for one in others if one["verdict"] == "leak"}),
    }


def verdicts(directory: Path) -> list[dict[str, Any]]:
    """Read the cells of a run's ``verdicts.json``."""
    cells: list[dict[str, Any]] = json.loads((directory / "verdicts.json").read_text())["cells"]
    return cells


def anyclue(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """Run the command and return its output; a regression that it found is no failure.

    Raises:
        SystemExit: it failed.
    """
    program = str(Path(sys.executable).with_name("anyclue"))
    done = subprocess.run(
        [program, *arguments],
        check=False,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    if done.returncode > 1:
        raise SystemExit(f"anyclue {' '.join(arguments)}: exit status {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    main()
