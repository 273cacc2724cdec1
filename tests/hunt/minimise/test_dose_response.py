from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from anyclue.hunt.clue.model import DosePoint, DoseResponse
from anyclue.hunt.minimise.dose_response import fit_dose_response
from anyclue.hunt.render.clue_words import dose_response


def fitted(points: Sequence[DosePoint], unit: str) -> DoseResponse:
    return dose_response(fit_dose_response(points, unit))


def points(*rates: tuple[float, float], half: float = 2.0) -> list[DosePoint]:
    return [
        DosePoint(dose=dose, rate_kib=rate, ci95_kib=(rate - half, rate + half))
        for dose, rate in rates
    ]


def test_a_page_a_file() -> None:
    found = fitted(points((600, 2400), (150, 600), (300, 1201)), "file")
    assert found.linear
    assert found.amount_kib == pytest.approx(4.0, abs=0.02)
    assert found.ci95_kib is not None
    assert found.ci95_kib[0] < 4.0 < found.ci95_kib[1]
    assert [point.dose for point in found.points] == [150, 300, 600]
    assert found.because == "KiB a round: 600 at 150, 1201 at 300, 2400 at 600"


def test_the_same_whatever_the_dose() -> None:
    found = fitted(points((150, 500), (300, 498), (600, 503)), "file")
    assert found.linear is False
    assert found.amount_kib is None
    assert "whatever the dose" in found.because


def test_a_fixed_part() -> None:
    found = fitted(points((150, 1100), (300, 1700), (600, 2900)), "file")
    assert found.linear
    assert found.amount_kib == pytest.approx(4.0, abs=0.1)
    assert "500 KiB a round of it whatever the dose" in found.because


def test_no_line() -> None:
    found = fitted(points((150, 100), (300, 2000), (600, 2100)), "file")
    assert found.linear is False
    assert "no straight line" in found.because


@pytest.mark.parametrize("known", [0, 1, 2])
def test_too_few_points_say_nothing(known: int) -> None:
    some = points((150, 600), (300, 1200))[:known]
    unknown = [DosePoint(dose=600, rate_kib=None)]
    found = fitted([*some, *unknown], "file")
    assert found.linear is None
    assert found.amount_kib is None
    assert len(found.points) == known + 1


def test_the_interval_holds_the_amount_as_often_as_it_says() -> None:
    rng = random.Random(1)
    hits = []
    for _ in range(400):
        measured = []
        for dose in (150, 300, 600):
            error = 15.0
            rate = rng.gauss(4.0 * dose * rng.gauss(1, 0.02), error)
            measured.append((dose, rate))
        found = fitted(points(*measured, half=1.96 * 15), "file")
        hits.append(found.ci95_kib is not None and found.ci95_kib[0] < 4.0 < found.ci95_kib[1])
    assert sum(hits) / len(hits) > 0.9


DOSES = st.floats(0, 2.0**64)
KIB = st.floats(-(2.0**54), 2.0**54)


@given(st.lists(st.tuples(DOSES, KIB, KIB.map(abs), st.booleans()), max_size=6))
@example([(0.0, 0.0, 3e-207, True), (1.0, 0.0, 0.0, True), (2.0, 0.0, 0.0, True)])
@example([(0.0, 0.0, 0.0, True), (5e-324, 0.0, 0.0, True), (1e-323, 0.0, 0.0, True)])
@example([(0.0, 3e8, 0.0, True), (1e-300, 0.0, 0.0, True), (1e-323, 0.0, 2.0**54, True)])
@example([(0.0, 0.0, 0.0, True), (1e-170, 1.0, 9.0, True), (2e-170, 2.0, 9.0, True)])
@example([(0.0, 5.0, 0.0, True), (1.0, 6.0, 2.0**54, True), (2.0**64, 7.0, 0.0, True)])
def test_any_points(some: list[tuple[float, float, float, bool]]) -> None:
    measured = [
        DosePoint(
            dose=dose,
            rate_kib=rate if known else None,
            ci95_kib=(rate - half, rate + half) if known else None,
        )
        for dose, rate, half, known in some
    ]
    found = fitted(measured, "file")
    assert (found.amount_kib is None) is (not found.linear)
    shown = [found.amount_kib or 0.0, *(found.ci95_kib or ())]
    assert all(map(math.isfinite, shown))
    assert not re.search(r"\b(nan|inf)\b", found.because)
