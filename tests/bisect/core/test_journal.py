"""The journal: what is written is read, cut short anywhere too, and leads to the same next run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.bisect.core.ancestry import ancestry_of
from anyclue.bisect.core.journal import evidence_line, header_line, read_journal, run_line
from anyclue.bisect.core.model import BisectTerm, CommitEvidence, Observation, Rates, Settings
from anyclue.bisect.core.search import search
from anyclue.model.errors import RequestError

if TYPE_CHECKING:
    from tests.bisect.core.conftest import Tools

FLAKY = Settings(rates=Rates(false_good=0.2, false_bad=0.01), floor=0.2, repeats=3)
RATES = st.builds(Rates, false_bad=st.floats(0, 0.4), false_good=st.floats(0, 0.5))
RUNS = st.builds(
    Observation,
    commit=st.text(),
    term=st.sampled_from(BisectTerm),
    rates=st.none() | RATES,
    ratio=st.none() | st.floats(0, 1e9),
    because=st.text(),
    imported=st.booleans(),
)
KNOWN = st.builds(CommitEvidence, commit=st.text(), ratio=st.floats(0, 1e9), because=st.text())


@given(runs=st.lists(RUNS), known=st.none() | st.lists(KNOWN).map(tuple), after=st.integers(0, 3))
def test_what_is_written_is_read(
    runs: list[Observation], known: tuple[CommitEvidence, ...] | None, after: int
) -> None:
    lines = list(map(run_line, runs))
    if known is not None:
        lines.insert(after, evidence_line(known))
    text = header_line(("a", "b"), "c", FLAKY) + "".join(lines)
    journal = read_journal(text)
    assert (journal.good, journal.bad, journal.settings) == (("a", "b"), "c", FLAKY)
    assert journal.runs == tuple(runs)
    assert journal.evidence == known
    assert journal.length == len(text)


def test_resumed_at_every_cut_it_goes_on_the_same(tools: Tools) -> None:
    woven = tools.woven(60, 4)
    span = ancestry_of(woven)
    known = [CommitEvidence(commit=one, ratio=30.0, because="fs/") for one in span.ids[::7]]
    begun = search(span, FLAKY, evidence=known)
    run = tools.guest(span, span.ids[33], FLAKY.rates, seed=2, broken=frozenset(span.ids[20:24]))
    _, seen = tools.finish(begun, run)
    head = header_line(woven.good, woven.bad, FLAKY) + evidence_line(known)
    text = head + "".join(map(run_line, seen))
    states = [begun.state]
    for one in seen:
        begun = begun.after(one)
        states.append(begun.state)
    for cut in range(len(head), len(text) + 1):
        journal = read_journal(text[:cut])
        assert text[: journal.length] == text[:cut][: text[:cut].rfind("\n") + 1]
        if cut == len(text) or text[cut - 1] == "\n" or cut % 40 == 0:
            again = search(
                span, journal.settings, evidence=journal.evidence or (), observations=journal.runs
            )
            assert again.state == states[len(journal.runs)]
            assert again.state.next == states[len(journal.runs)].next


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "line 3: Expecting value"),
        ("[]", "line 3: it is no object"),
        ('{"commit": "c"}', "line 3: it has no 'shown'"),
        ('{"commit": 1, "shown": "bad"}', "line 3: commit is no text"),
        ('{"commit": "c", "shown": "worse"}', "line 3: shown is 'worse', not bad, good or skip"),
        ('{"commit": "c", "shown": "bad", "ratio": NaN}', "line 3: ratio is no number"),
        (f'{{"commit": "c", "shown": "bad", "ratio": 1{"0" * 400}}}', "line 3: int too large"),
        ('{"commit": "c", "shown": "bad", "ratio": -1}', "line 3: ratio is -1, below 0"),
        ('{"commit": "c", "shown": "bad", "false_bad": 2}', "line 3: false_bad is 2"),
        (
            '{"commit": "c", "shown": "bad", "false_bad": 0.5, "false_good": 0.5}',
            "line 3: a run with .* says nothing",
        ),
        ('{"evidence": "c"}', "line 3: evidence is no list of objects"),
        ('{"evidence": [{"commit": "c"}]}', "line 3: it has no 'ratio'"),
        ("[" * 100_000, "line 3: "),
    ],
)
def test_a_line_that_is_whole_and_wrong(line: str, words: str) -> None:
    text = header_line(("a",), "b", FLAKY) + run_line(Observation(commit="c", term=BisectTerm.BAD))
    with pytest.raises(RequestError, match=words) as caught:
        read_journal(f"{text}{line}\n{run_line(Observation(commit='c', term=BisectTerm.BAD))}")
    assert caught.value.problems[0].next_step


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("bisection/1", "bisection/2"), "is not 'anyclue.bisection/1'"),
        (('["a"]', '"a"'), "good is not a list"),
        (('"repeats": 3', '"repeats": true'), "repeats is True"),
        (('"floor": 0.2', '"floor": "x"'), "floor is no number"),
        (('"floor": 0.2', '"floor": 0'), "leaves no share"),
        (('"confidence": 0.99', '"confidence": 1'), "a confidence of 1"),
    ],
)
def test_a_first_line_that_is_wrong(change: tuple[str, str], words: str) -> None:
    with pytest.raises(RequestError, match=words):
        read_journal(header_line(("a",), "b", FLAKY).replace(*change))


def test_without_a_whole_first_line_there_is_nothing() -> None:
    for text in ("", header_line(("a",), "b", FLAKY)[:-1]):
        with pytest.raises(RequestError, match="line 1: the first line is not whole"):
            read_journal(text)
