"""What the guilty cell is followed up by: its options, its dose, its smallest form, a script."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from anyclue.fstests.core.configuration import options_of, sections
from anyclue.fstests.core.model import TestFinding, TestId
from anyclue.fstests.core.verdicts import worst_leak
from anyclue.hunt.clue.model import DosePoint, DoseResponse, Reproducer
from anyclue.hunt.judge import JudgedRun
from anyclue.hunt.minimise.delta_debugging import Parameters, ddmin, ddmin_before, simplify
from anyclue.hunt.minimise.dose_response import done_per_round, fit_dose_response, other_doses
from anyclue.hunt.minimise.model import FollowUps
from anyclue.hunt.minimise.reproducer import check_script, reproducer_script
from anyclue.hunt.minimise.variations import (
    NotRunError,
    Runner,
    StoredVariations,
    Variations,
    VariationSource,
    run_search,
)
from anyclue.hunt.model import Fault
from anyclue.hunt.render import clue_words
from anyclue.hunt.select.isolation import smallest_conjunction
from anyclue.model.evaluation import TrialEvaluation
from anyclue.model.recording import Outcome
from anyclue.model.scenario import Axis, TestChoice, WorkloadChoice
from anyclue.model.verdict import CellVerdict, Verdict
from anyclue.trial.workloads.registry import WORKLOADS

log = logging.getLogger(__name__)
SHELL = "shell"

TestGroup: TypeAlias = tuple[TestId, ...]


async def run_follow_ups(judged: JudgedRun, runner: Runner) -> tuple[FollowUps, ...]:
    """Follow up the faults, one by one; what is stored already does not run again.

    Raises:
        InfrastructureError: the machine failed; what is recorded stays, and can be resumed.
    """
    return tuple([await _follow_ups(judged, fault, runner) for fault in judged.findings.faults])


async def read_follow_ups(judged: JudgedRun) -> tuple[FollowUps, ...]:
    """Return the follow-ups of each fault that the run holds."""
    stored = StoredVariations()
    return tuple([await _follow_ups(judged, fault, stored) for fault in judged.findings.faults])


def _can_be_followed_up(fault: Fault) -> bool:
    """Say whether a fault is followed up; a surge is not, which shows only beside its reference.

    Nor is a guest that hangs: every single step would take a whole deadline.
    """
    return fault.verdict is not Verdict.SURGE and fault.looked_into.outcome is not Outcome.HUNG


async def _follow_ups(judged: JudgedRun, fault: Fault, source: VariationSource) -> FollowUps:
    if not _can_be_followed_up(fault):
        return FollowUps()
    guilty = fault.looked_into
    log.info("following up %s", guilty.cell.id)
    cell = _FollowUp(judged, fault, source)
    if judged.scenario.workloads[guilty.cell.workload].tests is not None:
        return FollowUps(reproducer=await fewest_tests(cell.variations("tests", Axis.WORKLOAD)))
    options = await cell.options()
    return FollowUps(
        options=options,
        dose=await cell.dose(),
        reproducer=await cell.with_options(options).reproducer(),
    )


@dataclass(frozen=True)
class _FollowUp:
    judged: JudgedRun
    fault: Fault
    source: VariationSource

    def variations(self, name: str, axis: Axis) -> Variations:
        return Variations(
            name=name, axis=axis, judged=self.judged, fault=self.fault, source=self.source
        )

    @property
    def guilty(self) -> CellVerdict:
        """The cell's verdict, as it is of the fault."""
        return self.fault.looked_into

    @property
    def _workload(self) -> WorkloadChoice:
        return self.judged.scenario.workloads[self.guilty.cell.workload]

    def with_options(self, options: Mapping[Axis, str]) -> _FollowUp:
        """Return the same with these options of mkfs and mount in place of the guilty cell's."""
        scenario, cell = self.judged.scenario, self.guilty.cell
        mkfs, mount = dict(scenario.mkfs), dict(scenario.mount)
        mkfs[cell.mkfs] = options.get(Axis.MKFS, mkfs[cell.mkfs])
        mount[cell.mount] = options.get(Axis.MOUNT, mount[cell.mount])
        scenario = replace(scenario, mkfs=mkfs, mount=mount)
        return replace(self, judged=replace(self.judged, scenario=scenario))

    async def options(self) -> dict[Axis, str]:
        """Return the fewest options that are enough, on the axes that matter and have several."""
        scenario = self.judged.scenario
        conjunction = smallest_conjunction(self.fault, scenario.combinations, scenario.references)
        found: dict[Axis, str] = {}
        for condition in conjunction.conditions:
            axis = condition.axis
            if axis not in (Axis.MKFS, Axis.MOUNT):
                continue
            values = scenario.mount if axis is Axis.MOUNT else scenario.mkfs
            items = split_options(axis, values[self.guilty.cell.value(axis)])
            if len(items) < 2:
                continue
            variations = self.variations(f"{axis.value}-options", axis)

            async def answer(
                batch: Sequence[tuple[str, ...]], of: Variations = variations
            ) -> tuple[bool, ...]:
                return await of.still_guilty([join_options(of.axis, some) for some in batch])

            try:
                enough, _ = await run_search(ddmin(items), answer)
            except NotRunError:
                continue
            found[axis] = join_options(axis, enough)
        return found

    async def dose(self) -> DoseResponse | None:
        """Return how what leaks follows what is done: at the cell's own dose, and at two others."""
        choice = self._workload
        rules = WORKLOADS[choice.use].rules
        rate = self.guilty.rate_kib_per_round
        if not rules.dose or rate is None:
            return None
        trials = self.judged.trials.get(self.guilty.cell, ())
        own = self._point(choice, self.guilty, trials)
        rule = next(rule for rule in rules.parameters if rule.name == rules.dose)
        given = int(choice.parameters[rules.dose]) or int(own.dose)
        others = [
            WorkloadChoice(
                name="", use=choice.use, parameters={**choice.parameters, rules.dose: dose}
            )
            for dose in other_doses(given, rule)
        ]
        try:
            verdicts = await self.variations("dose", Axis.WORKLOAD).verdicts(others)
        except NotRunError:
            return None
        points = [self._point(o, *v) for o, v in zip(others, verdicts, strict=True)]
        return clue_words.dose_response(fit_dose_response([own, *points], rules.dose_unit))

    def _point(
        self, choice: WorkloadChoice, verdict: CellVerdict, trials: Sequence[TrialEvaluation]
    ) -> DosePoint:
        rules = WORKLOADS[choice.use].rules
        done = done_per_round(verdict, trials, rules.done) if rules.done else None
        return DosePoint(
            dose=float(choice.parameters[rules.dose]) if done is None else done,
            rate_kib=verdict.rate_kib_per_round,
            ci95_kib=verdict.rate_ci95_kib,
        )

    async def reproducer(self) -> Reproducer | None:
        """Return the workload with the simplest parameters, as a script that was seen to do it."""
        choice = self._workload
        rules = WORKLOADS[choice.use].rules.parameters
        variations = self.variations("reduction", Axis.WORKLOAD)

        async def answer(batch: Sequence[Parameters]) -> tuple[bool, ...]:
            return await variations.still_guilty(
                [WorkloadChoice(name="", use=choice.use, parameters=one) for one in batch]
            )

        try:
            found, tried = await run_search(simplify(choice.parameters, rules), answer)
            script, verdict = await self._script(choice.use, (found, choice.parameters))
        except NotRunError:
            return None
        return Reproducer(
            script=script,
            parameters=found,
            reduced=tuple(
                clue_words.tried_parameters(choice.parameters, one, guilty=guilty)
                for one, guilty in tried
            ),
            rate_kib=verdict.rate_kib_per_round if verdict is not None else None,
        )

    async def _script(
        self, use: str, forms: Sequence[Parameters]
    ) -> tuple[str, CellVerdict | None]:
        """Return the first of the forms that is guilty as a script; "" when none is."""
        cell = self.guilty.cell
        variations = self.variations("script", Axis.WORKLOAD)
        for parameters in forms:
            make_script = WORKLOADS[use].script
            if make_script is None:
                continue
            script = make_script(parameters)
            shell = {
                "write": script.write,
                "exercise": script.exercise,
                "remove": script.remove,
                "size_mib": parameters["size_mib"],
            }
            choice = WorkloadChoice(name="", use=SHELL, parameters=shell)
            ((verdict, _),) = await variations.verdicts([choice])
            if variations.is_alike(verdict):
                text = reproducer_script(
                    script,
                    size_mib=int(parameters["size_mib"]),
                    mkfs=variations.scenario.mkfs[cell.mkfs],
                    mount=variations.scenario.mount[cell.mount],
                )
                return text, verdict
        return "", None


