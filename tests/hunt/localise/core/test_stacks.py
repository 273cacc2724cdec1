"""What stacks of probes, and of what broke, say of functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from anyclue.hunt.clue.model import Reason, ReasonSource
from anyclue.hunt.localise.core.likelihood_ratios import STACK
from anyclue.hunt.localise.core.model import Symptoms
from anyclue.hunt.localise.core.stacks import stack_evidence
from anyclue.hunt.probes.core.model import (
    Amount,
    Frame,
    ProbeFinding,
    ProbeReading,
    SourceLocation,
    StackEvidence,
)
from anyclue.model.scenario import Cell
from anyclue.model.verdict import Signature

MakeSymptoms = Callable[..., Symptoms]

CELL = Cell(kernel="bad", machine="m", mkfs="d", mount="d", workload="w")
KNOWN: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("inner", "outer", "outermost", "alloc_thing", "inlined"), ("fs/x/a.c",)),
    "twice": ("fs/x/a.c", "fs/x/b.c"),
}


def reading(
    what: StackEvidence, *found: tuple[Sequence[str | Frame], float], probe: str = "p"
) -> ProbeReading:
    findings = tuple(
        ProbeFinding(
            probe=probe,
            what=what,
            signature=None,
            stack=tuple(f if isinstance(f, Frame) else Frame(symbol=f) for f in stack),
            guilty=Amount(kib_per_round=kib, count_per_round=kib / 4),
            because="so much stayed",
        )
        for stack, kib in found
    )
    return ProbeReading(probe=probe, cell=CELL, innocent=None, findings=findings, rounds=2)


def ratios(case: Symptoms) -> dict[str, float]:
    found: dict[tuple[str, str], list[Reason]] = stack_evidence(case, KNOWN)
    return {name: max(one.ratio for one in reasons) for (_, name), reasons in found.items()}


def test_the_innermost_function_of_the_module_counts_most(make_symptoms: MakeSymptoms) -> None:
    stack = ("find_get_page", "inner", "outer", "outermost", "vfs_write")
    found = ratios(make_symptoms(readings=(reading(StackEvidence.REFERENCE, (stack, 400.0)),)))
    assert list(found) == ["inner", "outer", "outermost"]
    assert found["inner"] > found["outer"] > found["outermost"] > 1


def test_a_wrapper_counts_less_than_its_caller(make_symptoms: MakeSymptoms) -> None:
    stack = ("kmalloc", "alloc_thing", "outer")
    case = make_symptoms(
        signature=Signature.OBJECT, readings=(reading(StackEvidence.OBJECT, (stack, 8.0)),)
    )
    found = ratios(case)
    assert found["outer"] > found["alloc_thing"] > 1


def test_the_allocation_of_a_page_that_is_still_referenced_is_innocent(
    make_symptoms: MakeSymptoms,
) -> None:
    readings = (reading(StackEvidence.ALLOCATION, (("inner",), 400.0)),)
    assert ratios(make_symptoms(readings=readings))["inner"] < 2
    raw = make_symptoms(signature=Signature.RAW_PAGES, readings=readings)
    assert ratios(raw)["inner"] > 10


def test_what_stayed_more_counts_more(make_symptoms: MakeSymptoms) -> None:
    case = make_symptoms(
        readings=(reading(StackEvidence.REFERENCE, (("inner",), 900.0), (("outer",), 100.0)),)
    )
    found = ratios(case)
    assert found["inner"] > found["outer"] > 1


def test_inlined_functions_and_clones(make_symptoms: MakeSymptoms) -> None:
    frame = Frame(
        symbol="outer.constprop.0",
        places=(
            SourceLocation(function="inlined", file="fs/x/a.c", line=3),
            SourceLocation(function="outer.cold"),
        ),
    )
    found = ratios(make_symptoms(readings=(reading(StackEvidence.REFERENCE, ((frame,), 4.0)),)))
    assert list(found) == ["inlined", "outer"]


def test_one_name_in_two_files(make_symptoms: MakeSymptoms) -> None:
    here = Frame(
        symbol="twice", places=(SourceLocation(function="twice", file="fs/x/b.c", line=3),)
    )
    case = make_symptoms(readings=(reading(StackEvidence.REFERENCE, ((here,), 4.0)),))
    assert list(stack_evidence(case, KNOWN)) == [("fs/x/b.c", "twice")]
    unknown = make_symptoms(readings=(reading(StackEvidence.REFERENCE, (("twice",), 4.0)),))
    assert len(stack_evidence(unknown, KNOWN)) == 2


def test_two_probes_say_more_than_one(make_symptoms: MakeSymptoms) -> None:
    one = reading(StackEvidence.REFERENCE, (("inner",), 4.0), (("inner", "outer"), 4.0), probe="a")
    two = reading(StackEvidence.REFERENCE, (("inner",), 4.0), probe="b")
    found = stack_evidence(make_symptoms(readings=(one, two)), KNOWN)
    assert [reason.text[:8] for reason in found["fs/x/a.c", "inner"]] == ["probe a:", "probe b:"]


def test_the_stack_of_what_broke(make_symptoms: MakeSymptoms) -> None:
    text = "Call Trace:\n ? outermost+0x3/0x9 [x]\n inner+0x1f4/0x3a0 [x]\n outer.cold+0x1/0x2\n"
    found = stack_evidence(make_symptoms(incident=text), KNOWN)
    assert list(found) == [("fs/x/a.c", "inner"), ("fs/x/a.c", "outer")]
    assert found["fs/x/a.c", "inner"][0].source is ReasonSource.INCIDENT


def test_nonsense(make_symptoms: MakeSymptoms) -> None:
    empty = reading(StackEvidence.REFERENCE, ((), 0.0), (("inner",), 0.0), (("\x1b[2J", ""), -4.0))
    assert set(ratios(make_symptoms(incident="+0x/0x \x00", readings=(empty,)))) <= {"inner"}


def test_a_release_that_is_gone_counts_and_every_kind_has_a_weight(
    make_symptoms: MakeSymptoms,
) -> None:
    assert set(STACK) == set(StackEvidence)
    gone, noise = (
        reading(StackEvidence.CALL, ((name,), 0.0)).findings[0] for name in ("inner", "outer")
    )
    none, many = (Amount(kib_per_round=0, count_per_round=n) for n in (0, 600))
    fewer = Amount(kib_per_round=0, count_per_round=590)
    findings = (
        replace(gone, guilty=none, innocent=many),
        replace(noise, guilty=fewer, innocent=many),
    )
    found = ratios(
        make_symptoms(readings=(replace(reading(StackEvidence.CALL), findings=findings),))
    )
    assert found["inner"] > 30
    assert found.get("outer", 1.0) < 2


AMOUNTS = st.builds(
    Amount,
    kib_per_round=st.sampled_from([0.0, 5e-324, 1e38]) | st.floats(0, 1e38),
    count_per_round=st.sampled_from([0.0, 5e-324, 2.0**64]) | st.floats(0, 2.0**64),
)


@given(
    st.lists(
        st.tuples(st.sampled_from(StackEvidence), AMOUNTS, st.none() | AMOUNTS),
        min_size=1,
        max_size=4,
    )
)
def test_any_amounts_give_ratios(
    found: list[tuple[StackEvidence, Amount, Amount | None]],
) -> None:
    """A count of 64 bits of objects, each of as many bytes, is the most that a guest can print."""
    findings = tuple(
        ProbeFinding(
            probe="p",
            what=what,
            signature=None,
            stack=(Frame(symbol="inner"), Frame(symbol="outer")),
            guilty=guilty,
            innocent=innocent,
        )
        for what, guilty, innocent in found
    )
    probed = ProbeReading(probe="p", cell=CELL, innocent=None, findings=findings, rounds=2)
    told = ratios(Symptoms(signature=None, readings=(probed,)))
    assert told.keys() == {"inner", "outer"}
    assert all(1.0 <= ratio <= 1e6 for ratio in told.values())
