"""From planned cells to jobs: kernels and guests made ready, everything side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TypeVar

from anyclue.model.debian import RELEASES, DebianRelease, release_of
from anyclue.model.errors import InfrastructureError, RequestError
from anyclue.model.scenario import (
    Arch,
    Cell,
    GitKernel,
    Kernel,
    Limits,
    Scenario,
)
from anyclue.system.debian_archive import host_release
from anyclue.system.store import Artifact
from anyclue.trial.context import Context
from anyclue.trial.filesystems.registry import FILE_SYSTEMS
from anyclue.trial.kernels.git_builds import with_bases
from anyclue.trial.kernels.layout import TrialSubject
from anyclue.trial.model import GuestImage, PreparedKernel, Shape, Suite, TrialJob
from anyclue.trial.workloads.suite import workload_suite
from anyclue.version import __version__

T = TypeVar("T")


async def prepare_jobs(
    scenario: Scenario,
    wanted: Sequence[tuple[Cell, int]],
    context: Context,
    suites: Mapping[tuple[Cell, int], Suite] | None = None,
) -> list[TrialJob]:
    """Return a job for each wanted (cell, trial number).

    A trial that has none of the ``suites`` runs the workload that the scenario has for its cell.

    Raises:
        RequestError: what the scenario asks for cannot be had; all such mistakes at once.
        InfrastructureError: a build, a download or a boot failed.
    """
    given = suites or {}
    chosen = [given.get(one) or workload_suite(scenario, one[0]) for one in wanted]
    guests = {cell: _guest(scenario, cell) for cell, _ in wanted}
    distinct = sorted(set(guests.values()))
    userspace = await userspace_of(scenario, context)
    prepared = await _all(
        _prepare_guest(scenario, *guest, context, userspace) for guest in distinct
    )
    ready = dict(zip(distinct, prepared, strict=True))
    return [
        _job(scenario, cell, trial, *ready[guests[cell]], suite)
        for (cell, trial), suite in zip(wanted, chosen, strict=True)
    ]


def _guest(scenario: Scenario, cell: Cell) -> tuple[str, str, Shape]:
    full = scenario.workloads[cell.workload].tests is not None
    return cell.kernel, cell.machine, Shape.FULL if full else Shape.LEAN


async def pin_kernels(scenario: Scenario, context: Context) -> Scenario:
    """Return the scenario with exact versions, so that no later trial runs on another kernel.

    Of the kernels from git that are built alike, the first in the scenario is the base of all.

    Raises:
        RequestError: a kernel cannot be had; all such mistakes at once.
    """
    arches = _arches(scenario)
    cells = {cell.kernel for cell in scenario.combinations}
    used = [name for name in scenario.kernels if name in cells]
    subject = subject_of(scenario)
    pinned = await _all(_pinned(scenario.kernels[name], arches, subject, context) for name in used)
    based = with_bases(pinned)
    scenario = replace(
        scenario, kernels={**scenario.kernels, **dict(zip(used, based, strict=True))}
    )
    return replace(scenario, userspace=(await userspace_of(scenario, context)).name)


async def userspace_of(scenario: Scenario, context: Context) -> DebianRelease:
    """Return the release that the guests' programs are from: one for all kernels of a scenario.

    What mkfs makes by default differs between releases, and a newer one may make what an older
    kernel does not know: of several kernels the oldest one's release it is.

    Raises:
        RequestError: a kernel cannot be had.
    """
    if scenario.userspace is not None:
        return release_of(scenario.userspace)
    arches = _arches(scenario)
    subject = subject_of(scenario)
    used = dict.fromkeys(cell.kernel for cell in scenario.combinations)
    found = await _all(
        context.kernels.debian_release(scenario.kernels[name], arches, subject) for name in used
    )
    releases = {release for release in found if release is not None}
    return next((release for release in RELEASES if release in releases), host_release())


async def _pinned(
    kernel: Kernel, arches: set[Arch], subject: TrialSubject, context: Context
) -> Kernel:
    if not isinstance(kernel.source, GitKernel):
        return await context.kernels.pinned(kernel, arches, subject)
    with _refused_in(kernel.name):
        return await context.kernels.pinned(kernel, arches, subject)


def subject_of(scenario: Scenario) -> TrialSubject:
    """Return what a scenario's trials test: the same of all its kernels."""
    used = {cell.kernel for cell in scenario.combinations}
    variants = (scenario.kernels[name].variant for name in used)
    return TrialSubject(
        file_system=FILE_SYSTEMS[scenario.filesystem],
        directories=frozenset(d for one in variants if one is not None for d in one.directories),
    )


@contextmanager
def _refused_in(kernel: str) -> Iterator[None]:
    """Name the kernel in the mistakes of a request."""
    try:
        yield
    except RequestError as error:
        problems = [replace(p, where=f"kernels.{kernel}: {p.where}") for p in error.problems]
        raise type(error)(problems) from error


