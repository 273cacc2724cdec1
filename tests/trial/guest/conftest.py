"""The guest's C programs, compiled for this host."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from anyclue.trial.guest.initramfs import AGENT, CFLAGS
from anyclue.trial.workloads.registry import FSLOAD_SOURCE

Compile = Callable[[Path, str], Path]


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compile:
    if not shutil.which("gcc"):
        pytest.skip("no gcc")
    directory = tmp_path_factory.mktemp("programs")

    def build(source: Path, name: str) -> Path:
        # As for guests, but not static: that takes libraries that a host may not have.
        flags = [flag for flag in CFLAGS if flag != "-static"]
        argv = ["gcc", "-m64", *flags, "-o", str(directory / name), str(source)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return directory / name

    return build


@pytest.fixture(scope="session")
def fsload(compiled: Compile) -> Path:
    return compiled(FSLOAD_SOURCE, "fsload")


@pytest.fixture(scope="session")
def agent(compiled: Compile) -> Path:
    return compiled(AGENT.source, "agent")
