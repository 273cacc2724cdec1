from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.model.evaluation import EvaluatedRound, TrialEvaluation
from anyclue.model.recording import EXACT_OBJECTS, Outcome, Reading
from anyclue.model.scenario import Cell
from anyclue.model.verdict import ObjectKind, ObjectSeries
from anyclue.verdicts.floors import FloorSeries
from anyclue.verdicts.object_floors import ObjectFloors, object_floors
from anyclue.verdicts.object_growth import (
    FALSE_REPEATS,
    ObjectGrowth,
    ObjectTest,
    ObjectTests,
    object_rate,
    object_tests,
    slab_steps,
)

CELL = Cell(kernel="k", machine="m", mkfs="d", mount="d", workload="w")
NAME = "slab_objects.a"
SERIES = ObjectSeries(kind=ObjectKind.SLAB, name="a")
ROUNDS = 10
FLAT = (0,) * ROUNDS
OTHERS = {f"slab_objects.still-{k}": FLAT for k in range(150)}

Counts = Mapping[str, Sequence[float | None]]


def guest(counts: Counts, *, exact: bool = True) -> TrialEvaluation:
    """Return a trial whose floors count these; None: not there."""
    rounds = max(map(len, counts.values()))
    return TrialEvaluation(
        cell=CELL,
        trial=1,
        outcome=Outcome.PASSED,
        detail="",
        ram_kib=1,
        rounds=tuple(
            EvaluatedRound(
                number=k + 1,
                floor=Reading(
                    t_s=float(k),
                    counters={
                        name: float(value)
                        for name, values in counts.items()
                        if (value := values[k]) is not None
                    },
                ),
                facts={EXACT_OBJECTS: int(exact)},
            )
            for k in range(rounds)
        ),
    )


def judged(
    guests: Sequence[Sequence[float]],
    reference: Sequence[Sequence[float]] | None = (FLAT,),
    *,
    exact: bool = True,
    is_reference: bool = False,
) -> ObjectTests:
    """Judge one series beside 150 that never move."""

    def floors(of: Sequence[Sequence[float]]) -> list[TrialEvaluation]:
        return [
            guest({NAME: one} | {n: v[: len(one)] for n, v in OTHERS.items()}, exact=exact)
            for one in of
        ]

    theirs = object_floors(floors(reference)) if reference is not None else None
    return object_tests(object_floors(floors(guests)), theirs, is_reference=is_reference)


def growth(
    guests: Sequence[Sequence[float]], reference: Sequence[Sequence[float]] | None = (FLAT,)
) -> ObjectGrowth:
    moved = judged(guests, reference).moved
    return moved[SERIES].growth if SERIES in moved else ObjectGrowth.NOT_SHOWN


def leak(objects: float, rounds: int = ROUNDS) -> list[float]:
    return [100 + objects * k for k in range(rounds)]


def test_one_object_a_round_is_proven_in_two_guests() -> None:
    found = judged([leak(1), leak(1)]).moved[SERIES]
    assert found.growth is ObjectGrowth.PROVEN
    assert found.rate == pytest.approx(1.0)
    assert 0.8 < found.interval[0] < 1.0 < found.interval[1] < 1.2
    assert found.reference_rate == pytest.approx(0.0)


def test_one_guest_is_no_proof() -> None:
    assert growth([leak(1)]) is ObjectGrowth.ONE_GUEST
    assert growth([leak(1000)]) is ObjectGrowth.ONE_GUEST


def test_every_guest_has_to_show_it() -> None:
    assert growth([leak(1), FLAT]) is ObjectGrowth.NOT_SHOWN
    assert growth([leak(1), leak(1), FLAT]) is ObjectGrowth.NOT_SHOWN


def test_what_was_cut_short_does_not_count_as_a_guest() -> None:
    assert growth([leak(1), leak(1, 3)]) is ObjectGrowth.ONE_GUEST


def test_what_the_reference_does_too_is_normal() -> None:
    assert growth([leak(1), leak(1)], [leak(1)]) is ObjectGrowth.NOT_SHOWN
    assert growth([leak(39), leak(40)], [leak(39)]) is ObjectGrowth.NOT_SHOWN
    assert growth([leak(1), leak(1)], [FLAT, leak(1)]) is ObjectGrowth.NOT_SHOWN


def test_what_is_more_than_normal_is_proven() -> None:
    assert growth([leak(2), leak(2)], [leak(1)]) is ObjectGrowth.PROVEN
    found = judged([leak(2), leak(2)], [leak(1)]).moved[SERIES]
    assert found.reference_rate == pytest.approx(1.0)


