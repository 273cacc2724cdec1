"""Make a guilty test smaller as long as it stays guilty.

A search is a generator: it yields a batch of things to try, is sent whether each of them is still
guilty, and returns the smallest that it found. So it neither knows how things are run, nor whether
that was today: the same answers lead to the same questions.

Lists are made smaller by delta debugging (Zeller and Hildebrandt, "Simplifying and isolating
failure-inducing input", IEEE TSE 28(2), 2002).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import TypeAlias, TypeVar

from anyclue.model.scenario import ParameterRule, Scalar

S = TypeVar("S")
T = TypeVar("T")
Items: TypeAlias = tuple[T, ...]
Parameters: TypeAlias = Mapping[str, Scalar]
Search: TypeAlias = Generator[tuple[T, ...], tuple[bool, ...], T]
"""Yields a batch to try, is sent whether each is guilty, returns the smallest guilty one."""


def ddmin(items: Items[T]) -> Search[Items[T]]:
    """Search the fewest of some guilty ``items`` that are guilty alone; they keep their order."""
    parts = 2
    while len(items) > 1:
        chunks = _chunks(items, parts)
        guilty = yield tuple(chunks)
        rests = [
            tuple(item for other in chunks if other is not chunk for item in other)
            for chunk in chunks
        ]
        if any(guilty):
            items, parts = chunks[guilty.index(True)], 2
            continue
        # Of two parts each is the rest of the other.
        guilty = (yield tuple(rests)) if parts > 2 else ()
        if any(guilty):
            items, parts = rests[guilty.index(True)], max(parts - 1, 2)
        elif parts < len(items):
            parts = min(parts * 2, len(items))
        else:
            break
    return items


def ddmin_before(before: Items[T], last: T) -> Search[Items[T]]:
    """Search the fewest of the items ``before`` the ``last`` that are guilty together with it.

    That they are guilty all together is known. The last one alone is tried first.
    """
    if (yield ((last,),))[0]:
        return (last,)
    enough = yield from _mapped(ddmin(before), lambda some: (*some, last))
    return (*enough, last)


def _mapped(
    search: Search[S], form: Callable[[S], T]
) -> Generator[tuple[T, ...], tuple[bool, ...], S]:
    """Run a search whose candidates are tried in another form."""
    try:
        batch = next(search)
        while True:
            batch = search.send((yield tuple(map(form, batch))))
    except StopIteration as end:
        found: S = end.value
        return found


def _chunks(items: Items[T], parts: int) -> list[Items[T]]:
    size = math.ceil(len(items) / parts)
    return [items[at : at + size] for at in range(0, len(items), size)]


def simplify(parameters: Parameters, rules: Sequence[ParameterRule]) -> Search[Parameters]:
    """Search the simplest parameters with which a workload is still guilty.

    First the numbers: all of them at once, or else each by itself. Then the lists, one by one.
    """
    current = dict(parameters)
    wanted = {rule.name: _simpler(rule, current[rule.name]) for rule in rules}
    wanted = {name: values for name, values in wanted.items() if values}
    if wanted:
        current = yield from _numbers(current, wanted)
    for rule in rules:
        if rule.items:
            current[rule.name] = yield from _list(current, rule.name)
    return current


def _simpler(rule: ParameterRule, value: Scalar) -> tuple[Scalar, ...]:
    return rule.simpler[: rule.simpler.index(value)] if value in rule.simpler else rule.simpler


def _numbers(
    current: dict[str, Scalar], wanted: Mapping[str, Sequence[Scalar]]
) -> Generator[tuple[Parameters, ...], tuple[bool, ...], dict[str, Scalar]]:
    together = {**current, **{name: values[0] for name, values in wanted.items()}}
    if (yield (together,))[0]:
        return together
    tries = [(name, value) for name, values in wanted.items() for value in values]
    if len(tries) > 1:
        guilty = yield tuple({**current, name: value} for name, value in tries)
    else:
        guilty = (False,)  # it was tried just now
    alone: dict[str, Scalar] = {}
    for (name, value), still in zip(tries, guilty, strict=True):
        if still:
            alone.setdefault(name, value)
    if len(alone) > 1 and not (yield ({**current, **alone},))[0]:
        # They do not go together: one after another, as far as it goes.
        for name, value in alone.items():
            if (yield ({**current, name: value},))[0]:
                current = {**current, name: value}
        return current
    return {**current, **alone}


def _list(
    current: Parameters, name: str
) -> Generator[tuple[Parameters, ...], tuple[bool, ...], str]:
    """Search the fewest words of a list; each batch is tried as parameters."""
    search = ddmin(tuple(str(current[name]).split(",")))
    words = yield from _mapped(search, lambda some: {**current, name: ",".join(some)})
    return ",".join(words)
