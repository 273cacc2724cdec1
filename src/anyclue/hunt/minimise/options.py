"""Options of mkfs and mount, taken apart and put together."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from anyclue.model.scenario import Axis


def split(axis: Axis, options: str) -> tuple[str, ...]:
    """Return the single options; one of mkfs with the words that belong to it, quoted."""
    if axis is Axis.MOUNT:
        return tuple(option for option in options.split(",") if option)
    items: list[list[str]] = []
    for word in shlex.split(options):
        if word.startswith("-") or not items:
            items.append([word])
        else:
            items[-1].append(word)
    return tuple(shlex.join(words) for words in items)


def joined(axis: Axis, items: Sequence[str]) -> str:
    """Return options as they are given to the command."""
    return ("," if axis is Axis.MOUNT else " ").join(items)
