"""Who owns the pages that stay: the kernel's own books, with ``page_owner=on``.

Format: Documentation/mm/page_owner.rst, mm/page_owner.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from anyclue.hunt.probes.core.model import Frame, StackEvidence
from anyclue.hunt.probes.core.page_allocations import MOST_ORDER, PAGE_KIB
from anyclue.hunt.probes.core.probe import (
    FILE_MAX,
    Measurement,
    Probe,
    ProbeData,
    Residue,
    require_files,
    send,
)
from anyclue.hunt.probes.core.rounds import TOO_FEW_ROUNDS, spans
from anyclue.hunt.probes.core.symbols import parse_stack
from anyclue.model.scenario import DebugOption
from anyclue.model.verdict import Signature

FILE = "/sys/kernel/debug/page_owner"
RAW = "page-owner"
_HEAD = re.compile(r"^Page allocated via order (\d{1,3}), .*?\bts (\d{1,19}) ns", re.ASCII)


def owners(text: str) -> Iterator[tuple[tuple[Frame, ...], int, float]]:
    """Give each allocated block: stack, time (ns since boot), pages."""
    for block in text.split("\n\n"):
        lines = block.splitlines()
        head = _HEAD.match(lines[0]) if lines else None
        if head and int(head[1]) <= MOST_ORDER:
            yield parse_stack(lines[1:]), int(head[2]), float(1 << int(head[1]))


def measure(data: ProbeData) -> Measurement:
    """Return what stayed, by stack."""
    counted = spans(data.recording)
    if not counted.count:
        return Measurement(could_not=TOO_FEW_ROUNDS)
    raw = data.raw.get(RAW, b"")
    if not raw:
        return Measurement(could_not=f"{FILE} did not come home")
    by_stack = counted.by_round(owners(raw.decode(errors="replace")))
    return Measurement(
        residues=tuple(
            Residue(
                what=StackEvidence.ALLOCATION,
                signature=None,
                frames=frames,
                counts=counts,
                kib=tuple(count * PAGE_KIB for count in counts),
            )
            for frames, counts in by_stack.items()
        ),
        rounds=counted.count,
        lost={"bytes beyond the limit": 1} if len(raw) >= FILE_MAX else {},
    )


PAGE_OWNER = Probe(
    name="page-owner",
    summary="pages that stay, by the stack that allocated them, from the kernel's own books",
    needs=f'{FILE} (CONFIG_PAGE_OWNER and page_owner=on: `debug = ["page_owner"]`)',
    debug=DebugOption.PAGE_OWNER,
    costs="a stack kept for every page, from boot on",
    cannot_see="who holds a page that was allocated innocently",
    unit="pages",
    signatures=frozenset({Signature.PAGE_CACHE_REFERENCE, Signature.RAW_PAGES}),
    available=require_files(FILE),
    collect=(send(RAW, FILE),),
    measure=measure,
)
