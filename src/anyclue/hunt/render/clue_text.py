"""The clue in words: what all reports share, and lines of plain ASCII for mail and terminal."""

from __future__ import annotations

from anyclue.hunt.clue.model import (
    ChangingCommit,
    Clue,
    Condition,
    Conjunction,
    DosePoint,
    DoseResponse,
    FaultClue,
    Guilt,
    Place,
    Reason,
    Reproducer,
    Suspect,
    SuspectStatus,
)
from anyclue.model.scenario import Axis, Scenario
from anyclue.report import words
from anyclue.report.text import ascii_block, wrap, wrap_verbatim
from anyclue.report.words import (
    count_number,
    listed,
    number,
    objects_each,
    per_operation,
    probability_words,
)
from anyclue.review.pairs.model import LOST

PLACES = 5
"""So many places are told."""
DIGITS = 12
"""Of a commit's id, as the kernel's documentation wants it in Fixes:."""
_STEPS = 24


def ratio(reason: Reason) -> str:
    """Return how much a reason counts: ``x90``, ``x1.5``, ``x1/4``."""
    size = reason.ratio if reason.ratio >= 1 else 1 / reason.ratio
    told = f"{size:.0f}" if size >= 10 else f"{size:.2g}"
    return f"x{told}" if reason.ratio >= 1 else f"x1/{told}"


def condition_text(one: Condition, scenario: Scenario) -> str:
    """Return what has to come together, in words: ``mount lzo (compress=lzo)``."""
    meaning = one.option
    if not meaning and one.axis is Axis.MOUNT:
        meaning = scenario.mount.get(one.value, "")
    if not meaning and one.axis is Axis.MKFS:
        meaning = scenario.mkfs.get(one.value, "")
    return f"{one.axis.value} {one.value}" + (f" ({meaning})" if meaning else "")


def conditions_sentence(guilt: Guilt, scenario: Scenario) -> str:
    """Return what it takes, and what is innocent, in a sentence or two."""
    if not guilt.conditions:
        return "What has to come together could not be told."
    said = "It takes " + listed([condition_text(one, scenario) for one in guilt.conditions]) + "."
    innocent = listed([f"{one.axis.value} {one.value}" for one in guilt.innocent])
    if innocent:
        said += f" Innocent, all else equal: {innocent}."
    if guilt.acquitted:
        said += f" It does not matter: {listed([one.value for one in guilt.acquitted])}."
    return said


def isolation_sentence(one: Conjunction) -> str:
    """Return how much was run, and what is not proven."""
    said = f"{one.cells_run} of {one.cells_full} combinations were run."
    if one.proven:
        return f"Each of these was proven by cells that differ in it alone; {said}"
    return said + (f" Not proven: {one.because}." if one.because else "")


def dose_amount(one: DoseResponse | None) -> str:
    """Return what leaks at every event or, in objects, for each operation; "" where it is not that.

    >>> from anyclue.model.verdict import ObjectKind, ObjectSeries
    >>> series = ObjectSeries(kind=ObjectKind.SLAB, name="kmalloc-1k")
    >>> each = EventAmount(event=DoseEvent.MOUNT, amount=1.0, ci95=(0.9, 1.1))
    >>> dose_amount(
    ...     DoseResponse(
    ...         unit="file", amount_kib=None, ci95_kib=None, linear=False, because="",
    ...         series=series, events=(each,),
    ...     )
    ... )
    '1 object at every mount'
    """
    if one is None:
        return ""
    if one.events:
        amount = one.events[0].amount
        size = objects_each(amount) if one.series is not None else f"{number(amount)} KiB"
        return f"{size} at every {' or '.join(of.event.value for of in one.events)}"
    if one.linear and one.amount_objects is not None:
        return f"{objects_each(one.amount_objects)} a {one.unit}"
    return ""