def test_without_a_reference_nothing_is_accused() -> None:
    assert growth([leak(5)] * 3, None) is ObjectGrowth.NO_REFERENCE
    assert growth([leak(5)] * 3, [FLAT[:2]]) is ObjectGrowth.NO_REFERENCE


def test_a_reference_shows_what_is_normal() -> None:
    found = judged([leak(5)], None, is_reference=True)
    assert found.moved[SERIES].growth is ObjectGrowth.NOT_SHOWN
    assert found.not_excluded == (found.moved[SERIES],)


def test_few_rounds_make_it_a_suspicion_at_the_most() -> None:
    assert growth([leak(1, 6)], [FLAT[:6]]) is ObjectGrowth.SUSPECTED
    assert growth([leak(1, 4)], [FLAT[:4]]) is ObjectGrowth.NOT_SHOWN
    assert growth([leak(1, 6)] * 3, [FLAT[:6]]) is ObjectGrowth.PROVEN


@pytest.mark.parametrize(
    "noise",
    [
        (0, 26, 26, 26, 26, 26, 26, 26, 26, 26),  # a step of a whole slab
        (0, 0, 0, 0, 0, 229, 229, 229, 229, 229),
        (0, 38, 0, 38, 0, 38, 0, 38, 0, 38),  # two states
        (0, 0, 60, 60, 60, 120, 120, 60, 60, 60),  # sheaves of 60
        (0, 7, 5, 2, 2, 2, 3, 2, 4, 3),
        (0, 64, 64, 128, 192, 256, 256, 320, 320, 320),
        (0, 8, 12, 14, 15, 15, 15, 15, 15, 15),  # fills, and is full
        (0, 0, 0, 0, 0, 0, 1, 2, 3, 4),  # begins late
    ],
)
def test_noise_of_real_guests_is_no_leak(noise: Sequence[float]) -> None:
    for guests in ([noise], [noise, noise], [noise, FLAT], [noise] * 3):
        found = judged(guests)
        assert not found.grown
        assert not found.in_doubt


def test_a_late_step_does_not_hide_a_leak() -> None:
    with_step = [n + (200 if k >= 5 else 0) for k, n in enumerate(leak(2))]
    found = judged([with_step, leak(2)]).moved[SERIES]
    assert found.growth is ObjectGrowth.PROVEN
    assert found.rate == pytest.approx(2.0)


def test_a_cache_that_is_first_filled_is_warm_up() -> None:
    filled = [0, *(500 + n for n in leak(1, ROUNDS - 1))]
    found = judged([filled, filled]).moved[SERIES]
    assert (found.growth, found.warm_up, found.floors) == (ObjectGrowth.PROVEN, 1, 18)


def test_what_never_moved_is_excluded_at_one_object() -> None:
    found = judged([FLAT])
    assert not found.moved
    assert found.limit == 1
    bound = found.bound()
    assert bound is not None
    assert (bound.series, bound.excluded, bound.limit) == (151, 151, 1)


def test_what_is_too_noisy_is_not_claimed() -> None:
    found = judged([[0, 5, 0, 5, 5, 0, 0, 5, 0, 5]])
    bound = found.bound()
    assert bound is not None
    assert (bound.series, bound.excluded) == (151, 150)
    assert [one.series for one in found.not_excluded] == [SERIES]
    rate = found.rates()[SERIES]
    assert not rate.grew
    assert rate.at_most >= 1


def test_few_floors_claim_less() -> None:
    found = judged([FLAT[:4]], None)
    bound = found.bound()
    assert bound is not None
    assert (bound.excluded, bound.limit) == (151, 2)
    assert judged([FLAT[:2]]).bound() is None


def test_counts_that_are_not_exact_exclude_nothing() -> None:
    assert judged([FLAT], exact=False).bound() is None
    assert judged([leak(2)], None, exact=False).in_doubt == ()
    assert judged([leak(1, 6)], [FLAT[:6]], exact=False).in_doubt == ()
    assert judged([leak(14)] * 3, exact=False).grown


def test_what_is_not_named_is_none() -> None:
    later = {NAME: (None, *range(1, ROUNDS)), "slab_objects.b": FLAT}
    reference = object_floors([guest({"slab_objects.b": FLAT})])
    found = object_tests(object_floors([guest(later), guest(later)]), reference)
    assert found.moved[SERIES].growth is ObjectGrowth.PROVEN


def test_a_reference_that_does_not_count_such_objects_is_none() -> None:
    threads = ObjectSeries(kind=ObjectKind.THREADS, name="a")
    reference = object_floors([guest({"slab_objects.b": FLAT})])
    found = object_tests(object_floors([guest({"threads.a": leak(1)})]), reference)
    assert found.moved[threads].growth is ObjectGrowth.NO_REFERENCE


