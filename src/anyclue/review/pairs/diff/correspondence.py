"""Which functions and variables of two versions are the same ones, renamed or moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property

from anyclue.review.pairs.engine.effects import Callees
from anyclue.review.pairs.engine.function_analysis import FunctionAnalysis
from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir.function import FunctionIR
from anyclue.review.pairs.rules.imbalances import Candidate, candidates, local_incidents
from anyclue.review.pairs.rules.program import FunctionAssessment

ALIKE = 0.6
"""Functions with so much text in common, and variables with such uses, are one, renamed."""


class FunctionVersion:
    """One function in one version of the tree.

    Args:
        path: its file.
        assessment: the function.
        callees: what the functions that it calls do, in that version.
    """

    def __init__(self, path: str, assessment: FunctionAssessment, callees: Callees) -> None:
        self.path = path
        self.function = assessment.function
        self.body = assessment.body
        self.calls = assessment.calls
        self.callees = callees

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.name

    @cached_property
    def analysis(self) -> FunctionAnalysis:
        """Its analysis."""
        return FunctionAnalysis(self.function, self.callees)

    @cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        """What is wrong in it, certain or not."""
        return (*candidates(self.analysis), *local_incidents(self.analysis))


def differ(old: FunctionVersion, new: FunctionVersion | None) -> bool:
    """Tell whether a function, or something that it calls, does something else now."""
    if new is None or old.body != new.body:
        return True
    return any(old.callees.summary(one) != new.callees.summary(one) for one in new.calls)


def match_functions(
    old: Sequence[FunctionVersion], new: Sequence[FunctionVersion]
) -> Iterator[tuple[FunctionVersion | None, FunctionVersion | None]]:
    """Return functions of both versions that are the same one, moved or renamed maybe."""
    by_place: dict[tuple[str, str], list[FunctionVersion]] = {}
    by_name: dict[str, list[FunctionVersion]] = {}
    by_body: dict[str, list[FunctionVersion]] = {}
    taken: set[int] = set()
    for one in old:
        by_place.setdefault((one.path, one.name), []).append(one)
        by_name.setdefault(one.name, []).append(one)
        by_body.setdefault(_nameless(one), []).append(one)
    left: list[FunctionVersion] = []
    tables: tuple[Callable[[FunctionVersion], list[FunctionVersion]], ...] = (
        lambda one: by_place.get((one.path, one.name), []),
        lambda one: by_body.get(_nameless(one), []),
        lambda one: by_name.get(one.name, []),
    )
    for table in tables:
        left = []
        for one in new:
            other = next((two for two in table(one) if id(two) not in taken), None)
            if other is None:
                left.append(one)
                continue
            taken.add(id(other))
            yield other, one
        new = left
    unmatched = [one for one in old if id(one) not in taken]
    for one in left:
        closest = max(unmatched, key=lambda two: _similarity(one, two), default=None)
        if closest is not None and _similarity(one, closest) >= ALIKE:
            unmatched.remove(closest)
            yield closest, one
        else:
            yield None, one
    for one in unmatched:
        yield one, None


def _nameless(version: FunctionVersion) -> str:
    return version.body.replace(version.name, "", 1)


def _similarity(one: FunctionVersion, other: FunctionVersion) -> float:
    return _dice(Counter(one.body.split()), Counter(other.body.split()))


def renamed_variables(old: FunctionIR, new: FunctionIR) -> dict[str, str]:
    """Return variables of the old version that have another name in the new one."""
    before = _variables(old)
    after = _variables(new)
    gone = [one for one in before if one not in after]
    fresh = [one for one in after if one not in before]
    if not gone or not fresh:
        return {}
    found = {}
    for one in gone:
        uses = before[one]
        closest = max(fresh, key=lambda two: _dice(uses, after[two]))
        if _dice(uses, after[closest]) >= ALIKE:
            found[one] = closest
            fresh.remove(closest)
            if not fresh:
                break
    return found


def _variables(function: FunctionIR) -> dict[str, Counter[str]]:
    """Return what is done with each variable; its own name is no part of that."""
    found: dict[str, Counter[str]] = {
        name: Counter((f"parameter {number}",)) for number, name in enumerate(function.parameters)
    }
    for name in sorted(function.locals):
        found[name] = Counter()
    for step in function.steps:
        call = step.callee if isinstance(step, ir.CallStep) else ""
        for slot, path in enumerate(paths_of(step)):
            name = paths.base(path)
            if name in found:
                shape = path.replace(name, "$", 1)
                found[name][f"{step.__class__.__name__} {slot} {call} {shape}"] += 1
    return found


def _dice(one: Counter[str], other: Counter[str]) -> float:
    """Return the Dice coefficient of two bags: 0 for nothing in common, 1 for the same."""
    total = sum(one.values()) + sum(other.values())
    return 2 * sum((one & other).values()) / total if total else 0.0


def paths_of(step: ir.Step) -> list[str]:
    """Return the paths in a step."""
    listed: tuple[str | None, ...] = ()
    if isinstance(step, ir.CallStep):
        listed = (step.place, *step.arguments)
    elif isinstance(step, (ir.AssignStep, ir.SignCopyStep)):
        listed = (step.place, step.value)
    elif isinstance(step, (ir.BranchStep, ir.EscapeStep, ir.UseStep)):
        listed = (step.path,)
    elif isinstance(step, ir.ReturnStep):
        listed = (step.value,)
    return [one for one in listed if one is not None and not paths.is_constant(one)]


def variables_of(step: ir.Step) -> frozenset[str]:
    """Return the variables that a step is about."""
    return frozenset(paths.base(one) for one in paths_of(step))


def rename_variable(place: str, renamed: Mapping[str, str]) -> str:
    """Return a path of one version as the other has it."""
    name = paths.base(place)
    return place.replace(name, renamed[name], 1) if name in renamed else place
