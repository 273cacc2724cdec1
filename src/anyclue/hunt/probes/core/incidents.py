"""The first report of the kernel's that something broke, and its stack."""

from __future__ import annotations

import re

from anyclue.hunt.probes.core.model import StackEvidence
from anyclue.hunt.probes.core.probe import Measurement, Probe, ProbeData, Residue
from anyclue.hunt.probes.core.symbols import parse_stack
from anyclue.model.verdict import Signature

_END = re.compile(r"---\[ end (?:trace|Kernel panic)")
_MAPPING = re.compile(r"\b_*k(?:un)?map(?:_high|_local\w*|_atomic\w*)?\+0x", re.ASCII)


def measure(data: ProbeData) -> Measurement:
    """Return the incident, with the functions that it names, in the order of its text."""
    incident = data.recording.incident
    if incident is None:
        return Measurement(rounds=len(data.recording.rounds))
    text = _END.split(incident.text)[0]
    signature = Signature.KMAP_SLOTS if _MAPPING.search(text) else None
    residue = Residue(
        what=StackEvidence.INCIDENT,
        signature=signature,
        subject=f"{incident.kind}: {incident.title}",
        frames=parse_stack(text.splitlines()),
        counts=(1.0,),
        kib=(0.0,),
    )
    return Measurement(residues=(residue,), rounds=1)


INCIDENTS = Probe(
    name="incidents",
    summary="the first BUG, oops, WARN, lockdep or hung-task report, with file and line",
    needs="nothing",
    costs="nothing",
    cannot_see="what the kernel does not report; reports after the first",
    unit="reports",
    did="came",
    signatures=frozenset({None, Signature.KMAP_SLOTS}),
    measure=measure,
    crash_tells=True,
)
