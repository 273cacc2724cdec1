"""The clue put together, as its document holds it: guilt, places, suspects, what was not tested."""

from __future__ import annotations

from collections.abc import Iterable

from anyclue.hunt.clue.model import ChangingCommit, Clue, Conjunction, DoseResponse, Reproducer
from anyclue.hunt.localise.symptoms import guilt_entries
from anyclue.hunt.model import Gap
from anyclue.hunt.render.clue_words import not_tested
from anyclue.hunt.render.probe_text import probe_summary
from anyclue.hunt.render.sentence import clue_sentence
from anyclue.hunt.render.suspect_words import suspect
from anyclue.hunt.suspects.judge import judge_theory
from anyclue.hunt.suspects.model import TheoryContext


def assemble_clue(
    context: TheoryContext,
    gaps: Iterable[Gap | str] = (),
    *,
    conjunction: Conjunction | None = None,
    commit: ChangingCommit | None = None,
    dose: DoseResponse | None = None,
    reproducer: Reproducer | None = None,
) -> Clue:
    """Return the clue.

    Args:
        context: what the guests and the sources say.
        gaps: what was not looked at, or could not be had.
        conjunction: what was isolated, if it was.
        commit: the first bad commit, if a bisection proved one.
        dose: how the amount follows what is done, if that was measured.
        reproducer: the smallest reproducer, if there is one.
    """
    findings, ranked = context.findings, context.ranked
    return Clue(
        sentence=clue_sentence(findings, ranked.places, dose),
        commit=commit,
        guilt=guilt_entries(findings, conjunction),
        places=ranked.places,
        elsewhere=ranked.elsewhere,
        suspects=tuple(
            suspect(theory, judge_theory(theory.about, context), context)
            for theory in context.scenario.suspects
        ),
        not_tested=not_tested(context, gaps, conjunction),
        conjunction=conjunction,
        dose=dose,
        reproducer=reproducer,
        probes=tuple(map(probe_summary, context.readings)),
    )
