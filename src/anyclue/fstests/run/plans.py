"""The plans of a hunt's next trials of fstests, from what its trials so far left in the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from anyclue.fstests.core.configuration import check_arguments, sections
from anyclue.fstests.core.model import Part, TestId, TestPlan
from anyclue.fstests.run.build import SuiteTree, build_suite, read_tree
from anyclue.fstests.run.cells import TestsJudge
from anyclue.fstests.run.session import PROVENANCE, FstestsSuite
from anyclue.model.errors import InfrastructureError, RequestError
from anyclue.model.recording import Recording
from anyclue.model.scenario import Cell, Scenario
from anyclue.recordings.run_directory import RunDirectory
from anyclue.trial.context import Context
from anyclue.trial.guest.initramfs import DEBIAN_ARCH
from anyclue.trial.preparation import userspace_of


async def fstests_suites(
    judge: TestsJudge, scenario: Scenario, wanted: Sequence[tuple[Cell, int]], context: Context
) -> dict[tuple[Cell, int], FstestsSuite]:
    """Return what each wanted trial of fstests runs; trials of workloads are left out.

    ``judge`` is that of the run: a trial runs what those before it left to do.

    Raises:
        RequestError: there is no checkout, or the local.config is not accepted.
        CommandError: the checkout does not build.
    """
    suites = {}
    for cell, number in wanted:
        found = judge.findings(scenario, cell)
        if found is None:
            continue
        recordings = [trial.recording for trial in found.cell_tests.trials]
        base = await _base(scenario, cell, recordings, context)
        following = found.next_plan(base, scenario.limits.extra_trials)
        suites[cell, number] = FstestsSuite(plan=following or base)
    return suites


async def repeat_suite(
    run: RunDirectory,
    scenario: Scenario,
    cell: Cell,
    tests: Sequence[TestId],
    context: Context,
) -> FstestsSuite:
    """Return the suite of these tests of a cell alone, in order.

    Raises:
        InfrastructureError: the checkout changed since the run began.
        CommandError: the checkout does not build.
    """
    base = await _base(scenario, cell, run.recordings([cell])[cell], context)
    return FstestsSuite(plan=replace(base, tests=tuple(tests), part=Part.REPEAT))


async def _base(
    scenario: Scenario, cell: Cell, recordings: Sequence[Recording], context: Context
) -> TestPlan:
    """Return the plan of a first trial, with the checkout that the ``recordings`` ran."""
    choice = scenario.workloads[cell.workload].tests
    assert choice is not None  # noqa: S101 - a cell of fstests
    tree = tree_of(choice.tree)
    arch = scenario.machines[cell.machine].arch
    userspace = await userspace_of(scenario, context)
    apt = await context.archive.apt(userspace, DEBIAN_ARCH[arch])
    suite = await build_suite(context.store, apt, tree, arch)
    earlier = {r.provenance.get(PROVENANCE) for r in recordings} - {None, tree.description}
    if earlier:
        raise InfrastructureError(
            f"the checkout of fstests changed since the run began: it is {tree.description}",
            where=choice.tree or "",
            next_step=f"bring it back to {earlier.pop()}, or begin a new run",
        )
    arguments = check_arguments(choice)
    return TestPlan(
        suite=suite.ref,
        origin=tree.description,
        sections=sections(choice, scenario.mkfs[cell.mkfs], scenario.mount[cell.mount]),
        selection=arguments.selection,
        arguments=arguments.per_call,
        passes=arguments.passes,
        stop_at_failure=arguments.stop_at_failure,
        least_kib=scenario.sensitivity.leak_kib_per_round,
    )


def tree_of(path: str | None) -> SuiteTree:
    """Return the checkout at ``path``.

    Raises:
        RequestError: there is none.
    """
    if path is None:
        raise RequestError.of(
            "no checkout of upstream fstests is named",
            where="fstests",
            next_step="give --fstests DIR, or `tree` in the scenario's [fstests.NAME]",
        )
    return read_tree(Path(path))


def with_checkout(scenario: Scenario, tree: Path | None) -> Scenario:
    """Return the scenario with ``tree`` as the checkout of all its tests.

    Raises:
        RequestError: a choice of tests is left without a checkout, or what is named is none.
    """
    changed = {}
    for name, choice in scenario.workloads.items():
        changed[name] = choice
        if choice.tests is not None:
            at = str(tree.expanduser().resolve()) if tree is not None else choice.tests.tree
            tree_of(at)
            changed[name] = replace(choice, tests=replace(choice.tests, tree=at))
    return replace(scenario, workloads=changed)
