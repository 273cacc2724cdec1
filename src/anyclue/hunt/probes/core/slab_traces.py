"""Who allocated the slab objects that stay: the kernel's own books, with ``slab_debug=U``."""

from __future__ import annotations

import re
from collections import Counter
from string import ascii_lowercase

from anyclue.hunt.probes.core.model import Frame, StackEvidence
from anyclue.hunt.probes.core.probe import (
    SNAPSHOT_MARK,
    Measurement,
    Probe,
    ProbeData,
    Residue,
    require_files,
    scratch,
    send,
    shell,
    snapshots,
)
from anyclue.hunt.probes.core.rounds import TOO_FEW_FLOORS, rises
from anyclue.hunt.probes.core.slab_growth import SLABINFO
from anyclue.hunt.probes.core.symbols import parse_frame, parse_stack
from anyclue.model.verdict import Signature

TRACES = "alloc-traces"
DIRECTORY = "/sys/kernel/debug/slab"
SIZES = "/sys/kernel/slab"
_HEAD = re.compile(r"^ {0,12}(\d{1,12}) (?:\S.*)$", re.ASCII)
_CACHE = "cache "
_NAME = re.compile(rf"^{_CACHE}(\S+) (\d{{1,9}})$", re.MULTILINE | re.ASCII)

Books = dict[tuple[str, tuple[Frame, ...]], float]
"""Objects by cache and stack."""


def books(text: str) -> Books:
    """Read ``alloc_traces`` files, each behind a line ``cache NAME SIZE``."""
    found: Counter[tuple[str, tuple[Frame, ...]]] = Counter()
    cache, count, lines = "", 0, list[str]()

    def close() -> None:
        if count and lines:
            found[cache, parse_stack(lines)] += count

    for line in text.splitlines():
        head = _HEAD.match(line)
        if begin := _NAME.match(line):
            close()
            cache, count, lines = begin[1], 0, []
        elif head:
            close()
            # The place that asked stands first; the stack below it, where there is one, has it too.
            count, lines = int(head[1]), [line]
        elif count and line.strip() and parse_frame(line):
            lines = [line] if len(lines) == 1 and _HEAD.match(lines[0]) else [*lines, line]
    close()
    return {key: float(number) for key, number in found.items()}


def measure(data: ProbeData) -> Measurement:
    """Return what was added, by cache and stack, in caches that grew in every round."""
    texts = snapshots(data.raw.get(TRACES, b""))
    if len(texts) < 3:
        return Measurement(could_not=TOO_FEW_FLOORS)
    # What a cache held where it was not read is not known.
    sizes = [dict(_NAME.findall(text)) for text in texts[1:]]
    grew = set(sizes[0]).intersection(*sizes)
    floors = [
        {key: count for key, count in books(text).items() if key[0] in grew} for text in texts[1:]
    ]
    return Measurement(
        residues=tuple(
            Residue(
                what=StackEvidence.OBJECT,
                signature=Signature.OBJECT,
                subject=cache,
                frames=frames,
                counts=counts,
                kib=tuple(count * int(sizes[0][cache]) / 1024 for count in counts),
            )
            for (cache, frames), counts in rises(floors).items()
        ),
        rounds=len(floors) - 1,
    )


# The books of all caches are long, and slow to read: those that grew since the floor before are
# enough.
_GREW = f"""\
before={scratch("before")} now={scratch("now")}
cp $now $before 2>/dev/null || : >$before
cp /proc/{SLABINFO} $now
[ -s $before ] || exit 0
awk 'NR == FNR {{ was[$1] = $2; next }} $2 > was[$1] {{ print $1 }}' $before $now |
while read -r cache; do
	[ -e "{DIRECTORY}/$cache/alloc_traces" ] || continue
	echo "{_CACHE}$cache $(cat {SIZES}/$cache/object_size)"
	cat "{DIRECTORY}/$cache/alloc_traces"
done"""
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
    available=require_files(f"{DIRECTORY}/*/alloc_traces"),
    floor=(
        shell(f"exec >{scratch(TRACES)}\necho '{SNAPSHOT_MARK}'\n{_GREW}"),
        send(TRACES, scratch(TRACES)),
    ),
    measure=measure,
)
