"""Numbers and names of verdicts as people read them."""

from __future__ import annotations

from typing import Final

from anyclue.model.recording import Incident, Outcome
from anyclue.model.scenario import Cell
from anyclue.model.verdict import MemoryClass
from anyclue.verdicts.classes import TRAITS

TITLE_LENGTH: Final = 120
"""Characters of a guest's message that fit into a sentence."""

OUTCOMES: Final = {
    Outcome.PASSED: "the workload passed",
    Outcome.FAILED: "the test failed",
    Outcome.NOT_RUN: "the test did not run",
    Outcome.OOM: "the guest ran out of memory",
    Outcome.HUNG: "the guest hung",
    Outcome.CRASHED: "the kernel crashed",
    Outcome.CORRUPT: "the file system was corrupt",
    Outcome.LOST: "the guest was lost by the infrastructure",
}


def number(value: float) -> str:
    """Return KiB as a reader needs them: whole, with one decimal below ten."""
    if abs(value) >= 9.95:
        return f"{value:.0f}"
    text = f"{value:.1f}"
    return "0.0" if text == "-0.0" else text


def mib(kib: float) -> str:
    """Return KiB as MiB."""
    return f"{kib / 1024.0:.0f} MiB"


def interval(bounds: tuple[float, float]) -> str:
    """Return a 95 % interval in KiB."""
    return f"95 % interval {number(bounds[0])} to {number(bounds[1])}"


def rounds(used: int, warm_up: int, trials: int) -> str:
    """Return how many floors were used."""
    aside = f" after {warm_up} warm-up round{'s' if warm_up != 1 else ''}" if warm_up else ""
    guests = f" in {trials} guests" if trials > 1 else ""
    return f"over {used} rounds{guests}{aside}"


def name(memory_class: MemoryClass) -> str:
    """Return what people call a class of memory."""
    return TRAITS[memory_class].name


def listed(names: list[str]) -> str:
    """Join names as a sentence does."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def incident(broke: Incident | None) -> str:
    """Return the first thing that broke, on one line and not too long."""
    if broke is None:
        return ""
    title = " ".join(broke.title.split())
    if len(title) > TITLE_LENGTH:
        title = title[: TITLE_LENGTH - 3] + "..."
    where = f" in {broke.function}" if broke.function and broke.function not in title else ""
    return f"{title}{where}"


def reference(cell: Cell) -> str:
    """Return how a sentence names the reference."""
    return f"the reference {cell.id}"
