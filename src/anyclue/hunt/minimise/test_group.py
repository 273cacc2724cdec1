"""A guilty group of tests of fstests: the fewest of them, in order, that still leak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

from anyclue.fstests.core.configuration import options_of, sections
from anyclue.fstests.core.model import TestFinding, TestId
from anyclue.fstests.core.verdicts import worst_leak
from anyclue.hunt.clue.model import Reproducer
from anyclue.hunt.minimise.delta_debugging import fewest_before
from anyclue.hunt.minimise.reproducer import check_script
from anyclue.hunt.minimise.variations import NotRunError, Variations, drive, still_words
from anyclue.model.scenario import Scenario, TestChoice

Group: TypeAlias = tuple[TestId, ...]


async def fewest_tests(variations: Variations) -> Reproducer | None:
    """Return the fewest tests of the guilty cell that leak with the one that leaks most.

    A test that was seen to leak alone is all it takes, and nothing is run. Else it is run with
    fewer and fewer of those before it, in rounds. None when something was not run.
    """
    judged, guilty = variations.judged, variations.guilty
    tests = judged.findings.tests[guilty.cell]
    last = worst_leak(tests)
    workload = judged.scenario.workloads[guilty.cell.workload]
    if last is None or workload.tests is None:
        return None
    choice = workload.tests
    if last.alone:
        return _told(variations, choice, (last.id,), ())

    async def answer(batch: Sequence[Group]) -> tuple[bool, ...]:
        values = [replace(workload, name="", tests=_only(choice, group)) for group in batch]
        return await variations.still_guilty(values)

    try:
        found, tried = await drive(fewest_before(_before(tests, last), last.id), answer)
    except NotRunError:
        return None
    return _told(variations, choice, found, tried)


def _before(tests: Sequence[TestFinding], last: TestFinding) -> Group:
    """Return the tests that may have to come before the last: those of its guest, or of the list.

    Each runs with the same options: tests of another section are left out.
    """
    earlier = last.after or tuple(test.id for test in tests[: tests.index(last)])
    return tuple(one for one in earlier if one.section == last.id.section)


def _only(choice: TestChoice, group: Group) -> TestChoice:
    """Return a choice of these tests alone, run over and over in this order."""
    return replace(
        choice,
        tests=(*(one.test for one in group), f"-i {choice.repeats}"),
        exclude=(),
        sections=tuple({one.section for one in group if one.section}),
    )


def _told(
    of: Variations, choice: TestChoice, found: Group, tried: Sequence[tuple[Group, bool]]
) -> Reproducer:
    scenario: Scenario = of.judged.scenario
    cell = of.guilty.cell
    section = sections(choice, scenario.mkfs[cell.mkfs], scenario.mount[cell.mount])
    names = tuple(one.test for one in found)
    return Reproducer(
        script=check_script(
            names, options=options_of(section[found[-1].section]), rounds=choice.repeats
        ),
        tests=names,
        reduced=tuple(
            f"{', '.join(map(str, group))}: {still_words(still)}" for group, still in tried
        ),
        rate_kib=of.guilty.rate_kib_per_round,
    )