def dose_sentence(one: DoseResponse) -> str:
    """Return the amount an operation, with its interval, and whether response follows dose."""
    if one.events:
        short = count_number if one.series is not None else number
        within = f" [{', '.join(map(short, one.events[0].ci95))}]"
        return f"It leaks {dose_amount(one)}{within}, and not by the {one.unit}: {one.because}."
    if one.linear is None:
        return f"Dose and response: not told ({one.because})."
    if one.linear and one.amount_kib is not None:
        within = f" [{', '.join(map(per_operation, one.ci95_kib))}]" if one.ci95_kib else ""
        counted = dose_amount(one)
        also = f"{counted}{_within_objects(one)}, " if counted else ""
        amount = f"{per_operation(one.amount_kib)} KiB a {one.unit}"
        return f"It leaks {also}{amount}{within}: {one.because}."
    if counted := dose_amount(one):
        return f"It leaks {counted}{_within_objects(one)}: {one.because}."
    return f"What leaks is not so much for each {one.unit}: {one.because}."


def _within_objects(one: DoseResponse) -> str:
    return f" [{', '.join(map(per_operation, one.ci95_objects))}]" if one.ci95_objects else ""


def dose_points(one: DoseResponse) -> list[str]:
    """Return what was measured, a line each."""
    return [f"{point.dose:g} {one.unit}s a round: {_point_rate(point)}" for point in one.points]


def _point_rate(point: DosePoint) -> str:
    if point.rate_objects is None:
        return f"{words.rate(point.rate_kib, point.ci95_kib)} KiB"
    interval = words.count_interval(point.ci95_objects) if point.ci95_objects else ""
    return " ".join(filter(None, (words.objects(point.rate_objects), interval)))


def place_line(one: Place) -> str:
    """Return a place on one line."""
    return f"{one.function}(), {one.path}:{one.line}"


def likely_place(one: Place) -> str:
    """Return a place on one line, and how likely it is."""
    return f"{place_line(one)}, probability {probability_words(one.probability)}"


def missing_release(one: Place) -> str:
    """Return what is missing, as ``put_page() or __free_page() at the label out``; or ""."""
    lost = one.missing
    if lost is None or not lost.release or lost.kind not in LOST:
        return ""
    said = " or ".join(f"{name}()" for name in lost.release[:3])
    return said + (f" at the label {lost.label}" if lost.label else "")


def fixes_lines(clue: Clue) -> list[str]:
    """Return the ``Fixes:`` lines to suggest: of a commit that is the only one to have done it."""
    return list(dict.fromkeys(line for one in clue.each_fault for line in _fixes_lines(one)))


def _fixes_lines(of: FaultClue) -> list[str]:
    if of.commit is not None:
        return [_fixes(of.commit)]
    first = next(iter(of.places), None)
    commits = first.commits if first is not None else ()
    named = [one for one in commits if one.accused] or (list(commits) if len(commits) == 1 else [])
    return [_fixes(one) for one in named]


def fault_title(of: FaultClue, clue: Clue) -> str:
    """Return what heads the lines about one of several faults; "" where it is the only one."""
    return f"{of.guilt.verdict.value}, {of.guilt.name}" if clue.faults else ""


def _fixes(one: ChangingCommit) -> str:
    return f'Fixes: {one.commit[:DIGITS]} ("{one.subject}")'


def commit_line(one: ChangingCommit) -> str:
    """Return a commit on one line."""
    return f'{one.commit[:DIGITS]} ("{one.subject}"): {one.because}'


def suspects_in_order(clue: Clue) -> list[Suspect]:
    """Return the suspects, the guilty first, then the acquitted."""
    order = (SuspectStatus.GUILTY, SuspectStatus.ACQUITTED, SuspectStatus.UNPROVEN)
    return sorted(clue.suspects, key=lambda one: order.index(one.standing))


def conditions_lines(clue: Clue, scenario: Scenario, width: int) -> list[str]:
    """Return what has to come together, how that was proven, and how much an operation leaks."""
    lines: list[str] = []
    several = len(clue.guilt) > 1
    for of in clue.each_fault:
        lines += wrap(guilt_sentence(of.guilt, scenario, several=several), width)
        if of.conjunction is not None:
            lines += wrap(isolation_sentence(of.conjunction), width)
        if of.companions:
            lines += wrap(of.companions, width)
        if of.dose is not None:
            lines += wrap(dose_sentence(of.dose), width)
            for point in dose_points(of.dose):
                lines += wrap(point, width, first="  ")
    for one in clue.guilt[len(clue.each_fault) :]:
        lines += wrap(guilt_sentence(one, scenario, several=several), width)
    return lines


