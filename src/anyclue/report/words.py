"""How reports word and order what the model holds; shared by all formats."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from anyclue.fstests.core.check_model import CheckStatus
from anyclue.hunt.model import RunVerdicts
from anyclue.model.recording import Outcome
from anyclue.model.scenario import Axis, Cell, Scalar, Scenario
from anyclue.model.verdict import CellVerdict, ClassRate, MemoryClass, Signature, Verdict

_NAMED = 10

SEVERITY = (
    Verdict.BROKEN,
    Verdict.LEAK,
    Verdict.SURGE,
    Verdict.CACHE,
    Verdict.UNPROVEN,
    Verdict.CLEAN,
)

CLASS_WORDS: Mapping[MemoryClass, str] = {
    MemoryClass.USED: "all memory in use",
    MemoryClass.ORPHANED_FILE_PAGES: "file pages on the LRU that are in no file",
    MemoryClass.UNACCOUNTED: "pages that no counter accounts for",
    MemoryClass.SLAB_UNRECLAIMABLE: "slab, unreclaimable",
    MemoryClass.SLAB_RECLAIMABLE: "slab, reclaimable",
    MemoryClass.VMALLOC: "vmalloc",
    MemoryClass.KERNEL_STACKS: "kernel stacks",
    MemoryClass.PAGE_TABLES: "page tables",
    MemoryClass.PERCPU: "per-CPU memory",
    MemoryClass.ANON: "anonymous memory of user space",
    MemoryClass.SHMEM: "shared memory and tmpfs",
    MemoryClass.FILE_CACHE: "page cache",
}

LOOK_FOR: Mapping[Signature, str] = {
    Signature.PAGE_CACHE_REFERENCE: (
        "a page-cache page that was got and never put: find_get_page, find_lock_page, "
        "grab_cache_page or a folio equivalent without put_page on some path"
    ),
    Signature.RAW_PAGES: "alloc_page or folio_alloc without __free_page on some path",
    Signature.OBJECT: "an object of the named slab cache that is never freed",
    Signature.VMALLOC: "vmalloc or kvmalloc without vfree or kvfree",
    Signature.KERNEL_STACKS: "threads that are created and never end",
    Signature.PAGE_TABLES: "mappings that are made and never torn down",
    Signature.PERCPU: "alloc_percpu or percpu_counter_init without its release",
    Signature.USER_SPACE: "user space or tmpfs, not the file system",
    Signature.KMAP_SLOTS: "kmap and kunmap that are unbalanced or out of order",
}

_CARRIER: Mapping[Signature, tuple[MemoryClass, ...]] = {
    Signature.PAGE_CACHE_REFERENCE: (MemoryClass.ORPHANED_FILE_PAGES,),
    Signature.RAW_PAGES: (MemoryClass.UNACCOUNTED,),
    Signature.OBJECT: (MemoryClass.SLAB_UNRECLAIMABLE, MemoryClass.SLAB_RECLAIMABLE),
    Signature.VMALLOC: (MemoryClass.VMALLOC,),
    Signature.KERNEL_STACKS: (MemoryClass.KERNEL_STACKS,),
    Signature.PAGE_TABLES: (MemoryClass.PAGE_TABLES,),
    Signature.PERCPU: (MemoryClass.PERCPU,),
    Signature.USER_SPACE: (MemoryClass.ANON, MemoryClass.SHMEM),
}


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The caller's facts, split: commands to repeat the run, and versions of what took part."""

    commands: tuple[tuple[str, str], ...]
    versions: tuple[tuple[str, str], ...]


def split_facts(facts: Mapping[str, str]) -> Facts:
    """Split ``facts``: a key whose first word is ``command`` holds a command, others a version.

    The rest of a command's key is its label: ``"command: this cell alone"``.
    """
    commands: list[tuple[str, str]] = []
    versions: list[tuple[str, str]] = []
    for key, value in facts.items():
        head = key[: len("command")].lower()
        tail = key[len("command") :]
        if head == "command" and not tail[:1].isalnum():
            commands.append((tail.strip(" :_-."), value))
        else:
            versions.append((key, value))
    return Facts(commands=tuple(commands), versions=tuple(versions))


def finite(value: float | None) -> float | None:
    """Return ``value``, or None where it is no finite number."""
    return value if value is not None and math.isfinite(value) else None


def number(value: float | None) -> str:
    """Return a rate in KiB as a reader needs it: whole KiB, one decimal below ten, ``-`` for none.

    >>> number(2400.4), number(-0.04), number(None)
    ('2400', '0.0', '-')
    """
    known = finite(value)
    if known is None:
        return "-"
    text = f"{known:.0f}" if abs(known) >= 10 else f"{known:.1f}"
    return "0.0" if text == "-0.0" else text


def interval(ci: tuple[float, float] | None) -> str:
    """Return a 95 % interval in brackets, or nothing where there is none."""
    if ci is None or finite(ci[0]) is None or finite(ci[1]) is None:
        return ""
    return f"[{number(ci[0])}, {number(ci[1])}]"


def rate(value: float | None, ci: tuple[float, float] | None) -> str:
    """Return a rate with its interval: ``2400 [2388, 2413]``."""
    return f"{number(value)} {interval(ci)}".rstrip()


