"""Scenario snippets in the documentation: each is right, as the real validator sees it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from anyclue.scenarios.read import read_scenario
from anyclue.trial.workloads.registry import WORKLOADS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.docs.conftest import Docs

RULES = {name: workload.rules for name, workload in WORKLOADS.items()}
HEAD = 'schema = 1\ntitle = "A snippet"\n'
KERNEL = '[kernels.{}]\ndebian = "6.1"\nmodule = "fs/btrfs"\n'
# What a snippet leaves out is as in scenarios/lzo-leak.toml.
SECTIONS = {
    "kernels": KERNEL.format("good") + KERNEL.format("bad"),
    "machines": '[machines.i386-2g]\narch = "i386"\nram = "2 GiB"\n'
    '[machines.x86_64-2g]\narch = "x86_64"\nram = "2 GiB"\n',
    "mount": '[mount]\nnone = ""\nzlib = "compress=zlib"\nlzo = "compress=lzo"\n',
    "workloads": '[workloads.small-files]\nuse = "enospc-small-files"\n',
}


def whole(snippet: str) -> str:
    """Complete a snippet to a scenario."""
    given = tomllib.loads(snippet)
    parts = [] if "schema" in given else [HEAD]
    parts += [
        KERNEL.format(name)
        for name, kernel in given.get("kernels", {}).items()
        if not {"debian", "image", "build", "git"} & kernel.keys()
    ]
    parts.append(snippet)
    parts += [text for name, text in SECTIONS.items() if name not in given]
    return "\n".join(parts)


def files(kernels: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """The paths that kernels name, and whether each is a directory."""
    for kernel in kernels.values():
        yield from ((patch, False) for patch in kernel.get("patches", []))
        if "image" in kernel:
            yield kernel["image"], False
        for key in ("modules", "build"):
            if isinstance(kernel.get(key), str):
                yield kernel[key], True
        if "git" in kernel:
            yield kernel["git"].removeprefix("~/").partition("@")[0], True


def test_every_snippet_is_a_scenario(
    docs: Docs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    count = 0
    for page in docs.pages:
        for snippet in page.fenced("toml"):
            text = whole(snippet)
            for name, is_directory in files(tomllib.loads(text)["kernels"]):
                path = tmp_path / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.mkdir(exist_ok=True) if is_directory else path.touch()
            origin = f"{page.path.name} (completed):\n{text}\n"
            scenario = read_scenario(text, origin=origin, base=tmp_path, workloads=RULES)
            assert scenario.cells
            count += 1
    assert count > 5
    assert any(page.fenced("toml") for page in docs.pages if page.path.name == "README.md")


def test_scenarios_that_come_with_it_are_right(docs: Docs) -> None:
    for file in (
        path for name in ("scenarios", "bench") for path in (docs.root / name).glob("*.toml")
    ):
        text = file.read_text()
        assert read_scenario(text, origin=str(file), base=file.parent, workloads=RULES).cells
