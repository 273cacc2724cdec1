"""Shared by the tests of scenarios: rules of made-up workloads, and a reader of TOML texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from anyclue.model.errors import RequestError
from anyclue.model.scenario import ParameterRule, Scenario, WorkloadRules
from anyclue.scenarios.read import read_scenario

RULES = {
    "enospc-small-files": WorkloadRules(
        name="enospc-small-files",
        summary="fill a small file system, remove, again",
        parameters=(
            ParameterRule(name="files", default=600, minimum=1, maximum=100_000, unit="files"),
            ParameterRule(name="ratio", default=0.5, minimum=0, maximum=1, summary="of O_DIRECT"),
            ParameterRule(name="fsync", default=False),
            ParameterRule(name="data", default="text", choices=("text", "random")),
        ),
    ),
    "compression-mix": WorkloadRules(name="compression-mix", summary="all sizes and kinds"),
}

SMALLEST = """\
schema = 1
title = "t"
[kernels.k]
debian = "6.1"
[machines.m]
arch = "i386"
ram = "2 GiB"
[workloads.w]
use = "enospc-small-files"
"""


@pytest.fixture
def rules() -> Mapping[str, WorkloadRules]:
    return RULES


@pytest.fixture
def smallest() -> str:
    return SMALLEST


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], Scenario]:
    def read_text(text: str) -> Scenario:
        return read_scenario(text, origin="s.toml", base=tmp_path, workloads=RULES)

    return read_text


@pytest.fixture
def wrong(read: Callable[[str], Scenario]) -> Callable[[str], list[str]]:
    """Return a function that reads a bad text and returns its problems, one text each."""

    def problems_of(text: str) -> list[str]:
        with pytest.raises(RequestError) as caught:
            read(text)
        return [str(problem) for problem in caught.value.problems]

    return problems_of
