"""Kernels are pinned when a run begins: exact versions, full commit ids, one base."""

from __future__ import annotations

import asyncio
import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from anyclue.hunt.driver import plan
from anyclue.model.debian import DebianRelease, release_of
from anyclue.model.errors import RequestError
from anyclue.model.scenario import DebianKernel, GitKernel, Kernel, Scenario
from anyclue.trial import preparation
from anyclue.trial.context import Context
from anyclue.trial.preparation import pin_kernels, userspace_of

SCENARIO = """
schema = 1
title = "commits"
[kernels.unused]
git = "linux@unknown"
[kernels.one]
git = "linux@v1"
[kernels.another]
git = "linux@HEAD"
[kernels.watched]
git = "linux@HEAD"
debug = ["lockdep"]
[machines.small]
arch = "i386"
ram = "512 MiB"
[workloads.files]
use = "enospc-small-files"
[plan]
exclude = [{ kernel = "unused" }]
"""


def git(tree: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=n", "-c", "user.email=e@x", "-c", "commit.gpgsign=false")
    argv = ("git", "-C", str(tree), *identity, *arguments)
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    linux = tmp_path / "linux"
    linux.mkdir()
    git(linux, "init", "-q")
    git(linux, "commit", "-q", "--allow-empty", "-m", "1")
    git(linux, "tag", "v1")
    git(linux, "commit", "-q", "--allow-empty", "-m", "2")
    (tmp_path / "s.toml").write_text(SCENARIO)
    return tmp_path / "s.toml"


def of_debian(series: str, *, release: str | None = None) -> Kernel:
    """A kernel of Debian's; the release that it is said to be of is its suite."""
    return Kernel(name=series, source=DebianKernel(series=series, suite=release))


class KernelReleases:
    """Says which release a kernel is of, without asking the archive."""

    async def debian_release(
        self, kernel: Kernel, _arches: object, _subject: object
    ) -> DebianRelease | None:
        assert isinstance(kernel.source, DebianKernel)
        return release_of(kernel.source.suite) if kernel.source.suite else None


@pytest.mark.parametrize(
    ("releases", "given", "expected"),
    [
        (["trixie"], None, "trixie"),
        (["sid", "trixie"], None, "trixie"),
        ([None, "forky"], None, "forky"),
        ([None], None, "bookworm"),
        (["trixie"], "bookworm", "bookworm"),
    ],
)
def test_all_kernels_have_one_user_space(
    releases: list[str | None],
    given: str | None,
    expected: str,
    scenario: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(preparation, "host_release", lambda: release_of("bookworm"))
    planned = plan(scenario)
    (like,) = {cell for cell in planned.cells if cell.kernel == "one"}
    kernels = {str(n): of_debian("6.1", release=name) for n, name in enumerate(releases)}
    cells = tuple(replace(like, kernel=name) for name in kernels)
    asked = replace(planned, kernels=kernels, cells=cells, candidates=(), userspace=given)
    context = cast(Context, SimpleNamespace(kernels=KernelReleases()))
    assert asyncio.run(userspace_of(asked, context)).name == expected


def pinned(scenario: Scenario, tmp_path: Path) -> Scenario:
    return asyncio.run(pin_kernels(scenario, Context.at(tmp_path / "cache")))


def test_commits_and_their_base(scenario: Path, tmp_path: Path) -> None:
    first = pinned(plan(scenario), tmp_path)
    sources = {name: kernel.source for name, kernel in first.kernels.items()}
    assert all(isinstance(source, GitKernel) for source in sources.values())
    v1, head = (git(tmp_path / "linux", "rev-parse", name) for name in ("v1", "HEAD"))
    found = {n: (s.commit, s.base) for n, s in sources.items() if isinstance(s, GitKernel)}
    assert found == {
        "unused": (None, None),
        "one": (v1, v1),
        "another": (head, v1),
        "watched": (head, head),
    }
    git(tmp_path / "linux", "tag", "-f", "v1", "HEAD")
    assert pinned(first, tmp_path) == first


def test_unknown_revisions_are_all_told(scenario: Path, tmp_path: Path) -> None:
    text = scenario.read_text().replace("linux@HEAD", "linux@v2")
    scenario.write_text(text)
    with pytest.raises(RequestError) as caught:
        pinned(plan(scenario), tmp_path)
    problems = [str(problem) for problem in caught.value.problems]
    assert [problem.partition(":")[0] for problem in problems] == [
        "kernels.another",
        "kernels.watched",
    ]
    assert all("unknown revision 'v2'" in problem for problem in problems)
