"""What a guest's ``check`` is given for a cell: arguments, and sections of a ``local.config``."""

from __future__ import annotations

from collections.abc import Mapping

from anyclue.fstests.core.check_arguments import CheckArguments, read_arguments
from anyclue.fstests.core.local_config import (
    SET_BY_GUEST,
    effective_sections,
    read_local_config,
    write_local_config,
)
from anyclue.fstests.core.model import ConfigSection, SectionPlan
from anyclue.model.errors import RequestError
from anyclue.model.scenario import Scenario, TestChoice

TEST_DEVICE = "/dev/vdb"
POOL = tuple(f"/dev/vd{letter}" for letter in "efghi")
LOGWRITES_DEVICE = "/dev/vdj"
RESULTS = "/run/results"
DEVICES: Mapping[str, str] = {
    "TEST_DEV": TEST_DEVICE,
    "TEST_DIR": "/mnt/test",
    "SCRATCH_DEV_POOL": " ".join(POOL),
    "SCRATCH_MNT": "/mnt/scratch",
    "LOGWRITES_DEV": LOGWRITES_DEVICE,
    "RESULT_BASE": RESULTS,
}
"""What a guest sets in every ``local.config``; check takes the pool's first for SCRATCH_DEV."""


def check_arguments(choice: TestChoice) -> CheckArguments:
    """Return check's arguments for a choice.

    Raises:
        RequestError: they are not accepted.
    """
    tests = [word for entry in choice.exclude if not is_option(entry) for word in entry.split()]
    options = [entry for entry in choice.exclude if is_option(entry)]
    excluded = [f"-e {','.join(tests)}"] if tests else []
    return read_arguments([*choice.tests, *options, *excluded])


def is_option(entry: str) -> bool:
    """Say whether an entry of a list of tests is an option of check."""
    return entry.lstrip().startswith("-")


def sections(
    choice: TestChoice, mkfs: str, mount: str, *, where: str = "fstests"
) -> dict[str, SectionPlan]:
    """Return the sections to run, each complete; ``mkfs`` and ``mount`` are the cell's options.

    Raises:
        RequestError: the ``local.config`` is not accepted, or lacks one of the sections.
    """
    found: tuple[ConfigSection, ...] = (ConfigSection(name="", options={}),)
    if choice.config is not None:
        found = read_local_config(choice.config, origin=f"{where}.config")
    names = [section.name for section in found if section.name]
    if unknown := [name for name in choice.sections if name not in names]:
        what = f"there is no section {unknown[0]!r} in the local.config"
        step = f"sections that it has: {', '.join(names) or 'none'}"
        raise RequestError.of(what, where=f"{where}.sections", next_step=step)
    if names:
        found = effective_sections(found, choice.sections, fstyp=choice.fstyp)
    return {section.name: _section(choice, section, mkfs, mount) for section in found}


def _section(choice: TestChoice, section: ConfigSection, mkfs: str, mount: str) -> SectionPlan:
    options = {name: value for name, value in section.options.items() if name not in SET_BY_GUEST}
    options = {"FSTYP": choice.fstyp, **options, **DEVICES, **choice.environment}
    if mount:
        options |= {"MOUNT_OPTIONS": f"-o {mount}", "TEST_FS_MOUNT_OPTS": f"-o {mount}"}
    if mkfs:
        options["MKFS_OPTIONS"] = mkfs
    config = write_local_config([ConfigSection(name="", options=options)])
    return SectionPlan(options=options, config=config)


def local_config(choice: TestChoice, mkfs: str, mount: str) -> str:
    """Return the ``local.config`` of a cell, with sections where the scenario's own has them.

    Raises:
        RequestError: as `sections`.
    """
    plans = sections(choice, mkfs, mount)
    return write_local_config(
        [ConfigSection(name=name, options=plan.options) for name, plan in plans.items()]
    )


def options_of(plan: SectionPlan) -> dict[str, str]:
    """Return what a section sets beyond its devices, which are a machine's own."""
    return {name: value for name, value in plan.options.items() if name not in SET_BY_GUEST}


def local_config_of_cell(scenario: Scenario, cell_id: str) -> str:
    """Return the ``local.config`` of the cell with this id.

    Raises:
        RequestError: there is no such cell, or it runs no fstests.
    """
    cell = next((cell for cell in scenario.cells if cell.id == cell_id), None)
    choice = scenario.workloads[cell.workload].tests if cell else None
    if cell is None or choice is None:
        known = [c.id for c in scenario.cells if scenario.workloads[c.workload].tests is not None]
        step = f"cells that run fstests: {', '.join(known[:10]) or 'none'}"
        raise RequestError.of("no cell with tests of fstests", where=cell_id, next_step=step)
    return local_config(choice, scenario.mkfs[cell.mkfs], scenario.mount[cell.mount])
