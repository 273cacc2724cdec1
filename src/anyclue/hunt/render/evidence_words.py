"""What speaks for a place or against it, and how its commits are known, in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from anyclue.hunt.probes.core.model import ProbeFinding
from anyclue.model.verdict import Signature
from anyclue.review.pairs.model import Finding

NO_RELEASE_LOST: Final = "pairing follows the changed function and finds no release lost"
ON_INCIDENT_STACK: Final = "it is on the stack of what broke first"
UNCHANGED: Final = "it is the same in both kernels"
FIRST_BAD_COMMIT: Final = "bisection proved it to be the first bad commit"


def pairing_finding(one: Finding, *, of_change: bool) -> str:
    """Return what pairing found, in the change or in the bad source by itself."""
    where = "the change brings" if of_change else "the bad source has"
    return f"pairing, confidence {one.confidence.value}: {where} this: {one.message}"


def call_balance(call: str, *, released: bool) -> str:
    """Return that a call releases less, or acquires more, than before."""
    less = "is released or handed on less often than before"
    what = less if released else "is acquired more often than before"
    return f"by {call}() {what}; pairing tells nothing of it"


def kind_of_memory(pair: str, grew: Signature, stays: Iterable[Signature]) -> str:
    """Return whether what a lost pair leaves behind is what grew."""
    lost = f"a lost {pair.replace('-', ' ')} leaves"
    if grew in stays:
        return f"{lost} {grew.value}, and that is what grew"
    kinds = " or ".join(sorted(one.value for one in stays)) or "no memory"
    return f"{grew.value} grew, and {lost} {kinds}"


def slab_cache(name: str, *, reported: bool = False) -> str:
    """Return which slab cache grew, or kept objects by the kernel's own report."""
    if reported:
        return f"the kernel itself found objects left in the slab cache {name}"
    return f"the slab cache that grew is {name}"


def workload(name: str, *, guilty: bool) -> str:
    """Return which workload reaches a function."""
    if guilty:
        return f"workload {name} is known to reach it"
    return f"what reaches it best is {name}, and no guilty cell ran that"


def guilty_option(option: str, word: str = "") -> str:
    """Return that a guilty option leads to a function; ``word`` is what it is named after."""
    if word:
        return f"option {option} is guilty, and it is named after {word}"
    return f"option {option} is guilty and leads to it"


def foreign_name(word: str) -> str:
    """Return that a function is named after an innocent option."""
    return f"it is named after {word}, an option that the guilty cells do not have"


def foreign_option(option: str) -> str:
    """Return that only another option leads to a function."""
    return f"only {option} is known to lead to it, and no guilty cell has that"


def changed(functions: int) -> str:
    """Return how many functions differ between the kernels."""
    if functions == 1:
        return "it is the only function that differs between the kernels"
    return f"it is one of {functions} functions that differ between the kernels"


def probe_finding(one: ProbeFinding) -> str:
    """Return what a probe found on a stack with the function."""
    return f"probe {one.probe}: {one.because or 'on its stack'}"


def changing_commit(commits: int, *, alone: bool) -> str:
    """Return how a commit is known, of so many that changed the function."""
    if alone:
        return "it is all that lies between the kernels"
    if commits == 1:
        return "it is the only one that changed the function between the kernels"
    return f"it is one of {commits} that changed the function between the kernels"
