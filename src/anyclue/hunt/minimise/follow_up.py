"""What the guilty cell is followed up by: its options, its dose, its smallest form, a script."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from anyclue.hunt.clue.model import DosePoint, DoseResponse, Reproducer
from anyclue.hunt.judge import JudgedRun
from anyclue.hunt.minimise.delta_debugging import Parameters, fewest, simplest
from anyclue.hunt.minimise.dose_response import doses, respond
from anyclue.hunt.minimise.operations import done_per_round
from anyclue.hunt.minimise.options import joined, split
from anyclue.hunt.minimise.reproducer import reproducer_script
from anyclue.hunt.minimise.test_group import fewest_tests
from anyclue.hunt.minimise.variations import NotRunError, Runner, Variations, drive, still_words
from anyclue.hunt.select.conjunction import smallest_conjunction
from anyclue.hunt.select.factors import first_guilty
from anyclue.model.evaluation import TrialEvaluation
from anyclue.model.recording import Outcome
from anyclue.model.scenario import Axis, WorkloadChoice
from anyclue.model.verdict import CellVerdict
from anyclue.trial.workloads.registry import WORKLOADS
from anyclue.trial.workloads.workload import Script

log = logging.getLogger(__name__)
SHELL = "shell"


@dataclass(frozen=True, kw_only=True)
class Followed:
    """What is known beside the verdicts; None or empty is what was not run, or not to the end.

    ``options`` are the mkfs and mount options that are enough, where there were more.
    """

    options: Mapping[Axis, str] = field(default_factory=dict)
    dose: DoseResponse | None = None
    reproducer: Reproducer | None = None


async def follow(judged: JudgedRun, runner: Runner | None) -> Followed:
    """Follow up the guilty cell that is looked into; without a ``runner`` return what is stored.

    Raises:
        InfrastructureError: the machine failed; what is recorded stays, and can be resumed.
    """
    guilty = first_guilty(judged.findings.cells)
    # Of a guest that hangs every single step would take a whole deadline.
    if guilty is None or guilty.outcome is Outcome.HUNG:
        return Followed()
    if runner is not None:
        log.info("following up %s", guilty.cell.id)
    following = _Following(judged, guilty, runner)
    if judged.scenario.workloads[guilty.cell.workload].tests is not None:
        return Followed(reproducer=await following.group())
    options = await following.options()
    return Followed(
        options=options,
        dose=await following.dose(),
        reproducer=await following.having(options).reproducer(),
    )


@dataclass(frozen=True)
class _Following:
    judged: JudgedRun
    guilty: CellVerdict
    runner: Runner | None

    def _variations(self, name: str, axis: Axis) -> Variations:
        return Variations(
            name=name, axis=axis, judged=self.judged, guilty=self.guilty, runner=self.runner
        )

    @property
    def _workload(self) -> WorkloadChoice:
        return self.judged.scenario.workloads[self.guilty.cell.workload]

    def having(self, options: Mapping[Axis, str]) -> _Following:
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
        conjunction = smallest_conjunction(
            self.judged.findings.cells, scenario.combinations, scenario.references
        )
        found: dict[Axis, str] = {}
        for condition in conjunction.conditions if conjunction is not None else ():
            axis = condition.axis
            if axis not in (Axis.MKFS, Axis.MOUNT):
                continue
            values = scenario.mount if axis is Axis.MOUNT else scenario.mkfs
            items = split(axis, values[self.guilty.cell.value(axis)])
            if len(items) < 2:
                continue
            variations = self._variations(f"{axis.value}-options", axis)

            async def answer(
                batch: Sequence[tuple[str, ...]], of: Variations = variations
            ) -> tuple[bool, ...]:
                return await of.still_guilty([joined(of.axis, some) for some in batch])

            try:
                enough, _ = await drive(fewest(items), answer)
            except NotRunError:
                continue
            found[axis] = joined(axis, enough)
        return found

    async def dose(self) -> DoseResponse | None:
        """Return how what leaks follows what is done: at the cell's own dose, and at two others."""
        choice = self._workload
        rules = WORKLOADS[choice.use].rules
        rate = self.guilty.rate_kib_per_round
        if not rules.dose or rate is None:
            return None
        recordings = self.judged.trials.get(self.guilty.cell, ())
        own = self._point(choice, self.guilty, recordings)
        rule = next(rule for rule in rules.parameters if rule.name == rules.dose)
        given = int(choice.parameters[rules.dose]) or int(own.dose)
        others = [
            WorkloadChoice(
                name="", use=choice.use, parameters={**choice.parameters, rules.dose: dose}
            )
            for dose in doses(given, rule)
        ]
        try:
            seen = await self._variations("dose", Axis.WORKLOAD).seen(others)
        except NotRunError:
            return None
        points = [own]
        points += [self._point(o, *s) for o, s in zip(others, seen, strict=True)]
        return respond(points, rules.dose_unit)

    def _point(
        self, choice: WorkloadChoice, verdict: CellVerdict, recordings: Sequence[TrialEvaluation]
    ) -> DosePoint:
        rules = WORKLOADS[choice.use].rules
        done = done_per_round(verdict, recordings, rules.done) if rules.done else None
        return DosePoint(
            dose=float(choice.parameters[rules.dose]) if done is None else done,
            rate_kib=verdict.rate_kib_per_round,
            ci95_kib=verdict.rate_ci95_kib,
        )

    async def group(self) -> Reproducer | None:
        """Return the fewest tests of fstests that leak."""
        return await fewest_tests(self._variations("tests", Axis.WORKLOAD))

    async def reproducer(self) -> Reproducer | None:
        """Return the workload with the simplest parameters, as a script that was seen to do it."""
        choice = self._workload
        rules = WORKLOADS[choice.use].rules.parameters
        variations = self._variations("reduction", Axis.WORKLOAD)

        async def answer(batch: Sequence[Parameters]) -> tuple[bool, ...]:
            return await variations.still_guilty(
                [WorkloadChoice(name="", use=choice.use, parameters=one) for one in batch]
            )

        try:
            found, tried = await drive(simplest(choice.parameters, rules), answer)
            script, verdict = await self._script(choice.use, (found, choice.parameters))
        except NotRunError:
            return None
        return Reproducer(
            script=script,
            parameters=found,
            reduced=tuple(_told(choice.parameters, one, still) for one, still in tried),
            rate_kib=verdict.rate_kib_per_round if verdict is not None else None,
        )

    async def _script(
        self, use: str, forms: Sequence[Parameters]
    ) -> tuple[str, CellVerdict | None]:
        """Return the first of the forms that is guilty as a script; "" when none is."""
        cell = self.guilty.cell
        variations = self._variations("script", Axis.WORKLOAD)
        for parameters in forms:
            script = _script_of(use, parameters)
            if script is None:
                continue
            shell = {
                "write": script.write,
                "exercise": script.exercise,
                "remove": script.remove,
                "size_mib": parameters["size_mib"],
            }
            choice = WorkloadChoice(name="", use=SHELL, parameters=shell)
            (verdict, _), (guilty,) = (
                (await variations.seen([choice]))[0],
                await variations.still_guilty([choice]),
            )
            if guilty:
                text = reproducer_script(
                    script,
                    size_mib=int(parameters["size_mib"]),
                    mkfs=variations.scenario.mkfs[cell.mkfs],
                    mount=variations.scenario.mount[cell.mount],
                )
                return text, verdict
        return "", None


def _script_of(use: str, parameters: Parameters) -> Script | None:
    make = WORKLOADS[use].script
    return make(parameters) if make is not None else None


def _told(given: Parameters, tried: Parameters, still: bool) -> str:
    changes = ", ".join(
        f"{name} {value} (was {given[name]})"
        for name, value in tried.items()
        if value != given[name]
    )
    return f"{changes}: {still_words(still)}"