def test_floors_that_count_no_such_objects_are_missing() -> None:
    gap: list[float | None] = [*leak(1)]
    gap[4] = None
    floors = object_floors([guest({"threads.a": gap, NAME: FLAT})])
    (series,) = floors.of(ObjectSeries(kind=ObjectKind.THREADS, name="a"))
    assert series.rounds == (1, 2, 3, 4, 6, 7, 8, 9, 10)
    assert max(series.rises().per_round()) == 1.0


def test_what_the_kernel_frees_later_is_not_counted() -> None:
    assert object_floors([guest({"slab_objects.vmap_area": leak(39)})]).series == ()


def test_other_counters_are_no_objects() -> None:
    counters = {"slab_kib.a": leak(1), "meminfo.MemFree": leak(1), "vmstat.x.y": leak(1)}
    assert object_floors([guest(counters)]).series == ()


values = (
    st.integers(0, 40).map(float)
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.sampled_from([2.0**53, 5e-324, 1e308, -1.0])
)
trials = st.lists(st.lists(values, min_size=1, max_size=9), max_size=3)


@given(trials, st.none() | trials, st.booleans())
def test_whatever_was_counted_is_judged(
    guests: list[list[float]], reference: list[list[float]] | None, exact: bool
) -> None:
    found = judged(guests, reference, exact=exact)
    for one in found.moved.values():
        assert all(map(math.isfinite, (one.rate, *one.interval, one.at_most)))
        assert one.interval[0] <= one.rate <= one.interval[1]
    if len(guests) < 2 or reference is None:
        assert not found.grown
    bound = found.bound()
    assert bound is None or 0 <= bound.excluded <= bound.series


@given(st.lists(st.integers(0, 9), min_size=4, max_size=9), st.integers(1, 60))
def test_what_rises_in_no_more_than_half_of_the_rounds_is_no_leak(
    rises: list[int], size: int
) -> None:
    halved = [size if n % 2 else 0 for n in rises]
    if sum(map(bool, halved)) > len(rises) / 2:
        return
    counts = [0.0, *np.cumsum(halved)]
    flat = [0.0] * len(counts)
    assert growth([counts, counts, counts], [flat]) is ObjectGrowth.NOT_SHOWN


def whole_slabs(counts: Sequence[float], of_slab: int = 8) -> TrialEvaluation:
    """Return a guest that counts one cache in whole slabs, as one held by a CPU is counted."""
    full: dict[str, Sequence[float]] = {
        NAME: [of_slab * math.ceil(count / of_slab) for count in counts],
        "slab_grain.a": [of_slab] * len(counts),
    }
    return guest(full | dict.fromkeys(OTHERS, [0] * len(counts)))


def test_what_fits_into_a_slab_is_not_excluded() -> None:
    flat = object_floors([whole_slabs([96.0] * ROUNDS)])
    found = object_tests(flat, flat)
    assert flat.grains == {SERIES: 8.0}
    assert [one.series for one in found.not_excluded] == []  # 7 objects in 9 rounds
    short = object_floors([whole_slabs([96.0] * 7)])
    found = object_tests(short, short)
    assert [one.series for one in found.not_excluded] == [SERIES]  # 7 in 6
    bound = found.bound()
    assert bound is not None
    assert (bound.excluded, bound.series) == (150, 151)


def test_a_cache_that_is_full_by_chance_is_counted_by_objects() -> None:
    counts = {NAME: (95, 96, 95, 96, 95, 95, 95), "slab_grain.a": (None, 8, None, 8, None, None, 8)}
    assert object_floors([guest(counts)]).grains == {}


def test_slabs_that_fill_up_are_suspected() -> None:
    flat = object_floors([whole_slabs([96.0] * 24)])
    climbing = object_floors([whole_slabs([96.0 + k for k in range(24)])])
    once = object_floors([whole_slabs([96.0] * 5 + [97.0] * 19)])
    falling = object_floors([whole_slabs([96.0, 110, 96, 110, 120, 130, 140, 96])])

    def found(cell: ObjectFloors, reference: ObjectFloors | None) -> ObjectGrowth:
        return object_tests(cell, reference).moved[SERIES].growth

    assert found(climbing, flat) is ObjectGrowth.SLABS
    assert found(climbing, climbing) is ObjectGrowth.NOT_SHOWN
    assert found(climbing, None) is ObjectGrowth.NOT_SHOWN
    assert found(once, flat) is ObjectGrowth.NOT_SHOWN
    assert found(falling, flat) is ObjectGrowth.NOT_SHOWN


