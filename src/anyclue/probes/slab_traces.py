"""Who allocated the slab objects that stay: the kernel's own books, with ``slab_debug=U``."""

from __future__ import annotations

import re
from collections import Counter
from string import ascii_lowercase

from anyclue.model.probe import Evidence, Frame
from anyclue.model.verdict import Signature
from anyclue.probes.looking import TOO_FEW, rises
from anyclue.probes.probe import Gathered, Measured, Probe, Residue
from anyclue.probes.slab_growth import SLABINFO, caches
from anyclue.probes.steps import BETWEEN, look, looks, needed, scratch, send, shell
from anyclue.probes.symbols import printed, printed_stack

TRACES = "alloc-traces"
DIRECTORY = "/sys/kernel/debug/slab"
_HEAD = re.compile(r"^ {0,12}(\d{1,12}) (?:\S.*)$", re.ASCII)
_CACHE = "cache "

Books = dict[tuple[str, tuple[Frame, ...]], float]
"""Objects by cache and stack."""


def books(text: str) -> Books:
    """Read ``alloc_traces`` files, each behind a line ``cache NAME``."""
    found: Counter[tuple[str, tuple[Frame, ...]]] = Counter()
    cache, count, lines = "", 0, list[str]()

    def close() -> None:
        if count and lines:
            found[cache, printed_stack(lines)] += count

    for line in text.splitlines():
        head = _HEAD.match(line)
        if line.startswith(_CACHE):
            close()
            cache, count, lines = line.removeprefix(_CACHE), 0, []
        elif head:
            close()
            # The place that asked stands first; the stack below it, where there is one, has it too.
            count, lines = int(head[1]), [line]
        elif count and line.strip() and printed(line):
            lines = [line] if len(lines) == 1 and _HEAD.match(lines[0]) else [*lines, line]
    close()
    return {key: float(number) for key, number in found.items()}


def measure(gathered: Gathered) -> Measured:
    """Return what was added, by cache and stack."""
    floors = [books(text) for text in looks(gathered.raw.get(TRACES, b""))]
    if len(floors) < 3:
        return Measured(could_not=TOO_FEW)
    sizes = {
        name: size
        for text in looks(gathered.raw.get(SLABINFO, b""))
        for name, (_, size) in caches(text).items()
    }
    return Measured(
        residues=tuple(
            Residue(
                what=Evidence.OBJECT,
                signature=Signature.OBJECT,
                subject=cache,
                frames=frames,
                counts=counts,
                kib=tuple(count * sizes.get(cache, 0.0) / 1024 for count in counts),
            )
            for (cache, frames), counts in rises(floors).items()
        ),
        rounds=len(floors) - 1,
    )


_ALL = (
    f"for cache in {DIRECTORY}/*/alloc_traces; do\n"
    f'echo "{_CACHE}$(basename "${{cache%/alloc_traces}}")"\ncat "$cache"\ndone'
)

# By its older name, which every kernel knows. Not the caches of ACPI ("Acpi-..."): its interpreter
# then takes so long that it gives up, and devices are missing.
_CACHES = ",".join(f"{letter}*" for letter in ascii_lowercase)

SLAB_TRACES = Probe(
    name="slab-traces",
    summary="slab objects that stay, by the stack that allocated them",
    needs=f"{DIRECTORY}/CACHE/alloc_traces (CONFIG_SLUB_DEBUG, debugfs); boots with slub_debug=U",
    costs="every object carries who allocated and freed it, and caches are not merged: more memory "
    "and time for each",
    cannot_see="objects that were allocated as whole pages (over two pages)",
    unit="objects",
    signatures=frozenset({Signature.OBJECT}),
    arguments=f"slub_debug=U,{_CACHES}",
    available=needed(f"{DIRECTORY}/*/alloc_traces"),
    floor=(
        *look(SLABINFO, f"/proc/{SLABINFO}"),
        shell(f"{{ echo '{BETWEEN}'\n{_ALL}\n}} >{scratch(TRACES)}"),
        send(TRACES, scratch(TRACES)),
        shell(f"rm {scratch(TRACES)}"),
    ),
    measure=measure,
)
