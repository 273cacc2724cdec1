"""What a scenario's names stand for, in words."""

from __future__ import annotations

from anyclue.model.scenario import (
    Axis,
    DebianKernel,
    GitKernel,
    Kernel,
    KernelBuild,
    KernelSource,
    Scenario,
    TestChoice,
)
from anyclue.report import words
from anyclue.report.text import clean


def kernel_meaning(kernel: Kernel) -> str:
    """Return where a kernel comes from and what was changed in it, in one line."""
    said = _source_meaning(kernel.source)
    variant = kernel.variant
    if variant is None:
        return said
    changes = [
        f"edit of {edit.function}() in {edit.file}" if edit.function else f"edit of {edit.file}"
        for edit in variant.edits
    ]
    changes += [f"patch {patch}" for patch in variant.patches]
    of = f" from {variant.tree}" if variant.tree is not None else ""
    made = " and ".join(changes) or ("as it is there" if of else "unchanged")
    return f"{said}; {', '.join(variant.directories)} rebuilt{of}, {made}"


def _source_meaning(source: KernelSource) -> str:
    if isinstance(source, DebianKernel):
        version = f" ({source.version})" if source.version else ""
        return f"Debian {source.series}{version}"
    if isinstance(source, KernelBuild):
        return f"the build in {source.build}"
    if isinstance(source, GitKernel):
        commit = f" ({source.commit[:12]})" if source.commit else ""
        debug = "".join(f", {option.value}" for option in source.debug)
        config = "".join(f", config {path}" for path in source.config)
        return f"{source.revision}{commit} of {source.repository}{config}{debug}"
    modules = f"modules {source.modules}" if source.modules else "no modules"
    return f"image {source.image}, {modules}"


def meanings(scenario: Scenario) -> list[tuple[str, str, str]]:
    """Return what the scenario's names stand for: (axis, name, meaning) for each."""
    rows = [(Axis.KERNEL.value, name, kernel_meaning(k)) for name, k in scenario.kernels.items()]
    rows += [
        (
            Axis.MACHINE.value,
            name,
            f"{m.arch.value}, {m.ram_mib} MiB, {m.cpus} CPU{'' if m.cpus == 1 else 's'}",
        )
        for name, m in scenario.machines.items()
    ]
    for axis, options in ((Axis.MKFS, scenario.mkfs), (Axis.MOUNT, scenario.mount)):
        rows += [(axis.value, name, value or "no options") for name, value in options.items()]
    for name, choice in scenario.workloads.items():
        if choice.tests is not None:
            rows.append((Axis.WORKLOAD.value, name, _tests_meaning(choice.tests)))
            continue
        given = ", ".join(
            f"{key}={words.scalar(value)}" for key, value in choice.parameters.items()
        )
        rows.append((Axis.WORKLOAD.value, name, f"{choice.use}: {given}" if given else choice.use))
    return rows


def _tests_meaning(choice: TestChoice) -> str:
    left_out = f", without {' '.join(choice.exclude)}" if choice.exclude else ""
    given = "".join(f", {key}={value}" for key, value in choice.environment.items())
    return f"fstests on {choice.fstyp}: {' '.join(choice.tests)}{left_out}{given}"


def limits_sentence(scenario: Scenario, most: int = 0) -> str:
    """Return rounds, trials and what counts as clean, as a sentence.

    ``most`` trials of a cell were run, where one was not judged by those that were planned.
    """
    limits, sensitivity = scenario.limits, scenario.sensitivity
    trials = "1 trial" if limits.trials == 1 else f"{limits.trials} trials"
    more = f" (up to {most} where these proved nothing)" if most > limits.trials else ""
    rounds = f"{limits.rounds} rounds a trial, " if has_rounds(scenario) else ""
    return (
        f"{trials} a cell{more}, {rounds}{limits.sample_hz:g} samples a second; "
        f"clean means that leaks of {sensitivity.leak_kib_per_round:g} KiB per"
        f" {'round' if rounds else 'run of a test'} and more are excluded."
    )


def has_rounds(scenario: Scenario) -> bool:
    """Say whether any cell has rounds: tests of fstests are run by themselves."""
    of_tests = {name for name, choice in scenario.workloads.items() if choice.tests is not None}
    return any(cell.workload not in of_tests for cell in scenario.cells)


def plan_text(planned: Scenario) -> str:
    """Return the cells of a planned scenario, for a terminal."""
    limits = planned.limits
    lines = [
        clean(planned.title),
        f"cells: {len(planned.cells)}, trials a cell: {limits.trials}"
        + (f", rounds a trial: {limits.rounds}" if has_rounds(planned) else ""),
    ]
    if planned.chooses:
        lines.append("a hunt chooses among these cells; with --full it runs all of them")
    lines.append("")
    for cell in planned.cells:
        reference = planned.reference_for(cell)
        role = "reference" if cell in planned.references else "no reference"
        options = [f"mkfs {planned.mkfs[cell.mkfs]}".strip(), planned.mount[cell.mount]]
        shown = ", ".join(clean(option) for option in options if option not in ("", "mkfs"))
        lines.append(f"  {cell.id}  {f'({shown})' if shown else ''}".rstrip())
        lines.append(f"      compared with {reference.id}" if reference else f"      {role}")
    return "\n".join(lines)
