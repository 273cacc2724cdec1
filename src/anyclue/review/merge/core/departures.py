"""Where a resolution departs from its sides: lines that it has more often, no more, or elsewhere.

How often a line may stand in a function follows from how often the base has it and what each side
added. A line that the base, every side and git's own merge have must stay. Order must be that of a
side, unless another side changed it; and what a statement without braces guards must be what it
guards on a side.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from operator import and_, or_
from typing import Final

from anyclue.review.merge.core.file_versions import Fragment
from anyclue.review.merge.core.model import SourceLine
from anyclue.review.merge.core.tokens import is_declaration, names

LARGEST: Final = 1000
"""Functions of more lines are not compared by order: that takes the square of it."""

_GUARD: Final = re.compile(
    r"(?:\} )?(?:else )?(?:if|for|while|list_for_each\w*) \(.*\)|(?:\} )?else"
)


@dataclass(frozen=True, kw_only=True)
class Departure:
    """Where a function departs, as positions in its lines; of lines that are gone, those of a side.

    Attributes:
        new: lines that stand more often than the sides explain.
        cut: lines that every side has; numbers in the first side.
        moved: lines in an order, or behind a condition, that no side has.
    """

    new: tuple[int, ...] = ()
    cut: tuple[SourceLine, ...] = ()
    moved: tuple[int, ...] = ()


def departure(
    base: Fragment | None,
    sides: Sequence[Fragment | None],
    automatic: Sequence[Fragment | None],
    result: Fragment | None,
    elsewhere: Counter[str],
) -> Departure:
    """Return where a function of the result departs from what was merged.

    Args:
        base: the function in the merge base.
        sides: on each side.
        automatic: as git merges it, each conflict decided for one side in turn.
        result: in the result.
        elsewhere: lines that other functions of the result have more often than the sides explain.
    """
    if result is None:
        return Departure()
    there = [one for one in sides if one is not None]
    ways = [one for one in automatic if one is not None]
    if any(one.solid == result.solid for one in (*there, *ways)):
        return Departure()
    new = tuple(sorted(_most(result, _allowed(base, there, ways), (*there, *ways))))
    cut = _kept(base, sides, automatic) - result.counts
    moved = set(_reordered(base, there, ways, result)) | set(_regarded(there, ways, result))
    return Departure(
        new=new,
        cut=tuple(_gone(there, cut, elsewhere)),
        moved=tuple(sorted(moved - set(new))),
    )


def _allowed(
    base: Fragment | None, sides: Sequence[Fragment], ways: Sequence[Fragment]
) -> Counter[str]:
    """Return how often each line may stand there."""
    if len(ways) == 1:
        return ways[0].counts
    before = base.counts if base is not None else Counter[str]()
    additions = (one.counts - before for one in sides)
    return reduce(or_, (one.counts for one in ways), sum(additions, before))


def _most(result: Fragment, allowed: Counter[str], known: Sequence[Fragment]) -> Iterator[int]:
    """Yield lines beyond what is allowed: first those that stand where no known text has them."""
    more = result.counts - allowed
    if not more:
        return
    strange = Counter(
        number
        for one in known
        for tag, _, _, low, high in one.opcodes(result)
        if tag != "equal"
        for number in range(low, high)
    )
    for number in sorted(range(len(result.folded)), key=lambda n: (-strange[n], n)):
        if more[result.folded[number]] > 0:
            more[result.folded[number]] -= 1
            yield number


def _kept(
    base: Fragment | None,
    sides: Sequence[Fragment | None],
    ways: Sequence[Fragment | None],
) -> Counter[str]:
    """Return how often each line stands in all that was merged."""
    every = [base, *sides, *ways]
    if any(one is None for one in every):
        return Counter()
    return reduce(and_, (one.counts for one in every if one is not None))


def _gone(
    sides: Sequence[Fragment], cut: Counter[str], elsewhere: Counter[str]
) -> Iterator[SourceLine]:
    if not sides:
        return
    first = sides[0]
    left = Counter({line: many for line, many in cut.items() if names(line)})
    left -= elsewhere
    for number, line, text in zip(first.numbers, first.folded, first.lines, strict=True):
        if left[line] > 0:
            left[line] -= 1
            yield SourceLine(line=number, text=text.strip())


def _reordered(
    base: Fragment | None,
    sides: Sequence[Fragment],
    ways: Sequence[Fragment],
    result: Fragment,
) -> Iterator[int]:
    """Yield lines that break a side's order, where no other side broke that of the base."""
    if base is None or max(len(one.lines) for one in (result, *sides, *ways)) > LARGEST:
        return
    texts = ways if len(ways) == 1 else sides
    found = [_out_of_order(result, one) for one in texts]
    for number, one in enumerate(texts):
        others = [two for two in sides if two is not one] if len(ways) > 1 else []
        if any(_out_of_order(two, base) for two in others):
            continue
        fitting = [two for two, wrong in zip(texts, found, strict=True) if not wrong]
        for at in found[number]:
            line = result.folded[at]
            if not is_declaration(line) and not any(line in two.counts for two in fitting):
                yield at


def _out_of_order(text: Fragment, other: Fragment) -> list[int]:
    """Return lines of a text that another has too, and that are in no longest common order."""
    here = [n for n, line in enumerate(text.folded) if line in other.counts]
    there = [line for line in other.folded if line in text.counts]
    left = text.counts & other.counts
    common = _common([text.folded[n] for n in here], there)
    for number in common:
        left[text.folded[here[number]]] -= 1
    found = []
    for number in (n for n in range(len(here)) if n not in common):
        if left[text.folded[here[number]]] > 0:
            left[text.folded[here[number]]] -= 1
            found.append(here[number])
    return found


def _common(one: Sequence[str], other: Sequence[str]) -> set[int]:
    """Return the positions in the one of a longest common subsequence."""
    rows = [[0] * (len(other) + 1)]
    for line in one:
        above, row = rows[-1], [0]
        for number, two in enumerate(other):
            row.append(above[number] + 1 if line == two else max(above[number + 1], row[number]))
        rows.append(row)
    found = set()
    at, beside = len(one), len(other)
    while at and beside:
        if rows[at][beside] == rows[at - 1][beside]:
            at -= 1
        elif rows[at][beside] == rows[at][beside - 1]:
            beside -= 1
        else:
            at, beside = at - 1, beside - 1
            found.add(at)
    return found


def _regarded(
    sides: Sequence[Fragment], ways: Sequence[Fragment], result: Fragment
) -> Iterator[int]:
    """Yield lines behind a condition without braces that guards another line on every side."""
    known = {pair for one in (*sides, *ways) for pair in pairwise(one.solid)}
    guards = {first for first, _ in known if _GUARD.fullmatch(first)}
    solid = [(number, line) for number, line in enumerate(result.folded) if line]
    for (_, first), (number, line) in pairwise(solid):
        if first in guards and line != "{" and (first, line) not in known:
            yield number