def _arches(scenario: Scenario) -> set[Arch]:
    """Return the architectures that a scenario runs on.

    Kernels are of one version for all of them, so that the architecture is all that differs.
    """
    return {scenario.machines[cell.machine].arch for cell in scenario.combinations}


async def prepare_one(
    scenario: Scenario,
    cell: Cell,
    context: Context,
    *,
    arguments: str = "",
    suite: Suite | None = None,
) -> TrialJob:
    """Return the job of a single cell, as `prepare_jobs`; ``arguments`` are for its kernel."""
    chosen = suite or workload_suite(scenario, cell)
    userspace = await userspace_of(scenario, context)
    ready = await _prepare_guest(scenario, *_guest(scenario, cell), context, userspace, arguments)
    return _job(scenario, cell, 1, *ready, chosen)


def module_under_test(scenario: Scenario, cell: Cell) -> str:
    """Return the name of the module in which a cell's places are looked up.

    It is the one that its kernel has rebuilt first, or else the file system's own.
    """
    variant = scenario.kernels[cell.kernel].variant
    file_system = FILE_SYSTEMS[scenario.filesystem]
    if variant is None or variant.directory == file_system.directory:
        return file_system.modules[0]
    return PurePosixPath(variant.directory).name


async def payload(scenario: Scenario, cell: Cell, context: Context) -> Artifact | None:
    """Return what puts a cell's module under test into a guest; None where it has none."""
    kernel, arch = scenario.kernels[cell.kernel], scenario.machines[cell.machine].arch
    arches = _arches(scenario)
    subject = subject_of(scenario)
    base = await context.kernels.base(kernel, arch, arches, subject)
    ref = (await context.kernels.with_payload(base, kernel, arch, arches, subject)).payload
    return context.store.get(ref) if ref is not None else None


async def debug_module(scenario: Scenario, cell: Cell, context: Context) -> Artifact | None:
    """Return a cell's module under test with the lines of its code, as `Kernels.debug_module`."""
    kernel, arch = scenario.kernels[cell.kernel], scenario.machines[cell.machine].arch
    return await context.kernels.debug_module(kernel, arch, _arches(scenario), subject_of(scenario))


async def _prepare_guest(
    scenario: Scenario,
    kernel_name: str,
    machine_name: str,
    shape: Shape,
    context: Context,
    userspace: DebianRelease,
    arguments: str = "",
) -> tuple[PreparedKernel, GuestImage]:
    kernel, machine = scenario.kernels[kernel_name], scenario.machines[machine_name]
    arches, subject = _arches(scenario), subject_of(scenario)
    try:
        with _refused_in(kernel_name):
            base = await context.kernels.base(kernel, machine.arch, arches, subject)
            return await asyncio.gather(
                context.kernels.with_payload(base, kernel, machine.arch, arches, subject),
                context.images.prepare(
                    base,
                    machine,
                    shape,
                    subject,
                    userspace=userspace,
                    boot_s=scenario.limits.boot_seconds,
                    arguments=arguments,
                ),
            )
    except InfrastructureError as error:
        problem = error.problem
        raise InfrastructureError(
            problem.what,
            where=": ".join(
                filter(None, (f"kernels.{kernel_name} on {machine_name}", problem.where))
            ),
            next_step=problem.next_step,
        ) from error


async def _all(making: Iterable[Awaitable[T]]) -> list[T]:
    """Wait for all; the mistakes in the request, if there are any, become one error."""
    results = await asyncio.gather(*making, return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    refused = [failure for failure in failures if isinstance(failure, RequestError)]
    others = [failure for failure in failures if not isinstance(failure, RequestError)]
    if any(isinstance(failure, asyncio.CancelledError) for failure in others):
        raise asyncio.CancelledError
    if refused:
        raise RequestError(
            list(dict.fromkeys(problem for failure in refused for problem in failure.problems))
        )
    if others:
        raise others[0]
    return [result for result in results if not isinstance(result, BaseException)]


def _job(
    scenario: Scenario,
    cell: Cell,
    trial: int,
    kernel: PreparedKernel,
    image: GuestImage,
    suite: Suite,
) -> TrialJob:
    provenance = {
        "anyclue": __version__,
        "accelerator": image.accelerator.value,
        "release": kernel.release,
        **image.provenance,
        **{f"kernel.{name}": value for name, value in kernel.provenance.items()},
    }
    return TrialJob(
        cell=cell,
        trial=trial,
        image=image,
        payload=kernel.payload,
        suite=suite,
        limits=_limits(scenario, cell),
        provenance={**provenance, **suite.provenance},
    )


def _limits(scenario: Scenario, cell: Cell) -> Limits:
    """Return the limits of a trial: a round of fstests is one test, with a limit of its own."""
    tests = scenario.workloads[cell.workload].tests
    return replace(scenario.limits, round_seconds=tests.seconds) if tests else scenario.limits
