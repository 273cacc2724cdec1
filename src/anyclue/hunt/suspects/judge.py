"""Every theory of a scenario, judged."""

from __future__ import annotations

from typing import Final

from anyclue.hunt.clue.model import Suspect, SuspectKind
from anyclue.hunt.suspects.cells import of_arch, of_factor
from anyclue.hunt.suspects.resources import of_resource
from anyclue.hunt.suspects.ruling import Ruling, TheoryContext, unproven
from anyclue.hunt.suspects.sources import of_commit, of_function, of_subsystem
from anyclue.model.scenario import (
    About,
    OfArch,
    OfCommit,
    OfFactor,
    OfFunction,
    OfResource,
    OfSubsystem,
)

_NOTHING: Final = unproven("no cell is guilty of anything", "a cell that leaks")


def suspects(hearing: TheoryContext) -> tuple[Suspect, ...]:
    """Return what became of each theory, in the scenario's order."""
    found = []
    for one in hearing.scenario.suspects:
        kind, test = _test(one.about)
        ruling = _ruling(one.about, hearing) if hearing.guilty else _NOTHING
        found.append(
            Suspect(
                name=one.name,
                theory=one.theory,
                test=test,
                kind=kind,
                standing=ruling.standing,
                because=ruling.because,
                evidence=ruling.evidence,
                settle=ruling.settle,
            )
        )
    return tuple(found)


def _ruling(about: About, hearing: TheoryContext) -> Ruling:
    match about:
        case OfFactor():
            return of_factor(about, hearing)
        case OfArch():
            return of_arch(about, hearing)
        case OfResource():
            return of_resource(about, hearing)
        case OfFunction():
            return of_function(about, hearing)
        case OfSubsystem():
            return of_subsystem(about, hearing)
        case OfCommit():
            return of_commit(about, hearing)


def _test(about: About) -> tuple[SuspectKind, str]:
    match about:
        case OfFactor(axis=axis, value=value):
            return SuspectKind.FACTOR, f"{axis.value} {value}"
        case OfArch(arch=arch):
            return SuspectKind.ARCH, f"architecture {arch.value}"
        case OfResource(resources=resources):
            return SuspectKind.RESOURCE, ", ".join(one.value for one in resources)
        case OfFunction(function=function):
            return SuspectKind.FUNCTION, f"{function}()"
        case OfSubsystem(subsystem=subsystem):
            return SuspectKind.SUBSYSTEM, subsystem
        case OfCommit(commit=commit):
            return SuspectKind.COMMIT, f"commit {commit}"
