"""Measure the bisection: whether it is right on generated repositories, in real guests, and time.

    make bench-bisect
    python -m bench.bisection --kind evil-merge --keep DIR

Debian's kernel source is downloaded through apt and kept in the user's cache. The last line is one
JSON object; see docs/bench.md for its fields. The exit status is 1 when a culprit is not named.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import platformdirs
from bench.bisect_bench.caches import without_modules
from bench.bisect_bench.case import scenario
from bench.bisect_bench.histories import MAKERS, BenchHistory
from bench.bisect_bench.kernel_steps import Steps, steps
from bench.pairs_bench.sources import Sources
from bench.pairs_bench.speed import COMMAND

from anyclue.trial.context import Context


def main() -> int:
    """Measure, telling what is going on on stderr; print JSON, and return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kind", action="append", choices=[*MAKERS], help="this one; repeatable")
    parser.add_argument(
        "--keep", type=Path, help="keep repositories and runs in this new directory"
    )
    parser.add_argument(
        "--no-kernel", action="store_true", help="leave out the step with a whole kernel build"
    )
    parser.add_argument(
        "--header", action="store_true", help="add a step after a change of a central header"
    )
    options = parser.parse_args()
    users = Path(platformdirs.user_cache_dir("anyclue"))
    sources = Sources(users)
    source = asyncio.run(sources.tree(asyncio.run(sources.versions()).newest))
    cases, documents = [], []
    with _directory(options.keep) as scratch:
        for kind in options.kind or MAKERS:
            # No module that an earlier bisection built helps this one.
            cache = without_modules(users, scratch / f"{kind}-cache/anyclue").parent
            made = MAKERS[kind](source, scratch / kind)
            documents.append(_bisected(made, scratch, cache))
            cases.append(case(made, documents[-1]))
            print(f"{kind}: {cases[-1]}", file=sys.stderr)
    kernel = None
    if not options.no_kernel:
        repository = asyncio.run(sources.repository(asyncio.run(sources.versions()).newest))
        kernel = asyncio.run(steps(repository, Context.of_user(), header=options.header))
    print(json.dumps(result(cases, documents, kernel)))
    return int(not all(one["right"] for one in cases))


def case(made: BenchHistory, document: Mapping[str, Any]) -> dict[str, object]:
    """Return what is told of one repository, from what ``anyclue bisect --json`` printed."""
    accused = [one["commit"] for one in document.get("accused", ())]
    return {
        "name": made.kind,
        "right": accused == [made.culprit],
        "runs": document.get("runs"),
        "confidence": document.get("confidence"),
    }


def result(
    cases: Sequence[Mapping[str, object]],
    documents: Sequence[Mapping[str, Any]],
    kernel: Steps | None,
) -> dict[str, object]:
    """Return the last line's object; steps of all repositories count alike."""
    steps = [step["seconds"] for one in documents for step in one.get("steps", ())]
    seconds = [one for one in steps if one is not None]
    return {
        "cases": cases,
        "median_step_s": _rounded(statistics.median(seconds) if seconds else None),
        "incremental_kernel_step_s": _rounded(kernel.incremental if kernel else None),
        "fast_kernel_step_s": _rounded(kernel.fast if kernel else None),
        "header_kernel_step_s": _rounded(kernel.header if kernel else None),
    }


def _rounded(seconds: float | None) -> float | None:
    return round(seconds, 1) if seconds is not None else None


def _bisected(made: BenchHistory, scratch: Path, cache: Path) -> dict[str, Any]:
    """Return what the command printed; nothing when it failed."""
    file = scratch / f"{made.kind}.toml"
    file.write_text(scenario({"bisected": None}))
    argv = [
        *(str(COMMAND), "bisect", "--good", made.good, "--bad", made.bad, str(file)),
        *("--out", str(scratch / f"{made.kind}-run"), "--json"),
    ]
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    ran = subprocess.run(
        argv, check=False, cwd=made.path, env=environment, stdout=subprocess.PIPE, text=True
    )
    print(f"{made.kind}: status {ran.returncode}", file=sys.stderr)
    try:
        document: dict[str, Any] = json.loads(ran.stdout)
    except ValueError:
        return {}
    return document


@contextlib.contextmanager
def _directory(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(parents=True)
        yield kept.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="anyclue-bench-") as name:
        yield Path(name)


if __name__ == "__main__":
    sys.exit(main())
