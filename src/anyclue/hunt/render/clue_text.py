"""The clue in plain ASCII text, for the mail and for the terminal."""

from __future__ import annotations

from anyclue.hunt.clue.model import Clue, Place, Reproducer, Suspect
from anyclue.hunt.render import clue_words
from anyclue.model.scenario import Scenario
from anyclue.report import words
from anyclue.report.text import ascii_block, wrap, wrap_verbatim

_STEPS = 24


def takes_lines(clue: Clue, scenario: Scenario, width: int) -> list[str]:
    """Return what has to come together, how that was proven, and how much an operation leaks."""
    lines: list[str] = []
    for one in clue.guilt:
        what = f"{one.verdict.value}, {one.signature.value}: " if one.signature else ""
        lines += wrap(
            (what if len(clue.guilt) > 1 else "") + clue_words.takes(one, scenario), width
        )
    if clue.conjunction is not None and clue.guilt:
        lines += wrap(clue_words.isolated(clue.conjunction), width)
    if clue.dose is not None:
        lines += wrap(clue_words.dose(clue.dose), width)
        for point in clue_words.points(clue.dose):
            lines += wrap(point, width, first="  ")
    return lines


def suspect_lines(clue: Clue, width: int) -> list[str]:
    """Return a paragraph for each suspect: standing, the user's words, why, what would settle."""
    lines: list[str] = []
    for one in clue_words.suspects(clue):
        lines += _suspect(one, width)
    return lines


def place_lines(clue: Clue, width: int) -> list[str]:
    """Return the places, the first in full, and how likely it is that it is none of them."""
    if not clue.places:
        return []
    lines = _first(clue.places[0], width)
    others = clue.places[1 : clue_words.PLACES]
    if others:
        lines += ["", *wrap("Others, by probability:", width)]
    for one in others:
        missing = clue_words.release(one)
        said = clue_words.place(one) + (f": missing {missing}" if missing else "")
        lines += wrap(said, width, first=f"  {clue_words.probability(one.probability):>6}  ")
    elsewhere = clue_words.probability(clue.elsewhere)
    lines += ["", *wrap(f"Somewhere else, outside of the module: {elsewhere}.", width)]
    return lines


def reproducer_lines(one: Reproducer, width: int) -> list[str]:
    """Return the smallest reproducer's script as it is, and what was reduced."""
    lines = [*script_lines(one), ""]
    if len(one.tests) > 1:
        lines += wrap(f"The fewest tests that leak, in order: {', '.join(one.tests)}.", width)
    if one.script and one.rate_kib is not None:
        lines += wrap(f"In this form it leaked {words.number(one.rate_kib)} KiB a round.", width)
    if one.reduced:
        lines += ["", "What was made simpler, and what came of it:"]
    for said in one.reduced:
        lines += wrap(said, width, first="- ")
    return lines if not lines[-1] else [*lines, ""]


def script_lines(one: Reproducer) -> list[str]:
    """Return the script's lines, cleaned and never wrapped: it would not run otherwise."""
    return [f"    {line}".rstrip() for line in ascii_block(one.script).strip("\n").split("\n")]


def probe_lines(clue: Clue, width: int) -> list[str]:
    """Return what each probe said, and what it cannot see."""
    lines: list[str] = []
    for one in clue.probes:
        lines += wrap(f"{one.name}: {one.says}", width, rest="  ")
        if one.limits:
            lines += wrap(f"It cannot tell: {one.limits}", width, first="  ")
    return lines


def brief(clue: Clue, width: int) -> list[list[str]]:
    """Return what the terminal shows of the clue: blocks of lines."""
    blocks = []
    if clue.places:
        lines = []
        for one in clue.places[:3]:
            missing = clue_words.release(one)
            said = clue_words.place(one) + (f": missing {missing}" if missing else "")
            lines += wrap(said, width, first=f"  {clue_words.probability(one.probability):>6}  ")
        blocks.append(["Places, by probability:", *lines])
        if named := clue_words.fixes(clue):
            blocks.append([line for one in named for line in wrap(one, width)])
    if clue.suspects:
        lines = []
        for suspect in clue_words.suspects(clue):
            said = f"{suspect.name}: {suspect.because}"
            lines += wrap(said, width, first=f"  {suspect.standing.value:<9}  ")
        blocks.append(["Suspects:", *lines])
    return blocks


def _suspect(one: Suspect, width: int) -> list[str]:
    lines = wrap(
        f"{one.name} ({one.test}): {one.theory}", width, first=f"{one.standing.value:<9}  "
    )
    inside = " " * 11
    lines += wrap(one.because, width, first=inside)
    for said in one.evidence[:6]:
        lines += wrap(said, width, first=f"{inside}- ")
    if one.settle:
        lines += wrap(f"Would settle it: {one.settle}", width, first=inside)
    return lines


def _first(one: Place, width: int) -> list[str]:
    said = f"{clue_words.place(one)}, probability {clue_words.probability(one.probability)}"
    lines = wrap(said, width, rest="  ")
    lost = one.missing
    if lost is not None:
        lines += wrap(f"{lost.message}.", width, first="  ")
        lines += (
            wrap(f"Missing: {clue_words.release(one)}.", width, first="  ") if lost.release else []
        )
        if lost.steps:
            lines += ["", "  The path:"]
        for step in lost.steps[:_STEPS]:
            note = f"  -- {step.note}" if step.note else ""
            text = f"{step.line:>6}  {step.text}{note}"
            lines += wrap_verbatim(text, width, indent="  ", rest="          ")
        if len(lost.steps) > _STEPS:
            lines.append(f"          ... {len(lost.steps) - _STEPS} more steps in clues.json")
        if lost.diff:
            lines += ["", "  What would balance it (not tested):", ""]
            lines += wrap_verbatim(lost.diff.rstrip("\n"), width, indent="    ", rest="    ")
    if one.reasons:
        lines += ["", "  The reasons, each with how much likelier it makes this place:"]
    for reason in one.reasons:
        lines += wrap(reason.text, width, first=f"  {clue_words.ratio(reason):>6}  ")
    if one.commits:
        lines += ["", "  Commits:"]
    for commit in one.commits:
        lines += wrap(clue_words.touched(commit), width, first="    ", rest="      ")
    return lines
