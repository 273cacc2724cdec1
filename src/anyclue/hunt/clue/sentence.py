"""The finding as one would say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from types import MappingProxyType
from typing import Final

from anyclue.fstests.render.reasons import detail_text
from anyclue.hunt.minimise.operations import done_per_round
from anyclue.hunt.model import Factor
from anyclue.hunt.select.factors import is_guilty, kind
from anyclue.model.evaluation import TrialEvaluation
from anyclue.model.scenario import Cell
from anyclue.model.verdict import CellVerdict, Signature, Verdict
from anyclue.report.words import SIGNATURES, per_operation

MESSAGE_LENGTH: Final = 100
"""Characters of a guest's message that fit into a sentence."""

BETWEEN_FLOORS: Final[Mapping[Verdict, str]] = MappingProxyType(
    {
        Verdict.SURGE: "memory peaks far above the reference and comes back,",
        Verdict.CACHE: "memory grows only as cache, and reclaim gives it back,",
    }
)


def sentence(
    verdicts: Sequence[CellVerdict],
    factors: Sequence[Factor],
    recordings: Mapping[Cell, Sequence[TrialEvaluation]] | None = None,
) -> str:
    """Return the clue in plain words: what, how much, where, which suspects are innocent.

    ``recordings`` are asked only for how many files a round made.
    """
    if not verdicts:
        return "No cell was run, so nothing can be said."
    groups: dict[object, list[CellVerdict]] = {}
    for verdict in verdicts:
        if is_guilty(verdict):
            groups.setdefault(kind(verdict), []).append(verdict)
    parts = [_guilty(group, factors, recordings or {}) for group in groups.values()]
    if parts:
        parts.append(_factors(factors))
    parts.extend(_between_floors(verdicts))
    unproven = sum(v.verdict is Verdict.UNPROVEN for v in verdicts)
    clean = sum(v.verdict is Verdict.CLEAN for v in verdicts)
    if clean and not any(is_guilty(v) for v in verdicts):
        parts.append(f"{'' if parts else 'nothing found: '}{_cells(clean)} clean")
    if unproven:
        parts.append(f"{_cells(unproven)} unproven, which is not clean")
    text = "; ".join(part for part in parts if part)
    return f"{text[:1].upper()}{text[1:]}."


def _guilty(
    group: Sequence[CellVerdict],
    factors: Sequence[Factor],
    recordings: Mapping[Cell, Sequence[TrialEvaluation]],
) -> str:
    what = _leak(group, recordings) if group[0].verdict is Verdict.LEAK else _broken(group)
    return f"{what} {_where(group, factors)}"


def _leak(
    group: Sequence[CellVerdict], recordings: Mapping[Cell, Sequence[TrialEvaluation]]
) -> str:
    first = group[0]
    signature = first.signature
    kinds = SIGNATURES[signature].leaked if signature else "memory of an unknown kind"
    if first.signature in {Signature.OBJECT, Signature.VMALLOC} and first.signature_detail:
        kinds += f" ({_short(detail_text(first.signature_detail))})"
    rates = [v.rate_kib_per_round for v in group if v.rate_kib_per_round is not None]
    if not rates:
        return f"leak, {kinds}: it used up the guest's memory"
    low, high = f"{min(rates):.0f}", f"{max(rates):.0f}"
    amount = low if low == high else f"{low} to {high}"
    counts = (done_per_round(v, recordings.get(v.cell, ()), "files") for v in group)
    files = [count for count in counts if count is not None]
    per_file = f" ({per_operation(median(rates) / median(files))} KiB per file)" if files else ""
    return f"leak, {kinds}: {amount} KiB a round{per_file}"


def _broken(group: Sequence[CellVerdict]) -> str:
    first = group[0]
    incident = next((v.incident for v in group if v.incident is not None), None)
    what = f"broken, {first.outcome.value}"
    if first.signature is not None:
        what += f", {SIGNATURES[first.signature].leaked}"
    if incident is not None:
        function = incident.function
        where = f" in {function}" if function and function not in incident.title else ""
        what += f" ({_short(incident.title)}{where})"
    return what


def _where(group: Sequence[CellVerdict], factors: Sequence[Factor]) -> str:
    """Name the values that the guilty share on the axes that matter, or else the cells."""
    named = []
    for factor in factors:
        values = list(dict.fromkeys(v.cell.value(factor.factor) for v in group))
        if factor.matters and values:
            named.append(f"{factor.factor.value} {' or '.join(values)}")
    if named:
        return f"with {_listed(named)}"
    ids = [v.cell.id for v in group]
    return f"in {ids[0]}" + (f" and {len(ids) - 1} more" if len(ids) > 1 else "")


def _factors(factors: Sequence[Factor]) -> str:
    yes = [f.factor.value for f in factors if f.matters is True]
    no = [f.factor.value for f in factors if f.matters is False]
    told = []
    if yes:
        told.append(f"{_listed(yes)} {'matter' if len(yes) > 1 else 'matters'}")
    if no:
        told.append(f"{_listed(no)} {'do' if len(no) > 1 else 'does'} not")
    if no and not yes:
        return f"{told[0]} matter"
    return ", ".join(told)


def _between_floors(verdicts: Sequence[CellVerdict]) -> list[str]:
    parts = []
    for verdict, words in BETWEEN_FLOORS.items():
        ids = [v.cell.id for v in verdicts if v.verdict is verdict]
        if ids:
            more = f" and {len(ids) - 1} more" if len(ids) > 1 else ""
            parts.append(f"{words} in {ids[0]}{more}")
    return parts


def _cells(count: int) -> str:
    return "1 cell is" if count == 1 else f"{count} cells are"


def _short(text: str) -> str:
    """Return a message of a guest on one line and not too long."""
    line = " ".join(text.split())
    return line if len(line) <= MESSAGE_LENGTH else f"{line[: MESSAGE_LENGTH - 3]}..."


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else ""
