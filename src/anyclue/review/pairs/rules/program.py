"""All functions of a tree together: their summaries at the fixpoint, and what is wrong in them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from anyclue.review.pairs.contracts.model import Contracts
from anyclue.review.pairs.engine.callgraph import (
    Level,
    Outline,
    Position,
    call_levels,
    run_to_fixpoint,
)
from anyclue.review.pairs.engine.effects import Callees, Summary
from anyclue.review.pairs.engine.function_analysis import FunctionAnalysis
from anyclue.review.pairs.engine.summaries import SummaryMemo, summarise
from anyclue.review.pairs.frontend.unit import Unit
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir.function import FunctionIR
from anyclue.review.pairs.rules.imbalances import Candidate, candidates

_NOTHING = Summary()


@dataclass(frozen=True, kw_only=True)
class KnownSummary:
    """What was known of a function: its text, white space folded, and what it does."""

    body: str
    summary: Summary


@dataclass(kw_only=True)
class FunctionAssessment:
    """What the last analysis of a function said.

    Attributes:
        function: its graph.
        text: the file that it is in.
        calls: names of what it calls.
        summary: what it does.
        candidates: what is wrong in it.
        complete: every resource could be followed to its end.
        settled: its summary is that of a fixpoint.
        analysed: what the callees did at the last analysis.
    """

    function: FunctionIR
    text: bytes
    calls: frozenset[str]
    summary: Summary = _NOTHING
    candidates: tuple[Candidate, ...] = ()
    complete: bool = True
    settled: bool = True
    analysed: tuple[Summary | None, ...] | None = None

    @cached_property
    def body(self) -> str:
        """Its text, white space folded."""
        text = self.text[self.function.begin : self.function.end]
        return " ".join(text.decode("latin-1").split())

    @cached_property
    def _digest(self) -> bytes:
        return self.function.digest()

    @cached_property
    def _ordered(self) -> tuple[str, ...]:
        return tuple(sorted(self.calls))

    def inferred(self, callees: Callees) -> tuple[Summary | None, ...]:
        """Return what its callees do, contracts aside."""
        return tuple(map(callees.inferred, self._ordered))

    def memo_key(self) -> bytes:
        """Return a digest of all that the last analysis depended on, contracts aside."""
        digest = hashlib.sha256(self._digest)
        for one in self.analysed or ():
            digest.update(one.digest if one is not None else b"\0")
        return digest.digest()


@dataclass(kw_only=True)
class ProgramFile:
    """One file's functions, and what those do that only it can see."""

    unit: Unit
    functions: list[FunctionAssessment]
    own: dict[str, Summary] = field(default_factory=dict)

    @cached_property
    def names(self) -> frozenset[str]:
        """Names of the functions."""
        return frozenset(one.function.name for one in self.functions)


