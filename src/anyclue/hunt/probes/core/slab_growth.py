"""Which slab cache grows, by objects, from floor to floor."""

from __future__ import annotations

import re

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
from anyclue.model.verdict import Signature

SLABINFO = "slabinfo"
_CACHE = re.compile(r"^(\S+) +(\d{1,12}) +\d{1,12} +(\d{1,9}) ", re.MULTILINE | re.ASCII)


def caches(text: str) -> dict[str, tuple[float, float]]:
    """Return active objects and bytes of one object, by cache, from /proc/slabinfo."""
    return {name: (float(active), float(size)) for name, active, size in _CACHE.findall(text)}


def measure(data: ProbeData) -> Measurement:
    """Return what was added, by cache."""
    floors = [caches(text) for text in snapshots(data.raw.get(SLABINFO, b""))]
    if len(floors) < 3:
        return Measurement(could_not=TOO_FEW_FLOORS)
    sizes = {name: size for floor in floors for name, (_, size) in floor.items()}
    added = rises([{name: active for name, (active, _) in floor.items()} for floor in floors])
    return Measurement(
        residues=tuple(
            Residue(
                what=StackEvidence.OBJECT,
                signature=Signature.OBJECT,
                subject=name,
                counts=counts,
                kib=tuple(count * sizes[name] / 1024 for count in counts),
            )
            for name, counts in added.items()
        ),
        rounds=len(floors) - 1,
    )


SLAB_GROWTH = Probe(
    name="slab-growth",
    summary="which slab cache has more objects after every round",
    needs="/proc/slabinfo (CONFIG_SLUB_DEBUG)",
    costs="nothing between the floors",
    cannot_see="who allocated an object; caches that are merged show under one name",
    unit="objects",
    signatures=frozenset({Signature.OBJECT}),
    available=require_files(f"/proc/{SLABINFO}"),
    floor=snapshot(SLABINFO, f"/proc/{SLABINFO}"),
    measure=measure,
)
