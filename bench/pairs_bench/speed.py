"""How long the command takes: on all of fs/ with nothing cached, on one commit with summaries."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.pairs_bench.sampling import TREES
from bench.pairs_bench.stable import Update

COMMAND = Path(sys.executable).with_name("anyclue")


def fs_seconds(tree: Path, cache: Path) -> float:
    """Return the wall-clock seconds of `anyclue pairs` on all of ``fs``, with an empty cache."""
    shutil.rmtree(cache, ignore_errors=True)
    return round(_timed([str(COMMAND), "pairs", "--json", "fs"], tree, cache), 1)


def diff_seconds(tree: Path, changed: Sequence[Update], directory: Path, cache: Path) -> float:
    """Return the median seconds of `anyclue pairs --diff` over a commit of each directory.

    The repository is made of the tree's ``fs`` and ``mm``, with the old version of two files of
    each directory; each commit brings one of them to its new version. The first commit of a
    directory fills the cache and does not count; the second is what is timed: the next commit to
    the same code.
    """
    repository = directory / "repository"
    for part in ("fs", "mm"):
        shutil.copytree(tree / part, repository / part, symlinks=True)
    chosen = _two_of_each(changed)
    for update in chosen:
        (repository / update.path).write_bytes(update.old)
    _git(repository, "init", "-q")
    _commit(repository, "old")
    for update in chosen:
        (repository / update.path).write_bytes(update.new)
        _commit(repository, update.path)
    seconds = []
    for number in reversed(range(len(chosen))):
        argv = [str(COMMAND), "pairs", "--json", "--diff", f"HEAD~{number + 1}..HEAD~{number}"]
        seconds.append(_timed(argv, repository, cache))
    return round(statistics.median(seconds[1::2]), 2)


def _two_of_each(changed: Sequence[Update]) -> list[Update]:
    """Return two updates of each directory that we measure, where there are two."""
    chosen: list[Update] = []
    for tree in TREES:
        mine = [u for u in changed if str(Path(u.path).parent) == tree and u.path.endswith(".c")]
        chosen += mine[:2] if len(mine) > 1 else []
    return chosen


def _timed(argv: Sequence[str], where: Path, cache: Path) -> float:
    begin = time.monotonic()
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    ran = subprocess.run(argv, check=False, cwd=where, env=environment, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - begin
    print(f"{' '.join(argv)}: status {ran.returncode}, {seconds:.1f} s", file=sys.stderr)
    if ran.returncode > 1:
        raise SystemExit(f"this should end with status 0 or 1: {' '.join(argv)}")
    return seconds


def _commit(repository: Path, message: str) -> None:
    _git(repository, "add", "-A")
    _git(repository, "commit", "-q", "-m", message)


def _git(repository: Path, *words: str) -> None:
    who: Mapping[str, str] = {
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in (("NAME", "bench"), ("EMAIL", "bench@localhost"))
    }
    argv = ("git", "-c", "core.hooksPath=/dev/null", *words)
    subprocess.run(argv, check=True, cwd=repository, env={**os.environ, **who})
