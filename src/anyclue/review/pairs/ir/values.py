"""What is known of a value: a set of signs, or one constant.

One domain serves integers and pointers: an error pointer is negative, NULL is zero, a pointer that
can be used is positive.
"""

from __future__ import annotations

import functools
import math
import re

NEGATIVE = 1
ZERO = 2
POSITIVE = 4
ANY = 7
NONZERO = NEGATIVE | POSITIVE

Value = int | str
"""A set of signs (1 to 7), a constant's text (``#-EIO``), or ``=path``: the same as that path."""

_NUMBER = re.compile(r"#(-?)(0[xX][0-9a-fA-F]+|\d+)[uUlL]*$")

FAILS = {
    "never": POSITIVE,
    "null": POSITIVE,
    "error": POSITIVE,
    "null-or-error": POSITIVE,
    "zero": NEGATIVE | POSITIVE,
    "nonzero": ZERO,
    "negative": ZERO | POSITIVE,
}
"""The signs of a call's result when it did *not* fail, by the contract's word."""

FAILED = {
    "never": 0,
    "null": ZERO,
    "error": NEGATIVE,
    "null-or-error": NEGATIVE | ZERO,
    "zero": ZERO,
    "nonzero": NEGATIVE | POSITIVE,
    "negative": NEGATIVE,
}
"""The signs of a call's result when it failed."""


@functools.lru_cache(maxsize=65536)
def signs(value: Value) -> int:
    """Return the signs that a value may have."""
    if isinstance(value, int):
        return value
    match = _NUMBER.match(value)
    if match:
        if not match.group(2).strip("0xX"):
            return ZERO
        return NEGATIVE if match.group(1) else POSITIVE
    if value.startswith(("#-E", "#-1")):
        return NEGATIVE
    if value.startswith('#"') or "|" in value:
        return POSITIVE
    # A name for a flag or a code; what stands for nothing mostly says so.
    named = value[0] == "#" and not value.endswith(("NONE", "ZERO", "OK", "SUCCESS", "DEFAULT"))
    return NEGATIVE | POSITIVE if named else ANY


def counted(value: Value, by: int) -> int:
    """Return the signs of a number after one was added to it, or taken from it; none wraps."""
    before = signs(value)
    if by < 0:
        return _mirrored(counted(_mirrored(before), 1))
    after = POSITIVE if before & (ZERO | POSITIVE) else 0
    return after | (NEGATIVE | ZERO if before & NEGATIVE else 0)


def _mirrored(known: int) -> int:
    """Return the signs of what has the opposite sign."""
    return known & ZERO | (NEGATIVE if known & POSITIVE else 0) | (known & NEGATIVE and POSITIVE)


def is_less(one: Value, other: Value, *, or_equal: bool) -> bool | None:
    """Tell whether ``one < other``, or ``<=``; None when what is known does not tell."""
    least, most = _range(one)
    low, high = _range(other)
    if most < low or (or_equal and most <= low):
        return True
    if least > high or (not or_equal and least >= high):
        return False
    return None


def _range(value: Value) -> tuple[float, float]:
    """Return the least and the greatest number that a value may be."""
    if isinstance(value, str) and (match := _NUMBER.match(value)):
        digits = match.group(2)
        number = int(digits, 16 if digits[1:2] in ("x", "X") else 10)
        return (-number, -number) if match.group(1) else (number, number)
    known = signs(value)
    least = -math.inf if known & NEGATIVE else 0 if known & ZERO else 1
    most = math.inf if known & POSITIVE else 0 if known & ZERO else -1
    return least, most


def join(one: Value, other: Value) -> Value:
    """Return what is known of a value that is one or the other."""
    return one if one == other else signs(one) | signs(other)


def covers(wide: Value, narrow: Value) -> bool:
    """Tell whether ``wide`` says no more than ``narrow``."""
    if wide == narrow:
        return True
    return isinstance(wide, int) and signs(narrow) | wide == wide


@functools.lru_cache(maxsize=65536)
def narrow(value: Value | None, test: Value, holds: bool) -> Value | None:
    """Return a value after a test of it; None when the test cannot come out so.

    Args:
        value: what was known; None for nothing.
        test: the signs, or the constant, that it was compared with.
        holds: how the test came out.
    """
    if isinstance(test, str):
        if holds:
            if value is None:
                return test
            if isinstance(value, str):
                same = value == test or not _are_distinct(value, test)
                return test if same else None
            return test if signs(test) & value else None
        if isinstance(value, str) and value == test:
            return None
        known = ANY if value is None else value
        if signs(test) == ZERO and isinstance(known, int):
            return known & ~ZERO or None
        return known
    wanted = test if holds else ANY & ~test
    known = ANY if value is None else value
    both = signs(known) & wanted
    if not both:
        return None
    return known if isinstance(known, str) else both


def _are_distinct(one: str, other: str) -> bool:
    # Two names may stand for one number; two numbers, or two error codes, do not.
    numbers = _NUMBER.match(one), _NUMBER.match(other)
    if all(numbers):
        return one != other
    if any(numbers):
        return not signs(one) & signs(other)
    return True
