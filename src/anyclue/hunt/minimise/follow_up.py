"""What the guilty cell is followed up by: its options, its dose, its smallest form, a script."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeAlias

from anyclue.fstests.core.configuration import options_of, sections
from anyclue.fstests.core.model import TestFinding, TestId
from anyclue.fstests.core.verdicts import worst_leak
from anyclue.hunt.clue.model import DoseEvent, DosePoint, DoseResponse, Reproducer
from anyclue.hunt.judge import JudgedRun
from anyclue.hunt.minimise.delta_debugging import Parameters, ddmin, ddmin_before, simplify
from anyclue.hunt.minimise.dose_response import (
    done_per_round,
    event_counts,
    fit_dose_response,
    other_doses,
)
from anyclue.hunt.minimise.model import FollowUps
from anyclue.hunt.minimise.plan import FollowUpKind, FollowUpStep
from anyclue.hunt.minimise.reproducer import check_script, reproducer_script
from anyclue.hunt.minimise.variations import (
    NotRunError,
    Runner,
    SearchEnd,
    StoredVariations,
    Variations,
    VariationSource,
    run_search,
)
from anyclue.hunt.model import Fault
from anyclue.hunt.render import clue_words
from anyclue.hunt.select.isolation import smallest_conjunction
from anyclue.model.evaluation import TrialEvaluation
from anyclue.model.reason import SlabCache, grown_objects
from anyclue.model.recording import Outcome
from anyclue.model.scenario import Axis, Cell, Scalar, TestChoice, WorkloadChoice
from anyclue.model.verdict import CellVerdict, ObjectKind, ObjectSeries, Verdict
from anyclue.recordings.store import read_seconds
from anyclue.trial.filesystems.registry import FILE_SYSTEMS
from anyclue.trial.workloads.registry import WORKLOADS
from anyclue.verdicts.object_growth import object_rate

log = logging.getLogger(__name__)
SHELL = "shell"

TestGroup: TypeAlias = tuple[TestId, ...]


async def read_follow_ups(judged: JudgedRun) -> tuple[FollowUps, ...]:
    """Return the follow-ups of each fault that the run holds, and what is left of them."""
    return tuple(
        [await _read(judged, number, fault) for number, fault in enumerate(judged.findings.faults)]
    )


async def run_follow_up(judged: JudgedRun, step: FollowUpStep, runner: Runner) -> None:
    """Run one step of a fault's follow-up; what is stored already does not run again.

    It ends early where guests or time are up: what was run stays, and `read_follow_ups` reads it.

    Raises:
        InfrastructureError: the machine failed; what is recorded stays, and can be resumed.
    """
    fault = judged.findings.faults[step.fault]
    log.info("following up %s", fault.lead.id)
    cell = _FollowUp(judged, fault, runner)
    match step.kind:
        case FollowUpKind.TESTS:
            await fewest_tests(cell.variations("tests", Axis.WORKLOAD))
        case FollowUpKind.DOSE:
            await cell.dose()
        case FollowUpKind.OPTIONS:
            await cell.options(Axis(step.subject))
        case FollowUpKind.SMALLER_FORM:
            await (await _smallest(cell)).smaller_form()
        case FollowUpKind.SCRIPT:
            smallest = await _smallest(cell)
            form = await replace(smallest, source=StoredVariations()).smaller_form()
            with suppress(NotRunError):
                await smallest.script(form.found)


async def _smallest(cell: _FollowUp) -> _FollowUp:
    """Return a follow-up with the fewest options that are stored."""
    stored = await replace(cell, source=StoredVariations()).all_options()
    return cell.with_options(
        {axis: join_options(axis, end.found) for axis, end in stored.items() if end.tried}
    )


def can_be_followed_up(fault: Fault) -> bool:
    """Say whether a fault is followed up; a surge is not, which shows only beside its reference.

    Nor is a guest that hangs: every single step would take a whole deadline.
    """
    return fault.verdict is not Verdict.SURGE and fault.looked_into.outcome is not Outcome.HUNG


async def _read(judged: JudgedRun, number: int, fault: Fault) -> FollowUps:
    if not can_be_followed_up(fault):
        return FollowUps()
    cell, trials = _FollowUp(judged, fault, StoredVariations()), judged.scenario.limits.trials
    seconds = mean_seconds(judged, fault.lead)

    def step(kind: FollowUpKind, cells: int, subject: str = "", *, begun: bool) -> FollowUpStep:
        guests = cells * trials
        cost = seconds * guests if seconds is not None else None
        return FollowUpStep(
            kind=kind, fault=number, subject=subject, guests=guests, seconds=cost, begun=begun
        )

    left: list[FollowUpStep] = []
    if judged.scenario.workloads[fault.lead.workload].tests is not None:
        end = await fewest_tests(cell.variations("tests", Axis.WORKLOAD))
        if end is not None and end.more_guests:
            cells = end.more_guests // trials
            left.append(step(FollowUpKind.TESTS, cells, begun=bool(end.reduced)))
        return FollowUps(reproducer=end, left=tuple(left))
    options = await cell.all_options()
    left += [
        step(FollowUpKind.OPTIONS, end.more, axis.value, begun=bool(end.tried))
        for axis, end in options.items()
        if end.more
    ]
    known = {axis: join_options(axis, end.found) for axis, end in options.items() if end.tried}
    dose = await cell.dose()
    if dose is None and (doses := cell.doses()):
        left.append(step(FollowUpKind.DOSE, len(doses), begun=False))
    cell = cell.with_options(known)
    form = await cell.smaller_form()
    if form.more:
        left.append(step(FollowUpKind.SMALLER_FORM, form.more, begun=bool(form.tried)))
    try:
        script, verdict = await cell.script(form.found)
    except NotRunError:
        left.append(step(FollowUpKind.SCRIPT, 1, begun=False))
        return FollowUps(options=known, dose=dose, left=tuple(left))
    return FollowUps(
        options=known,
        dose=dose,
        reproducer=cell.reproducer(form, script, verdict, form.more * trials),
        left=tuple(left),
    )


def mean_seconds(judged: JudgedRun, cell: Cell) -> float | None:
    """Return how long a guest of a cell took, in the mean; None where none is known."""
    known = [seconds for seconds in map(read_seconds, judged.run.trials(cell)) if seconds]
    return sum(known) / len(known) if known else None


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

    async def all_options(self) -> dict[Axis, SearchEnd[tuple[str, ...]]]:
        """Return the fewest options that are enough, on the axes that matter and have several."""
        scenario = self.judged.scenario
        conjunction = smallest_conjunction(self.fault, scenario.combinations, scenario.references)
        found: dict[Axis, SearchEnd[tuple[str, ...]]] = {}
        for condition in conjunction.conditions:
            if condition.axis in (Axis.MKFS, Axis.MOUNT):
                end = await self.options(condition.axis)
                if end is not None:
                    found[condition.axis] = end
        return found

    async def options(self, axis: Axis) -> SearchEnd[tuple[str, ...]] | None:
        """Return the fewest options of an axis that are enough; None where there is but one."""
        scenario = self.judged.scenario
        values = scenario.mount if axis is Axis.MOUNT else scenario.mkfs
        items = split_options(axis, values[self.guilty.cell.value(axis)])
        if len(items) < 2:
            return None
        variations = self.variations(f"{axis.value}-options", axis)

        async def answer(batch: Sequence[tuple[str, ...]]) -> tuple[bool, ...]:
            return await variations.still_guilty([join_options(axis, some) for some in batch])

        return await run_search(ddmin(items), answer, items, len)

    def doses(self) -> tuple[WorkloadChoice, ...]:
        """Return the workload at two other doses; none where there is no dose, or no rate.

        Where space ran out it is also repeated: errors for lack of space come oftener then.
        """
        choice = self._workload
        rules = WORKLOADS[choice.use].rules
        if not rules.dose or not (self.fault.counted or self.guilty.rate_kib_per_round is not None):
            return ()
        own = self._own_point()
        of_name = {rule.name: rule for rule in rules.parameters}
        given = int(choice.parameters[rules.dose]) or int(own.dose)
        others: list[dict[str, Scalar]]
        others = [{rules.dose: dose} for dose in other_doses(given, of_name[rules.dose])]
        if rules.repeat and own.events.get(DoseEvent.ENOSPC):
            twice, most = 2 * int(choice.parameters[rules.repeat]), of_name[rules.repeat].maximum
            others += [{rules.repeat: twice}] if most is None or twice <= most else []
        return tuple(
            WorkloadChoice(name="", use=choice.use, parameters={**choice.parameters, **other})
            for other in others
        )

    async def dose(self) -> DoseResponse | None:
        """Return how what leaks follows what is done: at the cell's own dose, and at two others."""
        others = self.doses()
        if not others:
            return None
        try:
            verdicts = await self.variations("dose", Axis.WORKLOAD).verdicts(others)
        except NotRunError:
            return None
        points = [self._own_point()]
        points += [self._point(o, *v) for o, v in zip(others, verdicts, strict=True)]
        unit = WORKLOADS[self._workload.use].rules.dose_unit
        kib = fit_dose_response(points, unit)
        if self._series is None:
            return clue_words.dose_response(kib)
        objects = fit_dose_response(points, unit, self._series)
        return clue_words.dose_response(objects if self.fault.counted else kib, objects)

    @property
    def _series(self) -> ObjectSeries | None:
        """The count of objects that leaks most: by itself, or as what grew most of a class."""
        if self.fault.counted:
            return self.fault.counted[0]
        detail = self.guilty.signature_detail
        if not isinstance(detail, SlabCache) or not detail.objects:
            return None
        return ObjectSeries(kind=ObjectKind.SLAB, name=detail.name)

    def _own_point(self) -> DosePoint:
        trials = self.judged.trials.get(self.guilty.cell, ())
        return self._point(self._workload, self.guilty, trials)

    def _point(
        self, choice: WorkloadChoice, verdict: CellVerdict, trials: Sequence[TrialEvaluation]
    ) -> DosePoint:
        rules = WORKLOADS[choice.use].rules
        done = done_per_round(verdict, trials, rules.done) if rules.done else None
        counted = object_rate(self._series, trials) if self._series is not None else None
        objects, ci95_objects = counted if counted is not None else (None, None)
        return DosePoint(
            dose=float(choice.parameters[rules.dose]) if done is None else done,
            rate_kib=verdict.rate_kib_per_round,
            ci95_kib=verdict.rate_ci95_kib,
            rate_objects=objects,
            ci95_objects=ci95_objects,
            events=event_counts(verdict, trials),
        )

    async def smaller_form(self) -> SearchEnd[Parameters]:
        """Return the simplest parameters of the workload that are enough."""
        choice = self._workload
        rules = WORKLOADS[choice.use].rules.parameters
        variations = self.variations("reduction", Axis.WORKLOAD)

        async def answer(batch: Sequence[Parameters]) -> tuple[bool, ...]:
            return await variations.still_guilty(
                [WorkloadChoice(name="", use=choice.use, parameters=one) for one in batch]
            )

        def size(one: Parameters) -> tuple[int, int]:
            same = sum(value == choice.parameters[name] for name, value in one.items())
            return same, sum(len(str(value).split(",")) for value in one.values())

        return await run_search(simplify(choice.parameters, rules), answer, choice.parameters, size)

    def reproducer(
        self,
        form: SearchEnd[Parameters],
        script: str,
        verdict: CellVerdict | None,
        more_guests: int,
    ) -> Reproducer:
        """Return the smallest form that is known, with its script."""
        grew = grown_objects(verdict.because) if verdict is not None else None
        return Reproducer(
            script=script,
            parameters=form.found,
            reduced=tuple(
                clue_words.tried_parameters(self._workload.parameters, one, guilty=guilty)
                for one, guilty in form.tried
            ),
            rate_kib=verdict.rate_kib_per_round if verdict is not None else None,
            more_guests=more_guests,
            series=grew.series if grew is not None else None,
            rate_objects=grew.rate if grew is not None else None,
        )

    async def script(self, smallest: Parameters) -> tuple[str, CellVerdict | None]:
        """Return the smallest form, or else the workload as it is, as a script that does it.

        Raises:
            NotRunError: one was not run, and is not run now.
        """
        choice = self._workload
        return await self._script(choice.use, (smallest, choice.parameters))

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
                    file_system=FILE_SYSTEMS[variations.scenario.filesystem],
                    size_mib=int(parameters["size_mib"]),
                    mkfs=variations.scenario.mkfs[cell.mkfs],
                    mount=variations.scenario.mount[cell.mount],
                    series=next(iter(self.fault.counted), None),
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
    fewer and fewer of those before it, in rounds. None when no test leaks.
    """
    judged, guilty = variations.judged, variations.guilty
    tests = judged.findings.tests[guilty.cell]
    last = worst_leak(tests)
    workload = judged.scenario.workloads[guilty.cell.workload]
    if last is None or workload.tests is None:
        return None
    choice = workload.tests
    if last.alone:
        return _test_reproducer(variations, choice, SearchEnd(found=(last.id,), tried=()))

    async def answer(batch: Sequence[TestGroup]) -> tuple[bool, ...]:
        values = [replace(workload, name="", tests=_only(choice, group)) for group in batch]
        return await variations.still_guilty(values)

    before = _before(tests, last)
    search = ddmin_before(before, last.id)
    return _test_reproducer(
        variations, choice, await run_search(search, answer, (*before, last.id), len)
    )


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


def _test_reproducer(of: Variations, choice: TestChoice, end: SearchEnd[TestGroup]) -> Reproducer:
    found = end.found
    scenario, cell = of.judged.scenario, of.guilty.cell
    section = sections(choice, scenario.mkfs[cell.mkfs], scenario.mount[cell.mount])
    names = tuple(one.test for one in found)
    return Reproducer(
        script=check_script(
            names, options=options_of(section[found[-1].section]), rounds=choice.repeats
        ),
        tests=names,
        reduced=tuple(clue_words.tried_tests(group, guilty=guilty) for group, guilty in end.tried),
        rate_kib=of.guilty.rate_kib_per_round,
        more_guests=end.more * scenario.limits.trials,
    )