@pytest.mark.parametrize("rounds", [5, 7, 9, 10, 12, 16, 24])
@pytest.mark.parametrize("first", range(8))
def test_an_object_a_round_in_whole_slabs_is_never_excluded(rounds: int, first: int) -> None:
    """Though it shows as a single step, or as none in few rounds, and one may be a warm-up's."""
    still = object_floors([whole_slabs([96.0] * rounds)] * 3)
    leaks = object_floors([whole_slabs([90.0 + first + k for k in range(rounds)])] * 3)
    found = object_tests(leaks, still)
    told = (*found.not_excluded, *found.in_doubt, *found.grown)
    assert SERIES in {one.series for one in told}


def test_enough_slabs_that_fill_up_in_every_guest_are_proof() -> None:
    """Each count stands still in half of the rounds: no rate of all rises shows it."""
    flat = [whole_slabs([96.0] * 24)] * 3
    climbing = [whole_slabs([96.0 + 4 * k for k in range(24)])] * 3

    def found(
        cell: Sequence[TrialEvaluation], reference: Sequence[TrialEvaluation] = flat
    ) -> ObjectTest:
        return object_tests(object_floors(cell), object_floors(reference)).moved[SERIES]

    test = found(climbing)
    assert test.growth is ObjectGrowth.PROVEN
    assert test.slabs is not None
    assert (test.slabs.objects, test.slabs.seen) == (8, 36)
    assert test.interval[0] < 4 < test.interval[1]
    assert found(climbing[:1]).growth is ObjectGrowth.ONE_GUEST
    assert found([*climbing[:2], flat[0]]).growth is ObjectGrowth.NOT_SHOWN
    assert found(climbing, climbing).growth is ObjectGrowth.NOT_SHOWN


def test_steps_that_the_reference_takes_as_often_are_no_proof() -> None:
    """What would be proof by the steps of the cell alone is weighed against the reference's."""
    own = [FloorSeries(rounds=tuple(range(25)), values=tuple(8.0 * (k // 2) for k in range(25)))]
    still = FloorSeries(rounds=tuple(range(25)), values=(8.0,) * 25)
    busy = replace(still, values=tuple(8.0 * (k % 2) for k in range(25)))
    beside_still = slab_steps(own, [still], 8.0, 1e-3)
    beside_busy = slab_steps(own, [busy], 8.0, 1e-3)
    assert beside_still is not None
    assert beside_busy is not None
    assert (beside_still.seen, beside_still.needed) == (12, 10)
    assert beside_busy.needed > 12


def test_what_could_not_be_read_is_not_excluded() -> None:
    unread: dict[str, Sequence[float | None]] = {NAME: (100, *[math.nan] * (ROUNDS - 1)), **OTHERS}
    bound = object_tests(object_floors([guest(unread)]), None, is_reference=True).bound()
    assert bound is not None
    assert (bound.excluded, bound.series) == (150, 151)


def test_what_is_known_to_leak_is_judged_alone_and_by_one_guest() -> None:
    """Another series that grows as much may be normal under these conditions."""
    other = ObjectSeries(kind=ObjectKind.SLAB, name="other")
    steady = tuple(range(ROUNDS))
    cell = object_floors([guest({NAME: steady, "slab_objects.other": steady})])
    reference = object_floors([guest({NAME: FLAT, "slab_objects.other": FLAT})])
    found = object_tests(cell, reference, known={SERIES})
    assert [one.series for one in found.grown] == [SERIES]
    assert other not in found.moved
    assert found.bound() is not None
    alone = object_tests(cell, reference)
    assert {one.growth for one in alone.moved.values()} == {ObjectGrowth.ONE_GUEST}


def test_what_is_known_to_leak_is_not_taken_to_do_so_by_chance() -> None:
    random = np.random.default_rng(3)
    flat = object_floors([guest({NAME: FLAT})])
    hits = 0
    for _ in range(400):
        walk = np.cumsum(random.integers(-1, 2, ROUNDS))
        hits += bool(
            object_tests(object_floors([guest({NAME: walk.tolist()})]), flat, known={SERIES}).grown
        )
    assert hits / 400 <= FALSE_REPEATS


def test_the_rate_of_one_series() -> None:
    found = object_rate(SERIES, [guest({NAME: tuple(range(0, 2 * ROUNDS, 2))})] * 2)
    assert found is not None
    rate, (low, high) = found
    assert rate == pytest.approx(2.0)
    assert 1.7 < low < 2.0 < high < 2.3
    assert object_rate(SERIES, [guest({NAME: (1, 2)})]) is None
    assert (
        object_rate(ObjectSeries(kind=ObjectKind.MOUNTS, name="x"), [guest({NAME: FLAT})]) is None
    )
