"""The journal of a bisection: JSON lines that are only ever appended to.

The first line names the version, the ends and the settings; each of the others is one run, and one
is all evidence. A line counts once its line end is there, so that one cut short by kill -9
or a full disk is as if it had never been begun.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, Final, TypeVar

from anyclue.bisect.core.model import BisectTerm, CommitEvidence, Observation, Rates, Settings
from anyclue.bisect.core.posterior import clamped, validated
from anyclue.model.errors import RequestError

T = TypeVar("T")

SCHEMA: Final = "anyclue.bisection/1"


@dataclass(frozen=True, kw_only=True)
class BisectJournal:
    """What a journal holds.

    Attributes:
        good: ids of the good ends.
        bad: id of the bad end.
        settings: what the bisection keeps to.
        evidence: what is known of commits beside runs; None where nobody has looked yet.
        runs: what was seen, in order.
        length: characters of its whole lines; what follows is to be cut off before appending.
    """

    good: tuple[str, ...]
    bad: str
    settings: Settings
    evidence: tuple[CommitEvidence, ...] | None = None
    runs: tuple[Observation, ...] = ()
    length: int = 0


def header_line(good: tuple[str, ...], bad: str, settings: Settings) -> str:
    """Return the first line."""
    rates = settings.rates
    return _line(
        {
            "schema": SCHEMA,
            "good": list(good),
            "bad": bad,
            "confidence": settings.confidence,
            "false_bad": rates.false_bad,
            "false_good": rates.false_good,
            "floor": settings.floor,
            "repeats": settings.repeats,
        }
    )


def run_line(run: Observation) -> str:
    """Return the line of one run."""
    fields: dict[str, Any] = {"commit": run.commit, "shown": run.term.value}
    if run.rates is not None:
        fields |= {"false_bad": run.rates.false_bad, "false_good": run.rates.false_good}
    if run.ratio is not None:
        fields["ratio"] = run.ratio
    if run.because:
        fields["because"] = run.because
    if run.imported:
        fields["made"] = False
    return _line(fields)


def evidence_line(evidence: Iterable[CommitEvidence]) -> str:
    """Return the line of all evidence: one, so that it is there whole or not at all."""
    every = [{"commit": one.commit, "ratio": one.ratio, "because": one.because} for one in evidence]
    return _line({"evidence": every})


def read_journal(text: str) -> BisectJournal:
    """Read a journal.

    Raises:
        RequestError: a whole line is not what it should be; it names the line.
    """
    length = text.rfind("\n") + 1
    lines = text[:length].split("\n")[:-1]
    if not lines:
        raise _damaged(1, "the first line is not whole")
    journal = _parsed(1, lines[0], _header)
    evidence: tuple[CommitEvidence, ...] | None = None
    runs: list[Observation] = []
    for number, line in enumerate(lines[1:], 2):
        one = _parsed(number, line, _entry)
        if isinstance(one, Observation):
            runs.append(one)
        else:
            evidence = one
    return replace(journal, evidence=evidence, runs=tuple(runs), length=length)


def _parsed(number: int, line: str, read_one: Callable[[Mapping[str, Any]], T]) -> T:
    try:
        return read_one(_fields(line))
    except KeyError as error:
        raise _damaged(number, f"it has no {error}") from error
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise _damaged(number, str(error)) from error


def _fields(line: str) -> Mapping[str, Any]:
    fields = json.loads(line)
    if not isinstance(fields, dict):
        raise TypeError("it is no object")
    return fields


def _header(fields: Mapping[str, Any]) -> BisectJournal:
    if fields["schema"] != SCHEMA:
        raise ValueError(f"schema {fields['schema']!r} is not {SCHEMA!r}")
    good = fields["good"]
    if not isinstance(good, list):
        raise TypeError("good is not a list")
    repeats = fields["repeats"]
    if not isinstance(repeats, int) or isinstance(repeats, bool) or repeats < 0:
        raise ValueError(f"repeats is {repeats!r}")
    settings = Settings(
        confidence=_share(fields, "confidence"),
        rates=_rates(fields),
        floor=_share(fields, "floor"),
        repeats=repeats,
    )
    return BisectJournal(
        good=tuple(_text(one, "good") for one in good),
        bad=_text(fields["bad"], "bad"),
        settings=validated(settings),
    )


def _entry(fields: Mapping[str, Any]) -> tuple[CommitEvidence, ...] | Observation:
    if "evidence" in fields:
        every = fields["evidence"]
        if not isinstance(every, list) or not all(isinstance(one, dict) for one in every):
            raise TypeError("evidence is no list of objects")
        return tuple(map(_evidence, every))
    because = _text(fields.get("because", ""), "because")
    rates = _rates(fields) if "false_bad" in fields or "false_good" in fields else None
    return Observation(
        commit=_text(fields["commit"], "commit"),
        term=_term(fields["shown"]),
        rates=rates,
        ratio=_ratio(fields) if "ratio" in fields else None,
        because=because,
        imported=not _flag(fields.get("made", True), "made"),
    )


def _evidence(fields: Mapping[str, Any]) -> CommitEvidence:
    because = _text(fields.get("because", ""), "because")
    commit = _text(fields["commit"], "commit")
    return CommitEvidence(commit=commit, ratio=_ratio(fields), because=because)


def _rates(fields: Mapping[str, Any]) -> Rates:
    rates = Rates(false_bad=_share(fields, "false_bad"), false_good=_share(fields, "false_good"))
    clamped(rates)
    return rates


def _number(fields: Mapping[str, Any], name: str) -> float:
    value = fields[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise TypeError(f"{name} is no number")
    return float(value)


def _share(fields: Mapping[str, Any], name: str) -> float:
    value = _number(fields, name)
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is {value:g}, not between 0 and 1")
    return value


def _ratio(fields: Mapping[str, Any]) -> float:
    value = _number(fields, "ratio")
    if value < 0:
        raise ValueError(f"ratio is {value:g}, below 0")
    return value


def _term(value: object) -> BisectTerm:
    for term in BisectTerm:
        if value == term.value:
            return term
    raise ValueError(f"shown is {value!r}, not bad, good or skip")


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} is no text")
    return value


def _flag(value: object, name: str) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name} is neither true nor false")
    return value


def _line(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, allow_nan=False) + "\n"


def _damaged(number: int, what: str) -> RequestError:
    return RequestError.of(
        what,
        where=f"journal, line {number}",
        next_step="the journal was edited or is another file's; begin the bisection anew",
    )
