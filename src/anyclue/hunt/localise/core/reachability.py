"""Whether the guilty options and the guilty workload lead to a function."""

from __future__ import annotations

import re
from typing import Final

from anyclue.hunt.clue.model import Reason, ReasonSource
from anyclue.hunt.localise.core.evidence import FunctionSource, GuiltyCase
from anyclue.hunt.localise.core.weights import (
    OPTION,
    OTHER_OPTION,
    OTHER_WORKLOAD,
    WORKLOAD,
    Weight,
)

_WORD: Final = re.compile(r"[a-z]+|[0-9]+")
_COMMON: Final = frozenset({"on", "off", "no", "none", "default", "force"})
_LEAST = 3
"""Characters of a word that says anything."""


def reached(function: FunctionSource, case: GuiltyCase) -> list[Reason]:
    """Return what options and workloads say of a function."""
    found = _options(function, case)
    if function.workloads and case.workloads:
        if function.workloads & case.workloads:
            said = f"workload {_first(function.workloads & case.workloads)} is known to reach it"
            found.append(_reason(WORKLOAD, said))
        else:
            said = f"it is reached best by {_first(function.workloads)}, which was not guilty"
            found.append(_reason(OTHER_WORKLOAD, said))
    return found


def _options(function: FunctionSource, case: GuiltyCase) -> list[Reason]:
    named = set(_WORD.findall(f"{function.path.rpartition('/')[2]} {function.name}".lower()))
    guilty, innocent = words(case.guilty), words(case.innocent)
    own = (guilty - innocent) & named
    if own:
        said = f"option {_first(case.guilty)} is guilty, and it is named after {_first(own)}"
        return [_reason(OPTION, said)]
    if function.mounts & case.guilty and not function.mounts & case.innocent:
        said = f"option {_first(function.mounts & case.guilty)} is guilty and leads to it"
        return [_reason(OPTION, said)]
    other = (innocent - words(case.used)) & named
    if other:
        said = f"it is named after {_first(other)}, an option that the guilty cells do not have"
        return [_reason(OTHER_OPTION, said)]
    asked = function.mounts - {""}
    if asked and "" not in function.mounts and case.used and not asked & case.used:
        said = f"only {_first(asked)} is known to lead to it, and no guilty cell has that"
        return [_reason(OTHER_OPTION, said)]
    return []


def words(options: frozenset[str]) -> frozenset[str]:
    """Return the words in mount options that say which code they lead to."""
    found = {word for option in options for word in _WORD.findall(option.lower())}
    return frozenset(word for word in found if len(word) >= _LEAST) - _COMMON


def _reason(weight: Weight, text: str) -> Reason:
    return Reason(source=ReasonSource.OPTIONS, ratio=weight.ratio, text=text)


def _first(found: frozenset[str]) -> str:
    return min(found)
