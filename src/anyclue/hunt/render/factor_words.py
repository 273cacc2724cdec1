"""Why an axis matters or does not, in words."""

from __future__ import annotations

from collections.abc import Iterable

from anyclue.fstests.render.reasons import reason_text
from anyclue.hunt.model import Factor, FactorReason
from anyclue.hunt.select.factors import kind, kind_label
from anyclue.model.scenario import Axis


def because(factor: Factor) -> str:
    """Return what decides a factor, or what keeps it open."""
    axis = factor.factor
    match factor.reason:
        case FactorReason.ONE_VALUE:
            only = "".join(f" ({one.cell.value(axis)})" for one in factor.verdicts)
            said = f"only one value was run{only}"
        case FactorReason.NOTHING_GUILTY:
            said = "no cell is guilty of anything"
        case FactorReason.UNPROVEN:
            (one,) = factor.verdicts
            said = f"{one.cell.id} would tell, but is unproven: {reason_text(one.because)}"
        case FactorReason.NO_PAIR:
            missing = factor.missing.id if factor.missing is not None else "no cell"
            said = f"no judged pair differs in it alone; {missing} would tell"
        case _:
            said = _of_pair(factor)
    return said


def _of_pair(factor: Factor) -> str:
    first, second = factor.verdicts
    axis, guilt = factor.factor, kind_label(kind(first))
    one, other = (f"{axis.value} {verdict.cell.value(axis)}" for verdict in (first, second))
    equal = ", ".join(first.cell.value(others) for others in Axis if others is not axis)
    equal = f", all else equal ({equal})"
    match factor.reason:
        case FactorReason.GUILTY_UNLIKE:
            unlike = kind_label(kind(second))
            return f"{one} is {guilt} and {other} is {unlike}: not the same{equal}"
        case FactorReason.RATES_OVERLAP:
            return (
                f"{one} is {guilt}, {other} is {second.verdict.value}, but"
                f" may leak as much{equal}: more rounds would tell"
            )
        case FactorReason.GUILTY_ALIKE:
            said = f"{one} and {other} are both {guilt}{equal}"
        case _:
            said = f"{one} is {guilt}, {other} is {second.verdict.value}{equal}"
    more = len(factor.evidence) - 1
    if more > 1:
        return f"{said}; so say {more} more pairs"
    return f"{said}; so says 1 more pair" if more else said


def open_factors(factors: Iterable[Factor]) -> list[str]:
    """Return what keeps factors open, a line each: ``mkfs: only one value was run (default)``."""
    return [f"{factor.factor.value}: {because(factor)}" for factor in factors]
