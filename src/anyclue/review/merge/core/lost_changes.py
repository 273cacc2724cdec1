"""Which lines of a side's change a result lost: how often each line is there, merged three-way.

A line that a side added has to be in the result as often as on that side, less what others took
away; a line that it removed must not come back, but for what others added. What moved to another
function, or has other variables there, is not lost. Nor is a replacement of lines that another
side replaced too, in a conflict, when that other replacement stays, or new text is there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from anyclue.review.merge.core.file_versions import Fragment
from anyclue.review.merge.core.model import LostLine
from anyclue.review.merge.core.tokens import names, shape


def surplus(
    functions: Iterable[tuple[Fragment | None, Sequence[Fragment | None], Fragment | None]],
) -> Counter[str]:
    """Return lines, and shapes of lines, that functions have more often than sides explain.

    Args:
        functions: of each function the base's text, the sides', and the result's.
    """
    found: Counter[str] = Counter()
    for _, sides, result in functions:
        if result is None or any(one is not None and one.lines == result.lines for one in sides):
            continue
        known = Counter[str]()
        for side in sides:
            known |= _counts(side)
        for line, number in (_counts(result) - known).items():
            found[line] += number
            found[_shaped(line)] += number
    return found


def lost_lines(
    base: Fragment | None,
    own: Fragment | None,
    others: Sequence[Fragment | None],
    result: Fragment | None,
    *,
    automatic: Fragment | None,
    elsewhere: Counter[str],
) -> tuple[LostLine, ...]:
    """Return the lines of one side's change to a function that the result lost.

    Args:
        base: the function in the merge base.
        own: on that side.
        others: on the other sides.
        result: in the result.
        automatic: as git merges it; None where git left a conflict in it, or has no such function.
        elsewhere: what `surplus` found.
    """
    added, removed = _lost_counts(base, own, others, result)
    for line in list(added):
        kept = elsewhere[line] or elsewhere[_shaped(line)]
        added[line] -= min(added[line], kept)
    if automatic is not None and own is not None and result is not None:
        added |= _less_often(base, own, automatic, result)
    else:
        added -= _decided(base, own, others, result)
    lines = [
        *_placed(own, base, result, +added, added=True),
        *_placed(base, own, None, +removed, added=False),
    ]
    return tuple(lines)


def _lost_counts(
    base: Fragment | None,
    own: Fragment | None,
    others: Sequence[Fragment | None],
    result: Fragment | None,
) -> tuple[Counter[str], Counter[str]]:
    before, mine, there = _counts(base), _counts(own), _counts(result)
    theirs = [_counts(one) for one in others]
    added: Counter[str] = Counter()
    removed: Counter[str] = Counter()
    for line in mine.keys() | before.keys():
        if not names(line):
            continue
        if mine[line] > before[line]:
            less = sum(min(0, one[line] - before[line]) for one in theirs)
            added[line] = max(
                0, min(mine[line] + less, mine[line]) - max(there[line], before[line])
            )
        elif mine[line] < before[line]:
            more = sum(max(0, one[line] - before[line]) for one in theirs)
            removed[line] = max(0, min(there[line], before[line]) - mine[line] - more)
    return added, removed


def _less_often(
    base: Fragment | None, own: Fragment, automatic: Fragment, result: Fragment
) -> Counter[str]:
    """Return lines that a side added and git merges, and that the result has less often.

    Where another side added the same line, it is this side's that is gone when the result has it
    not where this side has it.
    """
    gone = Counter(
        own.folded[number]
        for tag, first, end, _, _ in own.opcodes(result)
        if tag != "equal"
        for number in range(first, end)
    )
    less = (automatic.counts - result.counts) & (own.counts - _counts(base)) & gone
    return Counter({line: many for line, many in less.items() if names(line)})


def _decided(
    base: Fragment | None,
    own: Fragment | None,
    others: Sequence[Fragment | None],
    result: Fragment | None,
) -> Counter[str]:
    """Return added lines that stand for base lines which another side replaced too."""
    found: Counter[str] = Counter()
    if base is None or own is None:
        return found
    there = _counts(result)
    known = {line for one in (base, own, *others) for line in _counts(one)}
    rewritten = any(line not in known for line in there)
    taken = {
        number
        for other in others
        if other is not None
        for tag, first, end, low, high in base.opcodes(other)
        if tag == "replace"
        and (rewritten or any(there[line] > base.counts[line] for line in other.folded[low:high]))
        for number in range(first, end)
    }
    for tag, first, end, low, high in base.opcodes(own):
        gone = [number for number in range(first, end) if not there[base.folded[number]]]
        if tag == "replace" and taken.intersection(gone):
            found.update(own.folded[low : min(high, low + end - first)])
    return found


def _placed(
    piece: Fragment | None,
    known: Fragment | None,
    result: Fragment | None,
    wanted: Counter[str],
    *,
    added: bool,
) -> list[LostLine]:
    """Return the places of lines in a text: first where it differs from both others."""
    if piece is None or not wanted:
        return []
    differing = [_differing(piece, other) for other in (known, result) if other is not None]
    ranked = sorted(
        (number for number, line in enumerate(piece.folded) if wanted[line]),
        key=lambda number: (-sum(number in one for one in differing), number),
    )
    left = Counter(wanted)
    chosen = []
    for number in ranked:
        if left[piece.folded[number]]:
            left[piece.folded[number]] -= 1
            chosen.append(number)
    return [
        LostLine(added=added, line=piece.numbers[number], text=piece.lines[number].strip())
        for number in sorted(chosen)
    ]


def _differing(piece: Fragment, other: Fragment) -> set[int]:
    return {
        number
        for tag, _, _, low, high in other.opcodes(piece)
        if tag != "equal"
        for number in range(low, high)
    }


def _counts(piece: Fragment | None) -> Counter[str]:
    return piece.counts if piece is not None else Counter()


def _shaped(line: str) -> str:
    return f"shape {shape(line)}"
