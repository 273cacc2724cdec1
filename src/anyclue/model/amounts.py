"""Amounts as a reader needs them, where every engine has to say the same."""

from __future__ import annotations


def per_operation(kib: float) -> str:
    """Return what one operation leaks, in KiB: two digits at least, however little it is.

    >>> per_operation(4.0), per_operation(0.0395), per_operation(-0.0), per_operation(256.2)
    ('4.0', '0.04', '0.0', '256')
    """
    if abs(kib) >= 0.95 or abs(kib) < 0.001:
        text = f"{kib:.0f}" if abs(kib) >= 10 else f"{kib:.1f}"
        return "0.0" if text == "-0.0" else text
    return f"{kib:.2g}"


def probability_words(value: float) -> str:
    """Return a probability as a reader needs it: never 0 or 1 where it is not.

    >>> probability_words(0.99997), probability_words(0.25), probability_words(0.0001)
    ('> 0.99', '0.25', '< 0.01')
    """
    if value >= 0.995:
        return "> 0.99"
    return "< 0.01" if value < 0.005 else f"{value:.2f}"
