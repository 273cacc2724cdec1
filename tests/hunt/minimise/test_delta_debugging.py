from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from anyclue.hunt.minimise.delta_debugging import (
    Parameters,
    Search,
    ddmin,
    ddmin_before,
    simplify,
)
from anyclue.model.scenario import ParameterRule, Scalar

T = TypeVar("T")

RULES = (
    ParameterRule(name="bytes", default=1000, simpler=(1, 4096)),
    ParameterRule(name="writers", default=8, simpler=(1,)),
    ParameterRule(name="direct", default=2, simpler=(0,)),
    ParameterRule(name="files", default=600),
    ParameterRule(name="kinds", default="a,b,c", items=("a", "b", "c")),
)
GIVEN: Parameters = {"bytes": 1000, "writers": 8, "direct": 2, "files": 600, "kinds": "a,b,c"}


def run(search: Search[T], guilty: Callable[[T], bool]) -> tuple[T, list[T]]:
    """Return what a search finds, and all that it tried."""
    tried: list[T] = []
    try:
        batch = next(search)
        while True:
            assert batch
            tried += batch
            batch = search.send(tuple(guilty(one) for one in batch))
    except StopIteration as end:
        return end.value, tried


@given(st.integers(1, 40), st.data())
def test_the_fewest_of_a_list(size: int, data: st.DataObject) -> None:
    items = tuple(range(size))
    wanted = data.draw(st.sets(st.sampled_from(items), min_size=1, max_size=4))
    found, tried = run(ddmin(items), lambda some: wanted <= set(some))
    assert set(found) == wanted
    assert list(found) == sorted(found)
    assert all(0 < len(some) < size for some in tried)


@given(st.integers(1, 30), st.data())
def test_the_fewest_before_the_last(size: int, data: st.DataObject) -> None:
    before = tuple(range(size))
    wanted = data.draw(st.sets(st.sampled_from(before), max_size=3))
    found, tried = run(ddmin_before(before, 99), lambda some: wanted <= set(some))
    assert found == (*sorted(wanted), 99)
    assert tried[0] == (99,)
    assert all(some[-1] == 99 for some in tried)


def test_one_of_many_takes_few_tries() -> None:
    _, tried = run(ddmin(tuple(range(64))), lambda some: 37 in some)
    assert len(tried) <= 2 * 6


@given(st.integers(1, 12), st.randoms(use_true_random=False))
def test_the_fewest_ends_whatever_the_answers(size: int, random: Random) -> None:
    found, _ = run(ddmin(tuple(range(size))), lambda _: random.random() < 0.3)
    assert found


def test_all_at_once() -> None:
    found, tried = run(simplify(GIVEN, RULES[:4]), lambda _: True)
    assert found == {**GIVEN, "bytes": 1, "writers": 1, "direct": 0}
    assert len(tried) == 1


def test_what_matters_stays() -> None:
    """Unaligned sizes leak, and only kind b."""

    def guilty(one: Parameters) -> bool:
        size = one["bytes"]
        return isinstance(size, int) and size == 1000 and "b" in str(one["kinds"]).split(",")

    found, _ = run(simplify(GIVEN, RULES), guilty)
    assert found == {**GIVEN, "writers": 1, "direct": 0, "kinds": "b"}


def test_two_that_do_not_go_together() -> None:
    def guilty(one: Parameters) -> bool:
        return one["bytes"] == 1000 and not (one["writers"] == 1 and one["direct"] == 0)

    found, _ = run(simplify(GIVEN, RULES[:4]), guilty)
    assert found == {**GIVEN, "writers": 1}


def test_what_is_simple_stays() -> None:
    already: dict[str, Scalar] = {**GIVEN, "bytes": 1, "writers": 1, "direct": 0, "kinds": "a"}
    assert run(simplify(already, RULES), lambda _: True) == (already, [])


@given(st.lists(st.booleans(), min_size=200, max_size=200))
def test_whatever_the_answers_the_result_was_guilty(answers: list[bool]) -> None:
    given_answers: dict[str, bool] = {}

    def guilty(one: Parameters) -> bool:
        return given_answers.setdefault(str(sorted(one.items())), answers[len(given_answers)])

    found, _ = run(simplify(GIVEN, RULES), guilty)
    assert found == GIVEN or given_answers[str(sorted(found.items()))]
