"""Check the repositories: every commit is built, those that matter run in guests.

    python -m bench.bisect_bench.check
    python -m bench.bisect_bench.check --kind evil-merge --parts guests

Slow: one build a commit, in a workbench that all share, and a guest for each of two dozen commits.
The last line is one JSON object, the exit status is 1 when something is not as expected.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import platformdirs
from bench.bisect_bench.caches import without_modules
from bench.bisect_bench.case import SERIES, export, scenario
from bench.bisect_bench.histories import DIRECTORY, MAKERS, BenchHistory
from bench.bisect_bench.repository import Repository
from bench.pairs_bench.sources import Sources
from bench.pairs_bench.speed import COMMAND

from anyclue.model.errors import RequestError
from anyclue.model.scenario import Arch, DebianKernel, ModuleVariant
from anyclue.system.debian_archive import DebianArchive
from anyclue.system.store import Store
from anyclue.trial.filesystems.btrfs import BTRFS
from anyclue.trial.kernels.debian import DebianKernels
from anyclue.trial.kernels.layout import TrialSubject
from anyclue.trial.kernels.variants import Variants

PARTS: Final = ("builds", "guests")
LEAK: Final = "leak of page-cache-reference"


def main() -> int:
    """Check, telling what is going on on stderr; print JSON, and return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kind", action="append", choices=[*MAKERS], help="this one; repeatable")
    parser.add_argument("--parts", action="append", choices=PARTS, help="this part; repeatable")
    options = parser.parse_args()
    users = Path(platformdirs.user_cache_dir("anyclue"))
    sources = Sources(users)
    source = asyncio.run(sources.tree(asyncio.run(sources.versions()).newest))
    wrong: list[str] = []
    counts = dict.fromkeys(PARTS, 0)
    with tempfile.TemporaryDirectory(prefix="anyclue-bench-") as name:
        scratch = Path(name)
        # What this check builds is no use to anybody else.
        cache = without_modules(users, scratch / "cache/anyclue")
        os.environ["XDG_CACHE_HOME"] = str(cache.parent)
        every = [MAKERS[kind](source, scratch / kind) for kind in options.kind or MAKERS]
        for made in every:
            wanted, found = {}, {}
            if "builds" in (options.parts or PARTS):
                counts["builds"] += len(made.commits)
                wanted = {c: c not in made.unbuildable for c in (made.good, *made.commits)}
                found = asyncio.run(_built(made, cache, scratch))
            wrong += _compared(made, wanted, found)
            if "guests" in (options.parts or PARTS):
                commits = interesting(made)
                counts["guests"] += len(commits)
                expected = {name: expected_of(made, commits[name]) for name in commits}
                wrong += _compared(made, expected, _verdicts(made, commits, scratch / "guests"))
    print(json.dumps({**counts, "wrong": wrong}))
    return int(bool(wrong))


def interesting(made: BenchHistory) -> dict[str, str]:
    """Return, by name, the commits that run in guests; the revert is made here."""
    repository = Repository(made.path)
    repository.branch("reverted", made.bad)
    mainline = ("-m", "1") if made.culprit in made.merges else ()
    reverted = repository.revert(made.culprit, *mainline)
    repository.branch("main")
    return {
        "good": made.good,
        "bad": made.bad,
        "culprit": made.culprit,
        **{f"parent{number}": one for number, one in enumerate(made.parents, 1)},
        **{f"crash{number}": one for number, one in enumerate(made.crashing, 1)},
        "fixed": made.fix,
        "reverted": reverted,
    }


def expected_of(made: BenchHistory, commit: str) -> str:
    """Return what has to be said of a commit that runs in a guest."""
    if commit in made.crashing:
        return "broken"
    return LEAK if commit in {made.culprit, made.bad} else "clean"


def _compared(
    made: BenchHistory, wanted: Mapping[str, object], found: Mapping[str, object]
) -> list[str]:
    wrong = [
        f"{made.kind} {name}: {found.get(name)}, expected {one}"
        for name, one in wanted.items()
        if found.get(name) != one
    ]
    for line in wrong:
        print(f"WRONG: {line}", file=sys.stderr)
    return wrong


async def _built(made: BenchHistory, cache: Path, scratch: Path) -> dict[str, bool]:
    """Return, by commit, whether it builds for Debian's i386 kernel."""
    store = Store(cache / "store")
    archive = DebianArchive(cache / "apt", store)
    debian = DebianKernels(archive, store, cache / "workbenches")
    arch = Arch.I386
    packages = (await debian.resolve(DebianKernel(series=SERIES), {arch}))[arch]
    variants = Variants(debian, archive, store, cache / "workbenches")
    builds: dict[str, bool] = {}
    for number, commit in enumerate((made.good, *made.commits)):
        begin, tree = time.monotonic(), scratch / "tree"
        export(made.path, commit, tree)
        try:
            variant = ModuleVariant(directory=DIRECTORY, tree=str(tree))
            await variants.build(packages, variant, TrialSubject(file_system=BTRFS))
            builds[commit], said = True, "builds"
        except RequestError as error:
            builds[commit], said = False, str(error.problems[0].what)
        took = time.monotonic() - begin
        print(f"{made.kind} {number} {commit[:12]}: {said}, {took:.1f} s", file=sys.stderr)
    return builds


def _verdicts(made: BenchHistory, commits: Mapping[str, str], directory: Path) -> dict[str, str]:
    """Return what a hunt says of commits, by their names."""
    place = directory / made.kind
    trees = {name: place / name for name in commits}
    for name, commit in commits.items():
        export(made.path, commit, trees[name])
    file = place / "scenario.toml"
    file.write_text(scenario(trees))
    argv = [str(COMMAND), "hunt", str(file), "--out", str(place / "run")]
    ran = subprocess.run([*argv, "--json"], check=False, stdout=subprocess.PIPE, text=True)
    cells: list[dict[str, Any]] = json.loads(ran.stdout)["cells"]
    return {cell["kernel"]: _verdict(cell, made) for cell in cells}


def _verdict(cell: Mapping[str, Any], made: BenchHistory) -> str:
    said = f"leak of {cell['signature']}" if cell["verdict"] == "leak" else str(cell["verdict"])
    print(f"{made.kind} {cell['kernel']}: {said}; {cell['because']}", file=sys.stderr)
    return said


if __name__ == "__main__":
    sys.exit(main())
