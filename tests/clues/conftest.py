"""Verdicts by hand: a cell, what it is, and little else."""

from __future__ import annotations

import pytest

from anyclue.model.recording import Incident, Outcome
from anyclue.model.scenario import Cell
from anyclue.model.verdict import CellVerdict, Signature, Verdict

LEAK = (Verdict.LEAK, Signature.PAGE_CACHE_REFERENCE)


class Tools:
    """What tests need of this file (test modules cannot import it)."""

    leak = LEAK

    def cell(self, kernel: str = "bad", machine: str = "i386", mount: str = "lzo") -> Cell:
        return Cell(kernel=kernel, machine=machine, mkfs="default", mount=mount, workload="mix")

    def verdict(
        self,
        where: str,
        verdict: Verdict = Verdict.CLEAN,
        signature: Signature | None = None,
        *,
        rate: float | None = None,
        outcome: Outcome = Outcome.PASSED,
        incident: Incident | None = None,
        detail: str = "",
        because: str = "",
    ) -> CellVerdict:
        """Return the verdict of the cell ``KERNEL MACHINE MOUNT``."""
        kernel, machine, mount = where.split()
        return self.of(
            self.cell(kernel, machine, mount),
            verdict,
            signature,
            rate=rate,
            outcome=outcome,
            incident=incident,
            detail=detail,
            because=because,
        )

    def of(
        self,
        cell: Cell,
        verdict: Verdict = Verdict.CLEAN,
        signature: Signature | None = None,
        *,
        rate: float | None = None,
        outcome: Outcome = Outcome.PASSED,
        incident: Incident | None = None,
        detail: str = "",
        because: str = "",
    ) -> CellVerdict:
        return CellVerdict(
            cell=cell,
            outcome=outcome,
            verdict=verdict,
            because=because,
            rate_kib_per_round=rate,
            rate_ci95_kib=(rate - 10, rate + 10) if rate is not None else None,
            signature=signature,
            signature_detail=detail,
            classes={},
            rounds=6,
            warm_up=0,
            trials=1,
            reference=None,
            incident=incident,
        )

    def default(self) -> list[CellVerdict]:
        """Return the verdicts that the default scenario must give."""
        return [
            *(self.verdict(f"bad i386 {mount}") for mount in ("none", "zlib")),
            self.verdict("bad i386 lzo", *LEAK, rate=2400.0),
            self.verdict("bad i386 zstd"),
            self.verdict("good i386 lzo"),
            self.verdict("bad x86_64 lzo", *LEAK, rate=2404.0),
            self.verdict("good x86_64 lzo"),
        ]


@pytest.fixture(scope="session")
def tools() -> Tools:
    return Tools()