def split_options(axis: Axis, options: str) -> tuple[str, ...]:
    """Return the single options; one of mkfs with the words that belong to it, quoted."""
    if axis is Axis.MOUNT:
        return tuple(option for option in options.split(",") if option)
    items: list[list[str]] = []
    for word in shlex.split(options):
        if word.startswith("-") or not items:
            items.append([word])
        else:
            items[-1].append(word)
    return tuple(shlex.join(words) for words in items)


def join_options(axis: Axis, items: Sequence[str]) -> str:
    """Return options as they are given to the command."""
    return ("," if axis is Axis.MOUNT else " ").join(items)


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
        return _test_reproducer(variations, choice, (last.id,), ())

    async def answer(batch: Sequence[TestGroup]) -> tuple[bool, ...]:
        values = [replace(workload, name="", tests=_only(choice, group)) for group in batch]
        return await variations.still_guilty(values)

    try:
        found, tried = await run_search(ddmin_before(_before(tests, last), last.id), answer)
    except NotRunError:
        return None
    return _test_reproducer(variations, choice, found, tried)


def _before(tests: Sequence[TestFinding], last: TestFinding) -> TestGroup:
    """Return the tests that may have to come before the last: those of its guest, or of the list.

    Each runs with the same options: tests of another section are left out.
    """
    earlier = last.after or tuple(test.id for test in tests[: tests.index(last)])
    return tuple(one for one in earlier if one.section == last.id.section)


def _only(choice: TestChoice, group: TestGroup) -> TestChoice:
    """Return a choice of these tests alone, run over and over in this order."""
    return replace(
        choice,
        tests=(*(one.test for one in group), f"-i {choice.repeats}"),
        exclude=(),
        sections=tuple({one.section for one in group if one.section}),
    )


def _test_reproducer(
    of: Variations, choice: TestChoice, found: TestGroup, tried: Sequence[tuple[TestGroup, bool]]
) -> Reproducer:
    scenario, cell = of.judged.scenario, of.guilty.cell
    section = sections(choice, scenario.mkfs[cell.mkfs], scenario.mount[cell.mount])
    names = tuple(one.test for one in found)
    return Reproducer(
        script=check_script(
            names, options=options_of(section[found[-1].section]), rounds=choice.repeats
        ),
        tests=names,
        reduced=tuple(clue_words.tried_tests(group, guilty=guilty) for group, guilty in tried),
        rate_kib=of.guilty.rate_kib_per_round,
    )
