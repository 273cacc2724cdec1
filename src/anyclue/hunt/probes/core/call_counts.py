"""Calls that acquire and calls that release, counted by caller: which are made more, which less."""

from __future__ import annotations

import re

from anyclue.hunt.probes.core.model import StackEvidence
from anyclue.hunt.probes.core.probe import (
    SNAPSHOT_MARK,
    TRACEFS,
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
from anyclue.hunt.probes.core.rounds import rises
from anyclue.model.verdict import Signature

RAW = "calls"
GROUP = "anyclue_calls"
ACQUIRE = (
    *("igrab", "ihold", "iget_locked", "iget5_locked", "btrfs_iget", "dget_parent"),
    *("alloc_extent_map", "btrfs_alloc_extent_map", "lookup_extent_mapping"),
    *("btrfs_lookup_extent_mapping", "btrfs_get_extent", "alloc_extent_buffer"),
    *("find_extent_buffer", "btrfs_alloc_path", "btrfs_get_block_group", "btrfs_get_fs_root"),
    *("btrfs_lookup_ordered_extent", "btrfs_lookup_first_ordered_extent", "bio_alloc_bioset"),
    *("__find_get_block", "__alloc_pages", "__alloc_pages_bulk", "vmalloc", "kvmalloc_node"),
)
RELEASE = (
    *("iput", "dput", "fput", "free_extent_map", "btrfs_free_extent_map", "free_extent_buffer"),
    *(
        "btrfs_add_delayed_iput",
        "free_extent_buffer_stale",
        "btrfs_free_path",
        "btrfs_put_block_group",
        "btrfs_put_root",
    ),
    *("btrfs_put_ordered_extent", "btrfs_put_transaction", "free_extent_state", "ulist_free"),
    *("bio_put", "__brelse", "__free_pages", "free_pages", "release_pages", "__pagevec_release"),
    *("__folio_put", "put_pages_list", "path_put", "mntput", "vfree", "kvfree", "free_percpu"),
)
"""Functions whose callers are counted, those that a kernel has: many helpers are inlined away."""

TRACEPOINTS = {
    "kmalloc": False,
    "kmem_cache_alloc": False,
    "kfree": True,
    "kmem_cache_free": True,
}
"""Events of ``kmem`` with the place of the call, and whether it releases."""

RELEASES = frozenset(RELEASE) | {name for name, releases in TRACEPOINTS.items() if releases}

_NAME = re.compile(r"^event (\w+)$", re.ASCII)
_ROW = re.compile(r"^\{ \w+: *([0-9a-f]{1,16}) *\} hitcount: +(\d{1,18})", re.ASCII)
_DROPPED = re.compile(r"^ +Dropped: (\d{1,18})$", re.ASCII)


def counts(text: str) -> tuple[dict[tuple[str, int], float], int]:
    """Read ``hist`` files, each behind a line ``event NAME``: calls by name and return address.

    Also returned: how many calls found no room in a table.
    """
    found: dict[tuple[str, int], float] = {}
    name, dropped = "", 0
    for line in text.splitlines():
        if head := _NAME.match(line):
            name = head[1]
        elif row := _ROW.match(line):
            found[name, int(row[1], 16)] = float(row[2])
        elif lost := _DROPPED.match(line):
            dropped += int(lost[1])
    return found, dropped


def measure(data: ProbeData) -> Measurement:
    """Return how often each caller called in each round."""
    seen = [counts(text) for text in snapshots(data.raw.get(RAW, b""))]
    if not seen:
        return Measurement(could_not="no round got far enough")
    calls = rises([{}, *(calls for calls, _ in seen)])
    return Measurement(
        residues=tuple(_residue(name, address, rise) for (name, address), rise in calls.items()),
        rounds=len(seen),
        lost={"calls without room in a table": seen[-1][1]} if seen[-1][1] else {},
    )


def _residue(name: str, address: int, rise: tuple[float, ...]) -> Residue:
    return Residue(
        what=StackEvidence.CALL,
        signature=None,
        subject=name,
        stack=(address,),
        counts=rise,
        kib=(0.0,) * len(rise),
        released=name in RELEASES,
    )


_FUNCTIONS = "\n".join((*ACQUIRE, *RELEASE))
# The kernel takes a second to list its functions: once. Functions that sleep may be in many calls
# at a time: each needs a place to return through.
_START = f"""\
cat >{scratch("wanted")} <<'END'
{_FUNCTIONS}
END
cd {TRACEFS}
awk 'NR == FNR {{ wanted[$1] = 1; next }} ($3 in wanted) && tolower($2) == "t" {{ print $3 }}' \\
	{scratch("wanted")} /proc/kallsyms | sort -u | while read -r function; do
	echo "r64:{GROUP}/$function $function" >>kprobe_events 2>/dev/null || continue
	echo 'hist:keys=__probe_ret_ip.hex:size=4096' >events/{GROUP}/$function/trigger
done
for event in {" ".join(TRACEPOINTS)}; do
	echo 'hist:keys=call_site.hex:size=8192' >events/kmem/$event/trigger
done"""
_LOOK = f"""\
exec >{scratch(RAW)}
echo '{SNAPSHOT_MARK}'
cd {TRACEFS}/events
for hist in {GROUP}/*/hist {" ".join(f"kmem/{event}/hist" for event in TRACEPOINTS)}; do
	event=${{hist%/hist}}
	echo "event ${{event#*/}}"
	cat $hist
done"""

CALL_COUNTS = Probe(
    name="call-counts",
    summary="calls that acquire made more often, calls that release made less often, by caller",
    needs="kprobe events and histograms of events (CONFIG_KPROBE_EVENTS, CONFIG_HIST_TRIGGERS), "
    "and an innocent cell beside it",
    costs="a detour at every return of some dozens of functions",
    cannot_see="references that are taken and put inline; and what differs because the cells do "
    "other work is no fault",
    unit="calls",
    did="were made",
    signatures=frozenset(
        {None, Signature.OBJECT, Signature.PAGE_CACHE_REFERENCE, Signature.RAW_PAGES}
    ),
    available=require_files(f"{TRACEFS}/kprobe_events", f"{TRACEFS}/events/kmem/kfree/hist"),
    start=lambda _: (shell(_START),),
    settled=(shell(_LOOK), send(RAW, scratch(RAW))),
    measure=measure,
    needs_innocent=True,
    crash_tells=True,
)
