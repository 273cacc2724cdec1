"""Objects that nothing points to: kmemleak.

Format: Documentation/dev-tools/kmemleak.rst.
"""

from __future__ import annotations

import re
from collections import Counter

from anyclue.hunt.probes.core.model import Frame, StackEvidence
from anyclue.hunt.probes.core.probe import (
    Measurement,
    Probe,
    ProbeData,
    Residue,
    require_files,
    scratch,
    send,
    shell,
)
from anyclue.hunt.probes.core.symbols import parse_stack
from anyclue.model.scenario import DebugOption
from anyclue.model.verdict import Signature

FILE = "/sys/kernel/debug/kmemleak"
RAW = "kmemleak"
GRACE_S = 6
"""Objects younger than 5 s are not reported, and one scan alone is often wrong."""

_HEAD = re.compile(r"^unreferenced object 0x[0-9a-f]+ \(size (\d{1,12})\):$", re.ASCII)
_OFF = re.compile(r"kmemleak: .*\bdisabled\b")


def leaks(text: str) -> dict[tuple[tuple[Frame, ...], int], int]:
    """Return the number of unreferenced objects, by stack and size in bytes."""
    found: Counter[tuple[tuple[Frame, ...], int]] = Counter()
    size, lines = 0, list[str]()
    for line in (*text.splitlines(), "unreferenced object 0x0 (size 0):"):
        head = _HEAD.match(line)
        if head is None:
            lines.append(line)
            continue
        if size:
            found[parse_stack(lines), size] += 1
        size, lines = int(head[1]), []
    return dict(found)


def measure(data: ProbeData) -> Measurement:
    """Return what nothing points to, by stack, on average over all rounds."""
    if any(_OFF.search(line.text) for line in data.recording.kernel_log):
        return Measurement(could_not="kmemleak switched itself off: what it says is not trusted")
    rounds = len([one for one in data.recording.rounds if one.floor])
    if RAW not in data.raw and not rounds:
        return Measurement(could_not="kmemleak's report did not come home")
    found = leaks(data.raw.get(RAW, b"").decode(errors="replace"))
    return Measurement(
        residues=tuple(
            Residue(
                what=StackEvidence.OBJECT,
                signature=Signature.OBJECT,
                subject=f"{size} bytes",
                frames=frames,
                counts=(number / rounds,),
                kib=(number * size / 1024 / rounds,),
            )
            for (frames, size), number in found.items()
        ),
        rounds=rounds,
    )


KMEMLEAK = Probe(
    name="kmemleak",
    summary="slab and vmalloc objects that nothing points to, by the stack that allocated them",
    needs=f'{FILE} (CONFIG_DEBUG_KMEMLEAK, not switched off: `debug = ["kmemleak"]`)',
    debug=DebugOption.KMEMLEAK,
    costs="a record of every object; a scan of all memory, twice, 6 s apart",
    cannot_see="pages, raw or of the page cache; objects that something still points to",
    unit="objects",
    signatures=frozenset({Signature.OBJECT, Signature.VMALLOC, Signature.PERCPU}),
    available=require_files(FILE) + "\n"
    f"echo scan=off >{FILE} || {{ echo 'kmemleak is switched off'; exit 1; }}",
    start=lambda _: (shell(f"echo scan >{FILE}\necho clear >{FILE}"),),
    collect=(
        shell(f"echo scan >{FILE}\nsleep {GRACE_S}\necho scan >{FILE}\nsleep {GRACE_S}"),
        shell(f"echo scan >{FILE}\ncat {FILE} >{scratch(RAW)}"),
        send(RAW, scratch(RAW)),
    ),
    measure=measure,
)