def guilt_sentence(one: Guilt, scenario: Scenario, *, several: bool) -> str:
    """Return what it takes; of which of several faults is said before it."""
    if not several:
        return conditions_sentence(one, scenario)
    what = one.name or (f"{one.verdict.value}, {one.signature.value}" if one.signature else "")
    return f"{what or one.verdict.value}: {conditions_sentence(one, scenario)}"


def suspect_lines(clue: Clue, width: int) -> list[str]:
    """Return a paragraph for each suspect: standing, the user's words, why, what would settle."""
    lines: list[str] = []
    for one in suspects_in_order(clue):
        lines += _suspect(one, width)
    return lines


def place_lines(clue: Clue, width: int) -> list[str]:
    """Return the places of each fault: the first in full, and how likely it is none of them."""
    lines: list[str] = []
    for of in clue.each_fault:
        if not of.places:
            continue
        title = fault_title(of, clue)
        lines += [*([""] if lines else []), *([*wrap(f"{title}:", width), ""] if title else [])]
        lines += _first_place(of.places[0], width)
        others = of.places[1:PLACES]
        if others:
            lines += ["", *wrap("Others, by probability:", width)]
        for one in others:
            lines += _place(one, width)
        elsewhere = probability_words(of.elsewhere)
        lines += ["", *wrap(f"Somewhere else, outside of the module: {elsewhere}.", width)]
    return lines


def reproducer_lines(one: Reproducer, width: int) -> list[str]:
    """Return the smallest reproducer's script as it is, and what was reduced."""
    lines = [*script_lines(one), ""]
    if len(one.tests) > 1:
        lines += wrap(f"The fewest tests that leak, in order: {', '.join(one.tests)}.", width)
    if one.script and one.rate_objects is not None and one.series is not None:
        leaked = f"{words.objects(one.rate_objects)} ({words.series_name(one.series)})"
        lines += wrap(f"In this form it leaked {leaked} a round.", width)
    elif one.script and one.rate_kib is not None:
        lines += wrap(f"In this form it leaked {words.number(one.rate_kib)} KiB a round.", width)
    if one.more_guests:
        lines += wrap(f"Not minimal: {_guests(one.more_guests)} more would tell.", width)
    if one.reduced:
        lines += ["", "What was made simpler, and what came of it:"]
    for said in one.reduced:
        lines += wrap(said, width, first="- ")
    return lines if not lines[-1] else [*lines, ""]


def _guests(count: int) -> str:
    return "1 guest" if count == 1 else f"{count} guests"


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


def summary_blocks(clue: Clue, width: int) -> list[list[str]]:
    """Return what the terminal shows of the clue: blocks of lines."""
    blocks = []
    for of in clue.each_fault:
        if of.places:
            lines = [line for one in of.places[:3] for line in _place(one, width)]
            title = fault_title(of, clue)
            head = f"Places of {title}, by probability:" if title else "Places, by probability:"
            blocks.append([*wrap(head, width), *lines])
    if named := fixes_lines(clue):
        blocks.append([line for one in named for line in wrap(one, width)])
    if clue.suspects:
        lines = []
        for suspect in suspects_in_order(clue):
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


def _place(one: Place, width: int) -> list[str]:
    missing = missing_release(one)
    text = place_line(one) + (f": missing {missing}" if missing else "")
    return wrap(text, width, first=f"  {probability_words(one.probability):>6}  ")


def _first_place(one: Place, width: int) -> list[str]:
    lines = wrap(likely_place(one), width, rest="  ")
    lost = one.missing
    if lost is not None:
        lines += wrap(f"{lost.message}.", width, first="  ")
        lines += (
            wrap(f"Missing: {missing_release(one)}.", width, first="  ") if lost.release else []
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
        lines += wrap(reason.text, width, first=f"  {ratio(reason):>6}  ")
    if one.commits:
        lines += ["", "  Commits:"]
    for commit in one.commits:
        lines += wrap(commit_line(commit), width, first="    ", rest="      ")
    return lines
