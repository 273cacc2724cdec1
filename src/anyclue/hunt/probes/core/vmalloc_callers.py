"""Who mapped the kernel memory that stays mapped: /proc/vmallocinfo by caller."""

from __future__ import annotations

import re
from collections import Counter

from anyclue.hunt.probes.core.model import StackEvidence
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
from anyclue.hunt.probes.core.symbols import parse_stack
from anyclue.model.verdict import Signature

INFO = "vmallocinfo"
_AREA = re.compile(
    r"^0x[0-9a-f]+-0x[0-9a-f]+ +(\d{1,18}) (\S+\+0x\S+(?: \[\w+\])?)[^\n]*", re.MULTILINE | re.ASCII
)


def areas(text: str) -> tuple[dict[str, float], dict[str, float]]:
    """Return the areas, and their bytes, by caller."""
    count: Counter[str] = Counter()
    size: Counter[str] = Counter()
    for match in _AREA.finditer(text):
        if "vmalloc" in match[0] or "vmap" in match[0]:
            count[match[2]] += 1
            size[match[2]] += int(match[1])
    return {k: float(v) for k, v in count.items()}, {k: float(v) for k, v in size.items()}


def measure(data: ProbeData) -> Measurement:
    """Return what was added, by caller."""
    floors = [areas(text) for text in snapshots(data.raw.get(INFO, b""))]
    if len(floors) < 3:
        return Measurement(could_not=TOO_FEW_FLOORS)
    sizes = rises([size for _, size in floors])
    return Measurement(
        residues=tuple(
            Residue(
                what=StackEvidence.VMALLOC,
                signature=Signature.VMALLOC,
                subject=caller.split("+")[0],
                frames=parse_stack([caller]),
                counts=counts,
                kib=tuple(size / 1024 for size in sizes.get(caller, (0.0,) * len(counts))),
            )
            for caller, counts in rises([count for count, _ in floors]).items()
        ),
        rounds=len(floors) - 1,
    )


VMALLOC_CALLERS = Probe(
    name="vmalloc-callers",
    summary="mapped kernel memory that stays, by the function that asked for it",
    needs=f"/proc/{INFO}",
    costs="nothing between the floors",
    cannot_see="more of the stack than the caller",
    unit="areas",
    signatures=frozenset({Signature.VMALLOC, Signature.KERNEL_STACKS, Signature.PERCPU}),
    available=require_files(f"/proc/{INFO}"),
    floor=snapshot(INFO, f"/proc/{INFO}"),
    measure=measure,
)
