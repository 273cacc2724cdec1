"""The good and bad functions of the built-in contracts, judged by the engine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from anyclue.review.pairs.contracts.model import Pair
from anyclue.review.pairs.contracts.read import built_in
from anyclue.review.pairs.frontend.unit import unit
from anyclue.review.pairs.model import Confidence
from anyclue.review.pairs.rules.program import Program

Analyse = Callable[[str], Program]

NOT_FOUND = {
    ("kref", "use_session"): "a reference taken on a field counts as stored",
}
"""Bad functions in which the engine finds nothing, with the reason."""

BAD = [(pair, one.name) for pair in built_in().pairs for one in unit(pair.bad.encode()).functions]


def _bad(pair: Pair, name: str) -> object:
    reason = NOT_FOUND.get((pair.name, name))
    marks = [pytest.mark.xfail(strict=True, reason=reason)] if reason else []
    return pytest.param(pair, name, marks=marks, id=f"{pair.name}-{name}")


@pytest.mark.parametrize("pair", built_in().pairs, ids=lambda pair: pair.name)
def test_nothing_is_wrong_with_the_good_functions(pair: Pair, analyse: Analyse) -> None:
    program = analyse(pair.good)
    wrong = [
        (assessment.function.name, one.kind, one.seed.place, one.reason)
        for _, assessment, one in program.candidates()
        if one.confidence != Confidence.LOW
    ]
    assert not wrong
    assert not list(program.unjudged())
    assert program.files["x.c"].functions


@pytest.mark.parametrize(("pair", "name"), [_bad(pair, name) for pair, name in BAD])
def test_something_is_wrong_with_every_bad_function(
    pair: Pair, name: str, analyse: Analyse
) -> None:
    program = analyse(pair.bad)
    found = [
        one
        for _, assessment, one in program.candidates()
        if assessment.function.name == name and one.seed.pair.name == pair.name
    ]
    assert found


def test_most_bad_functions_are_found_with_some_confidence(analyse: Analyse) -> None:
    sure = 0
    for pair in built_in().pairs:
        names = {
            assessment.function.name
            for _, assessment, one in analyse(pair.bad).candidates()
            if one.seed.pair.name == pair.name and one.confidence != Confidence.LOW
        }
        sure += len(names)
    assert sure >= 0.7 * len(BAD), f"{sure} of {len(BAD)}"


def test_every_exception_is_of_a_function_that_is_there() -> None:
    assert set(NOT_FOUND) <= {(pair.name, name) for pair, name in BAD}
