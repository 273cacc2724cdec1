"""What each line of the kernel's source has allocated: /proc/allocinfo.

Format: Documentation/filesystems/proc.rst, Documentation/mm/allocation-profiling.rst.
"""

from __future__ import annotations

import re

from anyclue.hunt.probes.core.model import Frame, SourceLocation, StackEvidence
from anyclue.hunt.probes.core.probe import (
    Measurement,
    Probe,
    ProbeData,
    Residue,
    require_files,
    snapshot,
    snapshots,
)
from anyclue.hunt.probes.core.rounds import TOO_FEW_FLOORS, rises
from anyclue.model.verdict import Signature

INFO = "allocinfo"
SWITCH = "/proc/sys/vm/mem_profiling"
_TAG = re.compile(
    r"^ *(\d{1,18}) +(\d{1,18}) (\S+):(\d{1,7}) (?:\[(\w+)\] )?func:(\w+)", re.MULTILINE | re.ASCII
)
Tag = tuple[str, int, str | None, str]


def tags(text: str) -> tuple[dict[Tag, float], dict[Tag, float]]:
    """Return allocations, and their bytes, by file, line, module and function."""
    counts: dict[Tag, float] = {}
    sizes: dict[Tag, float] = {}
    for size, calls, file, line, module, function in _TAG.findall(text):
        tag = (file, int(line), module or None, function)
        counts[tag] = counts.get(tag, 0.0) + int(calls)
        sizes[tag] = sizes.get(tag, 0.0) + int(size)
    return counts, sizes


def measure(data: ProbeData) -> Measurement:
    """Return what was added, by line."""
    floors = [tags(text) for text in snapshots(data.raw.get(INFO, b""))]
    if len(floors) < 3:
        return Measurement(could_not=TOO_FEW_FLOORS)
    sizes = rises([size for _, size in floors])
    return Measurement(
        residues=tuple(
            Residue(
                what=StackEvidence.ALLOCATION,
                signature=None,
                frames=(_frame(tag),),
                counts=counts,
                kib=tuple(size / 1024 for size in sizes.get(tag, (0.0,) * len(counts))),
            )
            for tag, counts in rises([count for count, _ in floors]).items()
        ),
        rounds=len(floors) - 1,
    )


def _frame(tag: Tag) -> Frame:
    file, line, module, function = tag
    place = SourceLocation(function=function, file=file, line=line)
    return Frame(symbol=function, module=module, places=(place,))


ALLOCATION_TAGS = Probe(
    name="allocation-tags",
    summary="what stays, by the line of the source that allocated it",
    needs=f"/proc/{INFO} (CONFIG_MEM_ALLOC_PROFILING, 6.10 and later), switched on by {SWITCH}",
    costs="a counter for each allocation",
    cannot_see="the callers of that line",
    unit="allocations",
    signatures=frozenset(
        {Signature.RAW_PAGES, Signature.OBJECT, Signature.VMALLOC, Signature.PERCPU}
    ),
    config="CONFIG_MEM_ALLOC_PROFILING",
    available=require_files(f"/proc/{INFO}") + "\n"
    f"echo 1 >{SWITCH} 2>/dev/null || true\n"
    f"[ \"$(cat {SWITCH})\" = 1 ] || {{ echo '{SWITCH} cannot be switched on'; exit 1; }}",
    floor=snapshot(INFO, f"/proc/{INFO}"),
    measure=measure,
)
