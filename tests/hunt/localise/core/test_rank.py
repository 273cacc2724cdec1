"""Which function comes first, by which evidence, and what is said for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from anyclue.hunt.clue.model import ReasonSource
from anyclue.hunt.localise.core.likelihood_ratios import all_ratios
from anyclue.hunt.localise.core.model import (
    FunctionSource,
    ModuleSource,
    PairedCall,
    Symptoms,
    TakenCall,
)
from anyclue.hunt.localise.core.rank import LEAST_PROBABILITY, rank_functions
from anyclue.model.verdict import Signature
from anyclue.review.pairs.model import Confidence, Finding, FindingKind

MakeFunction = Callable[..., FunctionSource]
MakeFinding = Callable[..., Finding]
MakeModule = Callable[..., ModuleSource]
MakeSymptoms = Callable[..., Symptoms]


def test_a_lost_release_amid_other_changes(
    make_function: MakeFunction,
    make_finding: MakeFinding,
    make_module: MakeModule,
    make_symptoms: MakeSymptoms,
) -> None:
    found = rank_functions(
        make_module(
            [make_function("guilty", changed=True, labels=((15, 19, "out"),))],
            change=(make_finding("guilty"),),
        ),
        make_symptoms(),
    )
    first = found.places[0]
    assert (first.function, first.line) == ("guilty", 18)
    assert first.probability > 0.9
    assert {one.source for one in first.reasons} == {
        ReasonSource.CHANGE,
        ReasonSource.PAIRS_CHANGE,
        ReasonSource.KIND,
    }
    assert first.missing is not None
    assert (first.missing.label, first.missing.release) == ("out", ("put_page",))
    assert found.elsewhere < 0.02


@pytest.mark.parametrize(
    ("taken", "line", "label", "release"),
    [
        ((), 18, "out", ("btrfs_free_compr_folio", "folio_put")),
        ((("folio_put", 12),), 12, "", ("folio_put", "btrfs_free_compr_folio")),
        ((("folio_put", 17),), 18, "out", ("folio_put", "btrfs_free_compr_folio")),
        ((("kfree", 12),), 18, "out", ("btrfs_free_compr_folio", "folio_put")),
        (
            (("folio_put", 12), ("folio_put", 14)),
            18,
            "out",
            ("folio_put", "btrfs_free_compr_folio"),
        ),
    ],
)
def test_the_release_that_the_change_took_away_is_named_first(
    make_function: MakeFunction,
    make_finding: MakeFinding,
    make_module: MakeModule,
    make_symptoms: MakeSymptoms,
    taken: tuple[tuple[str, int], ...],
    line: int,
    label: str,
    release: tuple[str, ...],
) -> None:
    """And where it was, if that is not behind the label at which the path ends."""
    guilty = make_function(
        "guilty",
        changed=True,
        labels=((15, 19, "out"),),
        taken=tuple(TakenCall(call=call, line=at) for call, at in taken),
    )
    change = (make_finding("guilty", release=("btrfs_free_compr_folio", "folio_put")),)
    first = rank_functions(make_module([guilty], change=change), make_symptoms()).places[0]
    assert first.missing is not None
    assert (first.line, first.missing.label, first.missing.release) == (line, label, release)


def test_probabilities_are_of_everything(
    make_module: MakeModule, make_symptoms: MakeSymptoms, make_function: MakeFunction
) -> None:
    found = rank_functions(make_module([]), make_symptoms())
    listed = sum(one.probability for one in found.places)
    assert 0 < listed + found.elsewhere < 1
    module = ModuleSource(
        functions=(make_function("one", changed=True),), compared=True, alone=True
    )
    only = rank_functions(module, make_symptoms())
    assert only.places[0].probability + only.elsewhere == pytest.approx(1)
    assert all(one.probability >= LEAST_PROBABILITY for one in found.places)


def test_a_finding_of_another_kind_counts_less(
    make_function: MakeFunction,
    make_finding: MakeFinding,
    make_module: MakeModule,
    make_symptoms: MakeSymptoms,
) -> None:
    module = make_module(
        [make_function("object", changed=True), make_function("page", changed=True)],
        change=(
            make_finding("object", pair="slab-memory", acquired_by="kmalloc"),
            make_finding("page", confidence=Confidence.LOW),
        ),
    )
    order = [one.function for one in rank_functions(module, make_symptoms()).places]
    assert order.index("page") < order.index("object")
    order = [
        one.function
        for one in rank_functions(module, make_symptoms(signature=Signature.OBJECT)).places
    ]
    assert order.index("object") < order.index("page")


@pytest.mark.parametrize(
    ("call", "signature"),
    [("alloc_page", Signature.RAW_PAGES), ("find_get_page", Signature.PAGE_CACHE_REFERENCE)],
)
def test_a_page_that_was_allocated_is_in_no_file(
    make_function: MakeFunction,
    make_finding: MakeFinding,
    make_module: MakeModule,
    make_symptoms: MakeSymptoms,
    call: str,
    signature: Signature,
) -> None:
    module = make_module(
        [make_function("guilty", changed=True)],
        change=(make_finding("guilty", acquired_by=call),),
    )

    def probability(grown: Signature) -> float:
        return rank_functions(module, make_symptoms(signature=grown)).places[0].probability

    other = {Signature.RAW_PAGES, Signature.PAGE_CACHE_REFERENCE} - {signature}
    assert probability(signature) > probability(other.pop())


def test_what_is_the_same_in_both_is_hardly_guilty(
    make_function: MakeFunction,
    make_finding: MakeFinding,
    make_module: MakeModule,
    make_symptoms: MakeSymptoms,
) -> None:
    module = make_module(
        [make_function("same", changed=False), make_function("changed", changed=True)],
        tree=(make_finding("same"),),
    )
    places = {
        one.function: one.probability for one in rank_functions(module, make_symptoms()).places
    }
    assert places.get("same", 0) < places["changed"]
    alone = rank_functions(module, make_symptoms(regression=False))
    assert alone.places[0].function == "same"


def test_with_the_bad_source_alone(
    make_function: MakeFunction,
    make_finding: MakeFinding,
    make_module: MakeModule,
    make_symptoms: MakeSymptoms,
) -> None:
    module = make_module(
        [make_function("guilty")], tree=(make_finding("guilty"),), compared=False, alone=False
    )
    found = rank_functions(module, make_symptoms(regression=False))
    assert found.places[0].function == "guilty"
    assert found.elsewhere > 0.05
    assert ReasonSource.CHANGE not in {one.source for one in found.places[0].reasons}


def test_calls_speak_where_pairing_does_not(
    make_function: MakeFunction, make_module: MakeModule, make_symptoms: MakeSymptoms
) -> None:
    lost = PairedCall(call="put_page", pair="page-reference")
    module = make_module([make_function("handed", changed=True, released_less=(lost,))])
    first = rank_functions(module, make_symptoms()).places[0]
    assert first.function == "handed"
    assert first.missing is None
    assert any("put_page()" in one.text for one in first.reasons)


def test_a_lost_lock_is_no_leak(
    make_function: MakeFunction,
    make_finding: MakeFinding,
    make_module: MakeModule,
    make_symptoms: MakeSymptoms,
) -> None:
    module = make_module(
        [make_function("lock", changed=True), make_function("page", changed=True)],
        change=(
            make_finding("lock", pair="mutex"),
            make_finding("page", kind=FindingKind.LOST_RELEASE, acquired_by=""),
        ),
    )
    assert rank_functions(module, make_symptoms()).places[0].function == "page"


def test_options_lead_to_code(
    make_function: MakeFunction, make_module: MakeModule, make_symptoms: MakeSymptoms
) -> None:
    module = make_module(
        [
            make_function("pack", path="fs/x/lzo.c", changed=True),
            make_function("zlib_pack", path="fs/x/b.c", changed=True),
            make_function("led", changed=True, mounts=frozenset({"compress=lzo"})),
        ]
    )
    case = make_symptoms(
        guilty=frozenset({"compress=lzo"}),
        innocent=frozenset({"compress=zlib"}),
        used=frozenset({"compress=lzo"}),
    )
    places = {one.function: one for one in rank_functions(module, case).places}
    assert set(list(places)[:2]) == {"pack", "led"}
    assert "zlib_pack" not in list(places)[:5]
    assert "lzo" in " ".join(one.text for one in places["pack"].reasons)


@pytest.mark.parametrize(
    ("workload", "said"),
    [("mix", "no guilty cell ran that"), ("fill", "is known to reach it"), ("shell", "")],
)
def test_of_a_workload_that_is_known_to_reach_nothing_nothing_is_said(
    make_function: MakeFunction, make_symptoms: MakeSymptoms, workload: str, said: str
) -> None:
    led = frozenset({"compress=lzo"})
    functions = (
        make_function("one", mounts=led, workloads=frozenset({"fill"})),
        make_function("other", mounts=led, workloads=frozenset({"mix"})),
    )
    module = ModuleSource(functions=functions, compared=False, alone=False)
    case = make_symptoms(guilty=led, used=led, workloads=frozenset({workload}))
    places = {one.function: one for one in rank_functions(module, case).places}
    reasons = [one.text for one in places["one"].reasons]
    assert len(reasons) == 1 + bool(said)
    assert any(said in text for text in reasons)


def test_no_functions(make_symptoms: MakeSymptoms) -> None:
    found = rank_functions(ModuleSource(functions=(), compared=False, alone=False), make_symptoms())
    assert (found.places, found.elsewhere) == ((), 1.0)


def test_every_weight_has_a_reason() -> None:
    rows = all_ratios()
    assert all(one.why and one.ratio > 0 for one in rows)
