"""What stacks say: those of probes, and that of what broke."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from anyclue.hunt.clue.model import Reason, ReasonSource
from anyclue.hunt.localise.core.likelihood_ratios import DEPTH, INNOCENT_WRITE, STACK, WRAPPER
from anyclue.hunt.localise.core.model import Symptoms
from anyclue.hunt.probes.core.model import Frame, ProbeFinding, StackEvidence
from anyclue.hunt.render import evidence_words
from anyclue.model.verdict import Signature

_FRAME: Final = re.compile(r"(?<!\w)(?<!\? )([A-Za-z_]\w*)(?:\.[\w.]+)?\+0x[0-9a-f]+/0x[0-9a-f]+")
_WRAPS: Final = re.compile(r"(?:.*_)?(?:alloc|kmalloc|kzalloc|get|find|grab|read_mapping)(?:_.*)?")

Functions = Mapping[str, Sequence[str]]
"""The files that define a function of the module, by its name."""


def stack_evidence(symptoms: Symptoms, known: Functions) -> dict[tuple[str, str], list[Reason]]:
    """Return, by path and name, what stacks say of the module's functions.

    Of each probe the strongest finding on a function counts.
    """
    found: dict[tuple[str, str], dict[str, Reason]] = {}
    for reading in symptoms.readings:
        total: dict[StackEvidence, float] = {}
        for one in reading.findings:
            total[one.what] = total.get(one.what, 0.0) + _grown(one)
        for one in reading.findings:
            share = _grown(one) / total[one.what] if total[one.what] > 0 else 1.0
            for at, ratio in _ratios(_names(one.stack, known), _weight(one, symptoms), share):
                text = evidence_words.probe_finding(one)
                reason = Reason(source=ReasonSource.PROBE, ratio=ratio, text=text)
                _keep(found, at, reading.probe, reason)
    for at, reason in incident_evidence(symptoms.incident, known).items():
        _keep(found, at, "", reason)
    return {at: list(by.values()) for at, by in found.items()}


def frame_functions(text: str) -> list[str]:
    """Return the functions on the stacks of a kernel's report, those of other modules too."""
    return _FRAME.findall(text)


def incident_evidence(report: str, known: Functions) -> dict[tuple[str, str], Reason]:
    """Return what the stack of what broke says, by path and name, the innermost function first."""
    names = [(name, known[name]) for name in frame_functions(report) if name in known]
    text = evidence_words.ON_INCIDENT_STACK
    return {
        at: Reason(source=ReasonSource.INCIDENT, ratio=ratio, text=text)
        for at, ratio in _ratios(names, STACK[StackEvidence.INCIDENT].ratio, 1.0)
    }


def _keep(
    found: dict[tuple[str, str], dict[str, Reason]], at: tuple[str, str], probe: str, new: Reason
) -> None:
    before = found.setdefault(at, {}).get(probe)
    if before is None or before.ratio < new.ratio:
        found[at][probe] = new


def _weight(one: ProbeFinding, symptoms: Symptoms) -> float:
    references = symptoms.signature is Signature.PAGE_CACHE_REFERENCE
    if references and one.what is StackEvidence.ALLOCATION:
        return INNOCENT_WRITE.ratio
    return STACK[one.what].ratio


def _grown(one: ProbeFinding) -> float:
    """Return how much more stayed in the guilty cell; KiB, or a count where that is all."""
    before = one.innocent
    if one.what is StackEvidence.CALL:
        # Fewer may be the finding; a hundred to none is more than 9100 to 9000.
        here, there = one.guilty.count_per_round, before.count_per_round if before else 0.0
        return (here - there) ** 2 / (here + there) if here + there else 0.0
    kib = one.guilty.kib_per_round - (before.kib_per_round if before else 0.0)
    count = one.guilty.count_per_round - (before.count_per_round if before else 0.0)
    return max(kib if kib > 0 else count, 0.0)


def _names(stack: Iterable[Frame], known: Functions) -> list[tuple[str, Sequence[str]]]:
    """Return the module's functions on a stack, inlined ones too, the innermost first."""
    found: list[tuple[str, Sequence[str]]] = []
    for frame in stack:
        places = [(one.function, one.file) for one in frame.places] or [(frame.symbol, None)]
        for symbol, file in places:
            name = symbol.split(".")[0]  # foo.cold, foo.isra.0
            paths = known.get(name, ())
            paths = [one for one in paths if file is None or one == file]
            if paths:
                found.append((name, paths))
    return found


def _ratios(
    names: Iterable[tuple[str, Sequence[str]]], weight: float, share: float
) -> Iterable[tuple[tuple[str, str], float]]:
    above = (weight - 1) * share
    met = set()
    for name, paths in names:
        if name in met:
            continue
        met.add(name)
        wraps = _WRAPS.fullmatch(name) is not None
        ratio = 1 + above * (WRAPPER.ratio if wraps else 1.0)
        for path in paths:
            yield (path, name), ratio
        if not wraps:
            above *= DEPTH.ratio
