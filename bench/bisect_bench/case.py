"""What is asked of a repository's commits: the scenario of a cell in which the culprit leaks."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bench.bisect_bench.histories import DIRECTORY

SERIES: Final = "6.1"
CELL: Final = """
[machines.small]
arch = "i386"
ram = "512 MiB"

[mount]
lzo = "compress=lzo"

[workloads.small-files]
use = "enospc-small-files"
files = 100

[limits]
rounds = 5
trials = 1

[sensitivity]
leak_kib_per_round = 128
"""


def scenario(trees: Mapping[str, Path | None]) -> str:
    """Return a scenario's text: by kernel's name, the tree that fs/btrfs is taken from, if any."""
    kernels = "".join(
        f'\n[kernels.{name}]\ndebian = "{SERIES}"\nmodule = "{DIRECTORY}"\n'
        + (f'tree = "{tree}"\n' if tree else "")
        for name, tree in trees.items()
    )
    return f'schema = 1\ntitle = "Which commit leaks?"\n{kernels}{CELL}'


def export(repository: Path, commit: str, tree: Path) -> None:
    """Put a commit's fs/btrfs into a directory, in place of what is there."""
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    archive = ["git", "-C", str(repository), "archive", commit, DIRECTORY]
    packed = subprocess.run(archive, check=True, capture_output=True).stdout
    unpack = ["tar", "-x", "-C", str(tree)]
    subprocess.run(unpack, check=True, input=packed)
