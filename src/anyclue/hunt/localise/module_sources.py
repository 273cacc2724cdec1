"""What the sources of a module say: by function, in the bad kernel and beside the good one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path

from anyclue.hunt.localise.core.model import FunctionSource, ModuleSource, PairedCall, TakenCall
from anyclue.hunt.localise.kept_sources import c_sources
from anyclue.review.api import (
    FunctionText,
    PairedCalls,
    exercise_of,
    function_texts,
    paired_calls,
    review_change,
    review_tree,
)
from anyclue.review.pairs.model import Review

Texts = Mapping[str, bytes]
"""C sources by their path below the kernel's tree."""

_LABEL = re.compile(r"[ \t]?(?!default\b)([A-Za-z_]\w*):(?!:)")
_CALL = re.compile(r"\b([A-Za-z_]\w*)\(")
_LEAVES = re.compile(r"\t(?:return|goto)\b")
UNPAIRED = frozenset({"lock", "access", "count"})
"""Kinds of pairs that leave nothing in memory."""


def read_module(good: Path | None, bad: Path, directory: str, *, alone: bool) -> ModuleSource:
    """Return what the sources of a module say: the change to the bad one, or else it by itself.

    Args:
        good: where the good kernel's sources lie, as in the kernel's tree; None without.
        bad: the same of the bad kernel.
        directory: that of the module.
        alone: whether the kernels differ in nothing else.
    """
    before, after = c_sources(good, directory) if good else None, c_sources(bad, directory)
    change = tree = Review(findings=())
    if good is not None and before:
        change = review_change(good, before, after)
    elif after:
        tree = review_tree(bad, directory)
    unjudged = {(one.path, one.function) for one in (*change.unjudged, *tree.unjudged)}
    paired = paired_calls()
    return ModuleSource(
        functions=tuple(_functions(before, after, paired, unjudged)),
        compared=bool(before),
        alone=alone,
        change=change.findings,
        tree=tree.findings,
        kinds=paired.kinds,
    )


def _functions(
    before: Texts | None, after: Texts, paired: PairedCalls, unjudged: set[tuple[str, str]]
) -> Iterable[FunctionSource]:
    for path, text in after.items():
        was = before.get(path) if before is not None else None
        same = before is not None and was == text
        functions = list(function_texts(text))
        old_functions = [] if same or was is None else list(function_texts(was))
        old = _tokens(old_functions)
        old_lines = _lines_by_name(was or b"", old_functions)
        new = {} if same or before is None else _tokens(functions)
        lines = {one.name: (one.line, one.last_line) for one in reversed(functions) if one.name}
        written = text.decode(errors="replace").split("\n")
        for name, (line, last_line) in lines.items():
            mounts, workloads = _exercised_by(path, name)
            one, two = old.get(name, ()), new.get(name, ())
            yield FunctionSource(
                path=path,
                name=name,
                line=line,
                last_line=last_line,
                changed=None if before is None else one != two,
                released_less=(
                    *_less(one, two, paired.release, paired.kinds),
                    *_less(one, two, paired.consume, paired.kinds),
                ),
                taken=()
                if one == two
                else tuple(_taken(old_lines.get(name, []), written[line - 1 : last_line], line)),
                acquired_more=_less(two, one, paired.acquire, paired.kinds),
                mounts=mounts,
                workloads=workloads,
                judged=(path, name) not in unjudged,
                labels=_labels(written[line - 1 : last_line], line),
            )


def _lines_by_name(text: bytes, functions: Iterable[FunctionText]) -> dict[str, list[str]]:
    """Return the lines of each function; of one name, those of the first."""
    lines = text.decode(errors="replace").split("\n")
    return {one.name: lines[one.line - 1 : one.last_line] for one in reversed(list(functions))}


def _taken(before: Sequence[str], after: Sequence[str], first: int) -> Iterator[TakenCall]:
    """Find the calls that lines lost from one text of a function to the other.

    ``first`` is the number of the other's first line.
    """
    matcher = SequenceMatcher(a=before, b=after, autojunk=False)
    for _, begin, end, new_begin, new_end in matcher.get_opcodes():
        kept = Counter(_CALL.findall("\n".join(after[new_begin:new_end])))
        for call in Counter(_CALL.findall("\n".join(before[begin:end]))) - kept:
            yield TakenCall(call=call, line=first + new_begin)


def _tokens(functions: Iterable[FunctionText]) -> dict[str, tuple[str, ...]]:
    """Return the tokens of each function; of one name, those of all."""
    found: dict[str, tuple[str, ...]] = {}
    for one in functions:
        found[one.name] = (*found.get(one.name, ()), *one.tokens)
    return found


def _less(
    more: Iterable[str],
    less: Iterable[str],
    paired: Mapping[str, tuple[str, ...]],
    kinds: Mapping[str, str],
) -> tuple[PairedCall, ...]:
    """Return the paired calls that are more often in one text than in another."""
    gone = _calls(more) - _calls(less)
    return tuple(
        PairedCall(call=call, pair=pair)
        for call in sorted(gone)
        for pair in paired.get(call, ())
        if kinds[pair] not in UNPAIRED
    )


def _calls(words: Iterable[str]) -> Counter[str]:
    return Counter(one for one, after in pairwise(words) if after == "(")


def _labels(lines: Sequence[str], first: int) -> tuple[tuple[int, int, str], ...]:
    """Return the labels of a function, each with the lines behind it.

    They end at the next label, at a return or goto that is no condition's, or with the function.
    """
    found: list[tuple[int, int, str]] = []
    begun: tuple[int, str] | None = None
    for number, line in enumerate(lines, first):
        label = _LABEL.match(line)
        if label is not None or number == first + len(lines) - 1 or _LEAVES.match(line):
            if begun is not None:
                found.append((begun[0], number - (label is not None), begun[1]))
            begun = (number, label[1]) if label is not None else None
    return tuple(found)


def _exercised_by(path: str, function: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the mount options that lead to a function, and the workloads that reach it."""
    found = exercise_of(path, function)
    if found is None:
        return frozenset(), frozenset()
    mounts = {option for one in found.mount for option in (one.split(",") if one else [""])}
    return frozenset(mounts), frozenset(found.workloads)
