"""What follows up a fault, in which order, by worth and cost alone."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from anyclue.hunt.minimise.plan import AFTER, WORTH, FollowUpKind, FollowUpStep, in_order


def step(kind: FollowUpKind, guests: int, fault: int = 0, **known: object) -> FollowUpStep:
    return FollowUpStep(kind=kind, guests=guests, fault=fault, **known)  # type: ignore[arg-type]


def test_the_place_first_then_the_dose_then_options_and_the_script_of_the_smallest_form() -> None:
    steps = [
        step(FollowUpKind.SCRIPT, 1),
        step(FollowUpKind.SMALLER_FORM, 7),
        step(FollowUpKind.OPTIONS, 6, subject="mount"),
        step(FollowUpKind.DOSE, 2),
        step(FollowUpKind.PROBE, 2, subject="page-references"),
    ]
    assert [one.kind for one in in_order(steps)] == [
        FollowUpKind.PROBE,
        FollowUpKind.DOSE,
        FollowUpKind.OPTIONS,
        FollowUpKind.SMALLER_FORM,
        FollowUpKind.SCRIPT,
    ]


def test_every_fault_s_probes_come_before_any_fault_s_smaller_form() -> None:
    steps = [
        step(kind, guests, fault)
        for fault in (0, 1)
        for kind, guests in ((FollowUpKind.SMALLER_FORM, 3), (FollowUpKind.PROBE, 2))
    ]
    assert [(one.kind, one.fault) for one in in_order(steps)] == [
        (FollowUpKind.PROBE, 0),
        (FollowUpKind.PROBE, 1),
        (FollowUpKind.SMALLER_FORM, 0),
        (FollowUpKind.SMALLER_FORM, 1),
    ]


def test_a_fault_without_any_probe_comes_before_the_next_probe_of_another() -> None:
    """And its dose too: the first probe may have told the place."""
    probes = [
        step(FollowUpKind.PROBE, 2, fault, subject=str(before), before=before)
        for fault in (0, 1)
        for before in (0, 1)
    ]
    doses = [step(FollowUpKind.DOSE, 2, fault) for fault in (0, 1)]
    assert [(one.kind.name, one.fault) for one in in_order([*probes, *doses])] == [
        ("PROBE", 0),
        ("PROBE", 1),
        ("DOSE", 0),
        ("DOSE", 1),
        ("PROBE", 0),
        ("PROBE", 1),
    ]


def test_what_costs_less_comes_first_among_equals() -> None:
    dear, cheap = (step(FollowUpKind.PROBE, n, subject=str(n)) for n in (4, 2))
    assert in_order([dear, cheap]) == (cheap, dear)
    slow, fast = (step(FollowUpKind.PROBE, 2, seconds=s) for s in (90.0, 30.0))
    assert in_order([slow, fast]) == (fast, slow)


def test_every_kind_has_a_worth() -> None:
    assert set(WORTH) == set(FollowUpKind)
    assert all(worth > 0 for worth in WORTH.values())


@given(
    st.lists(
        st.builds(step, st.sampled_from(FollowUpKind), st.integers(0, 30), st.integers(0, 3)),
        max_size=12,
    )
)
def test_each_once_and_none_before_what_it_builds_on(steps: list[FollowUpStep]) -> None:
    ordered = in_order(steps)
    assert sorted(map(repr, ordered)) == sorted(map(repr, steps))
    for at, one in enumerate(ordered):
        later = {other.kind for other in ordered[at + 1 :] if other.fault == one.fault}
        assert not later & AFTER.get(one.kind, frozenset())
    free = [one for one in ordered if one.kind not in AFTER]
    assert all(a.worth_per_guest >= b.worth_per_guest for a, b in pairwise(free))