def scalar(value: Scalar) -> str:
    """Return a value of a workload's parameters or facts; truth in words, floats short."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def varying(cells: Sequence[Cell]) -> tuple[Axis, ...]:
    """Return the axes that tell ``cells`` apart (all of them when there is nothing to tell)."""
    axes = tuple(axis for axis in Axis if len({cell.value(axis) for cell in cells}) > 1)
    return axes or tuple(Axis)


def common(cells: Sequence[Cell]) -> tuple[tuple[Axis, str], ...]:
    """Return what all ``cells`` share: the axes that ``varying`` leaves out, with their value."""
    axes = varying(cells)
    return tuple((axis, cells[0].value(axis)) for axis in Axis if cells and axis not in axes)


def worst_first(cells: Sequence[CellVerdict]) -> list[CellVerdict]:
    """Return ``cells`` by severity; cells of one severity keep their order."""
    return sorted(cells, key=lambda cell: SEVERITY.index(cell.verdict))


def never_ran(findings: RunVerdicts, scenario: Scenario) -> tuple[Cell, ...]:
    """Return the planned cells that the findings say nothing of."""
    seen = {verdict.cell for verdict in findings.cells}
    return tuple(cell for cell in scenario.cells if cell not in seen)


def not_judged(findings: RunVerdicts, scenario: Scenario | None) -> list[str]:
    """Return all that was not judged, a line each.

    Those are the unproven cells, the planned ones without any verdict (with a scenario), and the
    tests of fstests that did not run.
    """
    unproven = [
        f"{verdict.cell.id}: {verdict.because}"
        for verdict in findings.cells
        if verdict.verdict is Verdict.UNPROVEN
    ]
    planned = never_ran(findings, scenario) if scenario else ()
    return [*unproven, *(f"{cell.id}: planned, not run" for cell in planned), *_not_run(findings)]


def _not_run(findings: RunVerdicts) -> list[str]:
    """Return a line for each cell in which tests of fstests did not run, or nobody knows."""
    said = []
    for cell, tests in findings.tests.items():
        for status in (CheckStatus.NOT_RUN, CheckStatus.EXPUNGED, CheckStatus.LOST):
            names = [str(test.id) for test in tests if test.status is status]
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            if names:
                said.append(f"{cell.id}: {status.value}: {', '.join(names[:_NAMED])}{more}")
    return said


def counts(findings: RunVerdicts, scenario: Scenario) -> str:
    """Return how many cells have which verdict, worst first: ``7 cells: 2 leak, 5 clean``."""
    missing = len(never_ran(findings, scenario))
    total = len(findings.cells) + missing
    parts = [
        f"{count} {verdict.value}"
        for verdict in SEVERITY
        if (count := sum(cell.verdict is verdict for cell in findings.cells))
    ]
    parts += [f"{missing} not run"] if missing else []
    return f"{total} cell{'' if total == 1 else 's'}: {', '.join(parts) or 'none'}"


def headline(findings: RunVerdicts, scenario: Scenario) -> str:
    """Return what was found, in a few words for a subject: ``leak in 2, surge in 1 of 7 cells``."""
    total = len(findings.cells) + len(never_ran(findings, scenario))
    open_ = total - sum(cell.verdict is not Verdict.UNPROVEN for cell in findings.cells)
    found = [
        f"{verdict.value} in {count}"
        for verdict in SEVERITY[:3]
        if (count := sum(cell.verdict is verdict for cell in findings.cells))
    ]
    words = f"{', '.join(found) or 'nothing found'} {'of' if found else 'in'} {total} cells"
    return f"{words}, {open_} not judged" if open_ else words


def standing(verdict: CellVerdict) -> str:
    """Return a verdict, with the outcome where it did not simply pass: ``broken (hung)``."""
    if verdict.outcome is Outcome.PASSED:
        return verdict.verdict.value
    return f"{verdict.verdict.value} ({verdict.outcome.value})"


def matters(value: bool | None) -> str:
    """Return a factor's standing in one word or two."""
    return {True: "matters", False: "acquitted", None: "cannot tell"}[value]


def carrier(verdict: CellVerdict) -> MemoryClass:
    """Return the class of memory that carries ``verdict``; ``USED`` unless it is a leak."""
    if verdict.verdict is not Verdict.LEAK:
        return MemoryClass.USED
    wanted = _CARRIER.get(verdict.signature, ()) if verdict.signature else ()
    grew = [name for name, found in verdict.classes.items() if found.grew]
    known = [name for name in wanted if name in verdict.classes or name in verdict.floors]
    candidates = [name for name in known if name in grew] or known
    candidates = candidates or [name for name in grew if name is not MemoryClass.USED]
    return max(candidates, key=lambda name: _rate_of(verdict, name), default=MemoryClass.USED)


def grown(verdict: CellVerdict) -> list[tuple[MemoryClass, ClassRate]]:
    """Return the classes that grew, fastest first; the sum of all, ``USED``, comes last."""
    found = [(name, of) for name, of in verdict.classes.items() if of.grew]
    return sorted(
        found, key=lambda item: (item[0] is MemoryClass.USED, -(finite(item[1].rate_kib) or 0.0))
    )


def level(verdict: CellVerdict) -> list[tuple[MemoryClass, ClassRate]]:
    """Return the classes that did not grow, in the model's order."""
    return [
        (name, verdict.classes[name])
        for name in MemoryClass
        if name in verdict.classes and not verdict.classes[name].grew
    ]


def top_of(found: ClassRate) -> str:
    """Return what inside a class grew most: ``btrfs_inode +120, kmalloc-64 +8 KiB``."""
    return ", ".join(f"{name} {number(kib)}" for name, kib in found.top[:3])


def was_broken(verdict: CellVerdict) -> bool:
    """Return whether something broke in this cell, so that its kernel log is worth a look."""
    return (
        verdict.incident is not None
        or verdict.verdict is Verdict.BROKEN
        or verdict.outcome in {Outcome.OOM, Outcome.HUNG, Outcome.CRASHED, Outcome.CORRUPT}
    )


def _rate_of(verdict: CellVerdict, name: MemoryClass) -> float:
    found = verdict.classes.get(name)
    return (finite(found.rate_kib) or 0.0) if found else 0.0