class Program:
    """Functions that call each other.

    Args:
        contracts: what is known of calls without their source.
        shared: what is known of functions in other files.
        memo: summaries of earlier analyses; with one, no candidates are made.
    """

    def __init__(
        self,
        contracts: Contracts,
        shared: Mapping[str, Summary] | None = None,
        memo: SummaryMemo | None = None,
    ) -> None:
        self._contracts = contracts
        self._memo = memo
        self.shared: dict[str, Summary] = dict(shared or {})
        self.files: dict[str, ProgramFile] = {}

    def add(
        self, path: str, unit: Unit, text: bytes, own: Mapping[str, Summary] | None = None
    ) -> None:
        """Add a file.

        Args:
            path: its name.
            unit: its functions.
            text: its content.
            own: what its functions do, when that is known; else `run_to_fixpoint` finds out.
        """
        self.files[path] = ProgramFile(
            unit=unit,
            functions=[
                FunctionAssessment(
                    function=one,
                    text=text,
                    calls=_calls(one),
                )
                for one in (*unit.functions, *unit.others)
            ],
            own=dict(own or {}),
        )

    def run_to_fixpoint(self) -> None:
        """Analyse every function, callees first; those of a component until nothing changes."""
        self.mark_unsettled(run_to_fixpoint(self._levels(), self._analyse_new))

    def rerun_changed(self, before: Mapping[str, Mapping[str, KnownSummary]]) -> None:
        """Analyse the functions that changed, and those that call something that did.

        Args:
            before: by file and name what was known before the change.
        """
        changed = {
            name
            for path, listed in before.items()
            for name in listed
            if path not in self.files or name not in self.files[path].names
        }

        def is_changed(one: Position) -> bool:
            assessment = self.files[one.path].functions[one.number]
            known = before.get(one.path, {}).get(assessment.function.name)
            return (
                known is None or known.body != assessment.body or bool(assessment.calls & changed)
            )

        for level in self._levels():
            cyclic = [one for step in level.cyclic for one in step]
            again = cyclic if any(is_changed(one) for one in cyclic) else []
            once = [one for one in level.acyclic if is_changed(one)]
            for one in (*level.acyclic, *cyclic):
                if one not in once and one not in again:
                    assessment = self.files[one.path].functions[one.number]
                    assessment.summary = before[one.path][assessment.function.name].summary
                    self._publish(one)
            self.analyse(once)
            self._retract(again)
            if again:
                cyclic_level = Level([], level.cyclic)
                self.mark_unsettled(run_to_fixpoint([cyclic_level], self._analyse_new))
            for one in (*once, *again):
                assessment = self.files[one.path].functions[one.number]
                known = before.get(one.path, {}).get(assessment.function.name)
                if known is None or known.summary != assessment.summary:
                    changed.add(assessment.function.name)

    def _levels(self) -> list[Level]:
        return call_levels({path: outline(file) for path, file in self.files.items()})

    def _analyse_new(self, positions: Sequence[Position]) -> frozenset[Position]:
        return self.analyse(positions)[1]

    def mark_unsettled(self, positions: Iterable[Position]) -> None:
        """Note that functions, those of this program among these, have no fixpoint."""
        for one in positions:
            if one.path in self.files:
                self.files[one.path].functions[one.number].settled = False

    def analyse(
        self, positions: Sequence[Position]
    ) -> tuple[dict[str, Summary], frozenset[Position]]:
        """Analyse functions of which none calls another.

        Returns:
            what is new about functions that other files see, and of which functions anything is.
        """
        analysed = [one for one in positions if self._analyse(one)]
        updates: dict[str, Summary] = {}
        for one in analysed:
            updates |= self._publish(one)
        return updates, frozenset(analysed)

    def _analyse(self, position: Position) -> bool:
        """Analyse a function if something that it depends on is new; tell whether it was."""
        assessment = self.files[position.path].functions[position.number]
        callees = self.callees(position.path)
        inferred = assessment.inferred(callees)
        if inferred == assessment.analysed:
            return False
        assessment.analysed = inferred
        known = self._memo.get(assessment.memo_key()) if self._memo is not None else None
        if known is not None:
            assessment.summary, assessment.complete = known
            return True
        analysis = FunctionAnalysis(assessment.function, callees)
        assessment.summary = summarise(analysis)
        assessment.complete = analysis.complete
        if self._memo is None:
            assessment.candidates = tuple(candidates(analysis))
        else:
            self._memo.put(assessment.memo_key(), assessment.summary, assessment.complete)
        return True

    def _publish(self, one: Position) -> dict[str, Summary]:
        """Let callers know what a function does; return it when other files are among them."""
        file = self.files[one.path]
        assessment = file.functions[one.number]
        name = assessment.function.name
        if one.number >= len(file.unit.functions) and name in file.own:
            return {}
        file.own[name] = assessment.summary
        if not one.exported:
            return {}
        self.shared[name] = assessment.summary
        return {name: assessment.summary}

    def _retract(self, positions: Sequence[Position]) -> None:
        for one in positions:
            name = self.files[one.path].functions[one.number].function.name
            self.files[one.path].own.pop(name, None)
            if one.exported:
                self.shared.pop(name, None)

    def callees(self, path: str) -> Callees:
        """Return what the functions called in a file do."""
        return Callees(self._contracts, self.shared, self.files[path].own)

    def candidates(self) -> Iterator[tuple[str, FunctionAssessment, Candidate]]:
        """Return all imbalances, certain or not, by file."""
        for path, file in self.files.items():
            for assessment in file.functions:
                for one in assessment.candidates if assessment.settled else ():
                    yield path, assessment, one

    def unjudged(self) -> Iterator[tuple[str, FunctionIR, str]]:
        """Return the functions that could not be judged, with the reason."""
        for path, file in self.files.items():
            for assessment in file.functions:
                if assessment.function.trouble:
                    yield path, assessment.function, assessment.function.trouble
                elif not assessment.complete:
                    yield path, assessment.function, "it has more paths than can be followed"
                elif not assessment.settled:
                    yield path, assessment.function, "what it and its callees do has no fixpoint"


def outline(file: ProgramFile) -> Outline:
    """Return what the call graph needs of a file."""
    return tuple((one.function.name, one.function.static, one.calls) for one in file.functions)


def _calls(function: FunctionIR) -> frozenset[str]:
    return frozenset(step.callee for step in function.steps if isinstance(step, ir.CallStep))


def is_exported(path: str, function: FunctionIR) -> bool:
    """Tell whether functions of other files can call this one."""
    return not function.static or path.endswith(".h")
