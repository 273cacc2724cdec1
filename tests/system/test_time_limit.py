from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.system.time_limit import TimeLimit, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30m", 1800),
        ("2h", 7200),
        ("1h30m", 5400),
        ("1h 30m 5s", 5405),
        ("0.5h", 1800),
        ("90", 90),
        ("90s", 90),
        (" 2H ", 7200),
        ("0", 0),
    ],
)
def test_a_time_is_read_as_it_is_said(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "m", "-5m", "5d", "30m1h", "1h1h", "1h 30", "1e3", "nan", "inf", "30 minutes"]
)
def test_what_is_no_time(text: str) -> None:
    assert parse_duration(text) is None


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59))
def test_parts_add_up(hours: int, minutes: int, seconds: int) -> None:
    assert parse_duration(f"{hours}h{minutes}m{seconds}s") == hours * 3600 + minutes * 60 + seconds


def test_a_limit_is_reached_or_is_none() -> None:
    assert TimeLimit(0).is_reached
    assert not TimeLimit(86400).is_reached
    assert not TimeLimit().is_reached
