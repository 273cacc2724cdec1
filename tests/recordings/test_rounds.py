"""Rounds from marks and samples: whole, cut short, in odd order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anyclue.model.recording import Mark, MarkName, Reading, Round
from anyclue.recordings.rounds import find_rounds, median_reading

IN_ROUND = (
    (0.0, MarkName.ROUND_BEGIN),
    (1.0, MarkName.FULL),
    (2.0, MarkName.SETTLED),
    (3.0, MarkName.FLOOR_BEGIN),
    (4.0, MarkName.FLOOR_END),
    (4.5, MarkName.ROUND_END),
)


def marks_of(rounds: int) -> list[Mark]:
    return [
        Mark(
            t_s=10.0 * number + offset,
            name=name,
            round=number,
            data={"files": number} if name is MarkName.ROUND_END else {},
        )
        for number in range(1, rounds + 1)
        for offset, name in IN_ROUND
    ]


def sample(t_s: float, free: float, **more: float) -> Reading:
    return Reading(t_s=t_s, counters={"meminfo.MemFree": free, **more})


SAMPLES = [sample(t / 2, float(t)) for t in range(120)]  # twice a second, to 59.5 s


def floors(rounds: tuple[Round, ...]) -> list[float | None]:
    return [r.floor.counters["meminfo.MemFree"] if r.floor else None for r in rounds]


def test_whole_rounds() -> None:
    first, second = find_rounds(marks_of(2), SAMPLES)
    assert (first.number, first.begin_s, first.end_s, first.facts) == (1, 10, 14.5, {"files": 1})
    assert first.settled == sample(12.0, 24.0)
    assert floors((first, second)) == [27.0, 47.0]  # the median of 13.0, 13.5 and 14.0 s
    assert second.begin_s == 20


def test_no_round_at_all() -> None:
    """A guest whose module does not load makes no round, and its recording is still one."""
    assert find_rounds((), ()) == ()
    assert find_rounds((), SAMPLES) == ()
    assert find_rounds([Mark(t_s=1, name=MarkName.TRIAL_BEGIN)], SAMPLES) == ()


def test_a_round_cut_short_anywhere() -> None:
    marks = marks_of(2)
    for kept in range(len(marks) + 1):
        rounds = find_rounds(marks[:kept], SAMPLES)
        assert len(rounds) == (kept > 0) + (kept > 6)
        assert [floor is not None for floor in floors(rounds)] == [
            begin <= kept for begin in (5, 11) if begin - 5 < kept
        ]
        assert [r.end_s is not None for r in rounds] == [
            kept >= begin + 6 for begin in (0, 6) if begin < kept
        ]


def test_a_floor_without_a_sample_is_none() -> None:
    outside = [s for s in SAMPLES if not 13 <= s.t_s <= 14]
    assert floors(find_rounds(marks_of(1), outside)) == [None]
    assert find_rounds(marks_of(1), SAMPLES[:20])[0].settled is None


def test_odd_order_gives_no_floor_of_another_round() -> None:
    swapped = marks_of(2)
    swapped[3], swapped[4] = swapped[4], swapped[3]  # written in the wrong order, times right
    assert floors(find_rounds(swapped, SAMPLES)) == [27.0, 47.0]
    backwards = [
        Mark(t_s=14, name=m.name, round=1) if m.name is MarkName.FLOOR_BEGIN else m
        for m in marks_of(1)
    ]
    backwards[4] = Mark(t_s=13, name=MarkName.FLOOR_END, round=1)
    assert floors(find_rounds(backwards, SAMPLES)) == [None]


def test_medians_leave_out_what_is_not_in_every_reading() -> None:
    readings = [sample(1, 5), sample(2, 1, **{"meminfo.x": 3}), sample(3, 2)]
    assert median_reading(readings) == sample(3, 2.0)
    assert median_reading([]) is None


def test_a_source_that_was_read_once_counts_with_that_reading() -> None:
    threads = {"threads.kworker": 3.0, "threads.jbd2": 1.0}
    first, second = sample(1, 5, **{"mounts.tmpfs": 1.0}), sample(2, 7, **threads)
    floor = median_reading([first, second])
    assert floor is not None
    assert dict(floor.counters) == {**sample(2, 6).counters, **threads, "mounts.tmpfs": 1.0}


any_marks = st.lists(
    st.builds(Mark, t_s=st.floats(0, 60), name=st.sampled_from(MarkName), round=st.integers(-1, 3)),
    max_size=20,
)


@given(any_marks)
def test_any_marks_at_all(marks: list[Mark]) -> None:
    rounds = find_rounds(marks, SAMPLES)
    assert len(rounds) == sum(mark.name is MarkName.ROUND_BEGIN for mark in marks)
    assert all(r.floor is None or r.floor.t_s in {s.t_s for s in SAMPLES} for r in rounds)
