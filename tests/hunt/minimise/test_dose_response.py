from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from anyclue.hunt.clue.model import DoseEvent, DosePoint, DoseResponse
from anyclue.hunt.minimise.dose_response import fit_dose_response
from anyclue.hunt.render.clue_text import dose_amount, dose_points, dose_sentence
from anyclue.hunt.render.clue_words import dose_response
from anyclue.model.verdict import ObjectKind, ObjectSeries

SERIES = ObjectSeries(kind=ObjectKind.SLAB, name="kmalloc-1k")


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


def counted(*rates: tuple[float, float, float], half: float = 0.2) -> DoseResponse:
    """Fit objects a round at doses, each with how often space ran out in a round."""
    measured = [
        DosePoint(
            dose=dose,
            rate_kib=None,
            rate_objects=rate,
            ci95_objects=(rate - half, rate + half),
            events={DoseEvent.MOUNT: 1.0, DoseEvent.ENOSPC: errors},
        )
        for dose, rate, errors in rates
    ]
    fit = fit_dose_response(measured, "file", SERIES)
    return dose_response(fit, fit)


def test_objects_a_file() -> None:
    found = counted((600, 30, 0), (300, 15.1, 0), (150, 7.6, 0))
    assert found.linear
    assert found.amount_objects == pytest.approx(0.05, rel=0.02)
    assert (found.amount_kib, found.events, found.series) == (None, (), SERIES)
    assert dose_amount(found) == "0.05 objects a file"
    assert dose_sentence(found).startswith("It leaks 0.05 objects a file [0.04")
    assert dose_points(found)[2] == "600 files a round: 30 objects [29.8, 30.2]"
    assert found.because == "objects a round: 7.6 at 150, 15.1 at 300, 30 at 600"


def test_one_object_at_every_mount() -> None:
    found = counted((20, 1, 0), (10, 1, 0), (5, 1, 0))
    assert found.linear is False
    assert [one.event for one in found.events] == [DoseEvent.MOUNT]
    assert found.events[0].ci95[0] < 1 < found.events[0].ci95[1]
    assert dose_amount(found) == "1 object at every mount"
    assert dose_sentence(found) == (
        "It leaks 1 object at every mount [0.9, 1.1], and not by the file: objects a round: 1 at 5,"
        " 1 at 10, 1 at 20; the same whatever the dose."
    )


def test_two_objects_at_every_error() -> None:
    """Space runs out for eight writers, for none with fewer files, for 16 with twice the fills."""
    found = counted((4000, 16, 8), (2000, 0, 0), (1000, 0, 0), (8000, 32, 16))
    assert [one.event for one in found.events] == [DoseEvent.ENOSPC]
    assert dose_amount(found) == "2 objects at every ENOSPC"


def test_events_that_come_together_are_not_told_apart() -> None:
    found = counted((20, 3, 1), (10, 3, 1), (5, 3, 1))
    assert dose_amount(found) == "3 objects at every mount or ENOSPC"


def test_doses_that_cannot_tell_name_no_dose() -> None:
    """What is as well once a mount as once for each file is said to be neither."""
    found = counted((20, 1, 0), (10, 0.8, 0), (5, 0.7, 0), half=1.5)
    assert (found.linear, found.events, dose_amount(found)) == (None, (), "")
    assert "may follow the dose or not" in dose_sentence(found)


def test_part_of_it_at_every_mount_is_not_all_at_every_mount() -> None:
    found = counted((600, 32, 0), (300, 17, 0), (150, 9.5, 0))
    assert (found.linear, found.events) == (True, ())
    assert "2 objects a round of it whatever the dose" in found.because


def test_kib_at_every_mount() -> None:
    measured = [
        DosePoint(dose=d, rate_kib=64, ci95_kib=(62, 66), events={DoseEvent.MOUNT: 1.0})
        for d in (150, 300, 600)
    ]
    assert dose_amount(fitted(measured, "file")) == "64 KiB at every mount"


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
            events={DoseEvent.MOUNT: 1.0, DoseEvent.ENOSPC: half},
        )
        for dose, rate, half, known in some
    ]
    found = fitted(measured, "file")
    assert (found.amount_kib is None) is (not found.linear)
    shown = [found.amount_kib or 0.0, *(found.ci95_kib or ())]
    shown += [size for one in found.events for size in (one.amount, *one.ci95)]
    assert all(map(math.isfinite, shown))
    assert not re.search(r"\b(nan|inf)\b", found.because)
