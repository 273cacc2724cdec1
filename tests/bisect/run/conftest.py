"""Bisections of small repositories, where a fake says what the module of a commit does."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
from bench.merge_bench.forge import Forge

from anyclue.bisect.core.result import BisectionResult
from anyclue.bisect.request import Bisection, BisectRequest, begin, resume
from anyclue.bisect.run import driver as running
from anyclue.bisect.run.cell_runner import CellRunner
from anyclue.git import repository as git
from anyclue.hunt.clue.model import Clue
from anyclue.model.errors import InfrastructureError, Problem, RequestError
from anyclue.model.reason import NotRun
from anyclue.model.recording import Outcome
from anyclue.model.scenario import Cell, GitKernel
from anyclue.model.verdict import CellVerdict, Signature, Verdict
from anyclue.trial.context import Context
from anyclue.trial.kernels.module_trees import ModuleSources

SCENARIO = """
schema = 1
title = "a bisection"
[kernels.good]
debian = "6.1"
module = "fs/btrfs"
[machines.small]
arch = "i386"
ram = "512 MiB"
[mount]
lzo = "compress=lzo"
[workloads.files]
use = "enospc-small-files"
"""
FROM_GIT = SCENARIO.replace('debian = "6.1"\nmodule = "fs/btrfs"', 'git = "tree@main"')
LZO = "fs/btrfs/lzo.c"
LEAK, CRASH, SURGE, BROKEN = "/* leak */", "/* crash */", "/* surge */", "#error no"


@dataclass
class World:
    """A repository with a scenario; guests leak when the module says so.

    After ``stop_after`` runs, the machine fails. ``kernels`` are those that were built whole.
    """

    path: Path
    forge: Forge
    runs: list[str] = field(default_factory=list)
    kernels: list[GitKernel] = field(default_factory=list)
    stop_after: int = 1000

    def from_git(self) -> None:
        """Have kernels built from the commits, not Debian's."""
        (self.path / "b.toml").write_text(FROM_GIT)

    def commit(self, text: str, branch: str = "main", at: str | None = None) -> str:
        return self.forge.commit(branch, at, {"fs/btrfs/Makefile": "", LZO: text})

    def begin(
        self, good: str, bad: str, carried: tuple[str, ...] = (), fix: str | None = None
    ) -> Bisection:
        return begin(
            BisectRequest(
                tree=self.forge.path,
                scenario=self.path / "b.toml",
                cell=None,
                good=(good,),
                bad=bad,
                carried=carried,
                fix=fix,
                out=self.path / "run",
            )
        )

    def bisect(self, good: str, bad: str) -> BisectionResult:
        return self.run(self.begin(good, bad))

    def resume(self) -> BisectionResult:
        return self.run(resume(self.path / "run"))

    def run(self, bisection: Bisection) -> BisectionResult:
        return asyncio.run(running.bisect(bisection, cast(Context, None)))

    async def judged(
        self,
        runner: CellRunner,
        name: str,
        sources: Mapping[str, bytes],
        kernel: GitKernel | None = None,
    ) -> CellVerdict:
        if len(self.runs) >= self.stop_after:
            raise InfrastructureError("stopped")
        self.runs.append(name)
        (self.path / "ran").touch()
        if kernel is not None:
            self.kernels.append(kernel)
            repository = git.repository(Path(kernel.repository))
            sources = git.below(repository, kernel.commit or "", "fs/btrfs")
        return self.verdict(runner, sources)

    def verdict(self, runner: CellRunner, sources: Mapping[str, bytes]) -> CellVerdict:
        text = sources[LZO].decode()
        if BROKEN in text:
            raise RequestError([Problem(what="make said:\nlzo.c:1:2: error: #error no")])
        verdict, signature = Verdict.CLEAN, None
        if CRASH in text:
            verdict = Verdict.BROKEN
        elif SURGE in text:
            verdict = Verdict.SURGE
        elif LEAK in text:
            verdict, signature = Verdict.LEAK, Signature.PAGE_CACHE_REFERENCE
        return verdict_of(runner.cell, verdict, signature)


def verdict_of(cell: Cell, verdict: Verdict, signature: Signature | None) -> CellVerdict:
    return CellVerdict(
        cell=cell,
        outcome=Outcome.PASSED,
        verdict=verdict,
        because=NotRun(),
        rate_kib_per_round=None,
        rate_ci95_kib=None,
        signature=signature,
        signature_detail=None,
        classes={},
        rounds=6,
        warm_up=0,
        trials=1,
        reference=None,
    )


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "b.toml").write_text(SCENARIO)
    made = World(tmp_path, Forge.new(tmp_path / "tree"))

    def judged(
        runner: CellRunner, name: str, sources: ModuleSources, kernel: GitKernel | None = None
    ) -> object:
        return made.judged(runner, name, sources, kernel)

    monkeypatch.setattr(CellRunner, "next_verdict", judged)

    def recalled(runner: CellRunner, name: str) -> CellVerdict | None:
        try:
            return made.verdict(
                runner, git.below(git.repository(made.forge.path), name, "fs/btrfs")
            )
        except RequestError:
            return None

    monkeypatch.setattr(CellRunner, "recorded_verdict", recalled)

    async def report(*_: object) -> Clue:
        return Clue(sentence="")

    monkeypatch.setattr(running, "report", report)
    return made
