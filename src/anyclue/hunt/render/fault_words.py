"""Faults in words: how each is named beside others, and what a cell is that does not show it."""

from __future__ import annotations

from collections.abc import Sequence

from anyclue.hunt.model import Fault
from anyclue.hunt.select.factors import kind
from anyclue.model.reason import OtherFault
from anyclue.model.verdict import CellVerdict, Verdict
from anyclue.report.words import CLASSES, SIGNATURES, kind_label, listed


def fault_label(fault: Fault) -> str:
    """Return how a fault is told from others: ``page-cache-reference``, ``object in kmalloc-64``.

    What broke is named so: ``broken in evict()``.
    """
    if fault.verdict is not Verdict.LEAK:
        said = kind_label(fault.verdict, fault.signature)
        return f"{said} in {fault.subject}()" if fault.subject else said
    said = fault.signature.value if fault.signature is not None else "memory of an unknown kind"
    return f"{said} in {fault.subject}" if fault.subject else said


def beside(verdict: CellVerdict) -> str:
    """Return what a cell is beside one that shows a fault: ``clean``, ``guilty of another``."""
    because = verdict.because
    if isinstance(because, OtherFault):
        other = kind_label(because.verdict, because.signature)
        if verdict.verdict is Verdict.UNPROVEN:
            return f"{other} of another fault"
        return f"innocent of that (it is {other})"
    return kind_label(*kind(verdict))


def companions_sentence(fault: Fault, faults: Sequence[Fault]) -> str:
    """Return what only grows along with a fault, and which others its cells cannot tell it from.

    Empty where there is nothing of the kind.
    """
    said = []
    if fault.companions:
        names = listed([CLASSES[name] for name in fault.companions])
        leaked = SIGNATURES[fault.signature].leaked if fault.signature is not None else "it"
        said.append(
            f"Along with {leaked} grew {names}: nothing shows that this is a leak of its own."
        )
    cells = {one.cell for one in fault.cells}
    beside = [
        fault_label(one)
        for one in faults
        if one is not fault and {each.cell for each in one.cells} == cells
    ]
    if beside:
        said.append(
            f"The same cells show {listed(beside)}: they cannot tell whether that is one fault with"
            " this."
        )
    return " ".join(said)
