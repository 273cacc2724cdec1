"""What pairing says for a function, or against it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from anyclue.hunt.clue.model import Missing, Reason, ReasonSource
from anyclue.hunt.localise.core.evidence import FunctionSource, GuiltyCase, ModuleSource, PairedCall
from anyclue.hunt.localise.core.kinds import left_behind, named_like
from anyclue.hunt.localise.core.weights import (
    CALLS,
    KIND,
    NAMED,
    OTHER_FAULT,
    OTHER_KIND,
    PAIRS_CHANGE,
    PAIRS_TREE,
    QUIET,
)
from anyclue.model.verdict import Signature
from anyclue.review.pairs.model import LOST, Finding

At = tuple[str, str]
"""A function: its file's path and its name."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What pairing contributes to a function: reasons, and the release that is missing."""

    reasons: tuple[Reason, ...] = ()
    missing: Missing | None = None

    @property
    def ratio(self) -> float:
        """All ratios together."""
        product = 1.0
        for one in self.reasons:
            product *= one.ratio
        return product


class Pairing:
    """What pairing says of each function; only the strongest finding of a function counts.

    Args:
        module: the sources.
        case: the guilty cells.
    """

    def __init__(self, module: ModuleSource, case: GuiltyCase) -> None:
        self._kinds = module.kinds
        self._case = case
        self._compared = module.compared and case.regression
        self._change = _by_function(module.change if self._compared else ())
        # What the bad source has and the change did not bring, the innocent kernel has too.
        self._tree = _by_function(() if self._compared else module.tree)

    def of(self, function: FunctionSource) -> Said:
        """Return what pairing says of a function."""
        at = function.path, function.name
        found = [
            *(
                self._said(one, function, ReasonSource.PAIRS_CHANGE)
                for one in self._change.get(at, ())
            ),
            *(self._said(one, function, ReasonSource.PAIRS_TREE) for one in self._tree.get(at, ())),
        ]
        if self._compared and not self._change.get(at) and (calls := self._calls(function)):
            found.append(calls)
        best = max(found, key=lambda one: one.ratio, default=None)
        if best is not None and best.ratio > 1:
            return best
        if self._compared and function.changed and function.judged and not self._change.get(at):
            text = "pairing follows the changed function and finds no release lost"
            return Said(
                reasons=(Reason(source=ReasonSource.PAIRS_CHANGE, ratio=QUIET.ratio, text=text),)
            )
        return best or Said()

    def _said(self, one: Finding, function: FunctionSource, source: ReasonSource) -> Said:
        table = PAIRS_CHANGE if source is ReasonSource.PAIRS_CHANGE else PAIRS_TREE
        lost = one.kind in LOST
        ratio = table[one.confidence].ratio if lost else OTHER_FAULT.ratio
        where = "the change brings" if source is ReasonSource.PAIRS_CHANGE else "the bad source has"
        text = f"pairing, confidence {one.confidence.value}: {where} this: {one.message}"
        reasons = [Reason(source=source, ratio=ratio, text=text)]
        if lost:
            reasons += self._kind(one.pair, one.acquired_by)
        return Said(reasons=tuple(reasons), missing=_missing(one, function))

    def _calls(self, function: FunctionSource) -> Said | None:
        """Return what the calls alone say that the change takes away or adds."""
        said = [
            *(
                (one, "is released or handed on less often than before")
                for one in function.released_less
            ),
            *((one, "is acquired more often than before") for one in function.acquired_more),
        ]
        ways = [
            Said(
                reasons=(
                    Reason(
                        source=ReasonSource.PAIRS_CHANGE,
                        ratio=CALLS.ratio,
                        text=f"by {one.call}() {what}; pairing tells nothing of it",
                    ),
                    *self._kind(one.pair, _acquiring(one, function)),
                )
            )
            for one, what in said
        ]
        return max(ways, key=lambda one: one.ratio, default=None)

    def _kind(self, pair: str, call: str) -> list[Reason]:
        signature = self._case.signature
        if signature is None:
            return []
        stays = left_behind(pair, self._kinds.get(pair, ""), call)
        if signature not in stays:
            text = f"{signature.value} grew, and a lost {_words(pair)} leaves "
            text += " or ".join(sorted(one.value for one in stays)) or "no memory"
            return [Reason(source=ReasonSource.KIND, ratio=OTHER_KIND.ratio, text=text)]
        text = f"a lost {_words(pair)} leaves {signature.value}, and that is what grew"
        reasons = [Reason(source=ReasonSource.KIND, ratio=KIND.ratio, text=text)]
        if signature is Signature.OBJECT and named_like(self._case.detail, pair):
            text = f"the slab cache that grew is {self._case.detail}"
            reasons.append(Reason(source=ReasonSource.KIND, ratio=NAMED.ratio, text=text))
        return reasons


def _acquiring(one: PairedCall, function: FunctionSource) -> str:
    return one.call if one in function.acquired_more else ""


def _words(pair: str) -> str:
    return pair.replace("-", " ")


def _by_function(findings: Iterable[Finding]) -> Mapping[At, Sequence[Finding]]:
    found: dict[At, list[Finding]] = {}
    for one in findings:
        found.setdefault((one.path, one.function), []).append(one)
    return found


def _missing(one: Finding, function: FunctionSource) -> Missing:
    return Missing(
        kind=one.kind,
        release=one.release,
        resource=one.resource,
        acquired_line=one.acquired_line,
        acquired_by=one.acquired_by,
        line=one.line,
        label=_label(one, function),
        message=one.message,
        steps=one.steps,
        confidence=one.confidence,
        diff=one.suggestion.diff if one.suggestion else "",
    )


def _label(one: Finding, function: FunctionSource) -> str:
    """Return the label behind which a path ends; "" where there is none."""
    return next((name for first, last, name in function.labels if first <= one.line <= last), "")
