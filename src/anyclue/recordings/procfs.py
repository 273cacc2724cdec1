"""Counters from the text of /proc files. Parsers return what they could read, and never raise.

Formats: Documentation/filesystems/proc.rst; mm/slab_common.c for slabinfo, mm/vmalloc.c for
vmallocinfo, mm/vmstat.c for zoneinfo.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

PAGE_KIB = 4

# A line counts only with its end: what was cut short could have lost digits. No number is longer
# than 64 bits.
_MEMINFO = re.compile(r"^([A-Za-z][\w()]*): +(\d{1,20})(?: kB)?\n", re.MULTILINE | re.ASCII)
_VMSTAT = re.compile(r"^([a-z]\w*) (-?\d{1,20})\n", re.MULTILINE | re.ASCII)
_PCP_COUNT = re.compile(r"^ +count: +(\d{1,20})\n", re.MULTILINE | re.ASCII)
_SLAB = re.compile(
    r"^(\S+) +(\d{1,20}) +(\d{1,20}) +(\d{1,20}) +\d+ +\d+ : [^\n]*\n", re.MULTILINE | re.ASCII
)
_VMALLOC = re.compile(
    r"^0x[0-9a-f]+-0x[0-9a-f]+ +(\d{1,20}) ([A-Za-z_][\w.]*)\+0x[^\n]*?\bvm(?:alloc|ap)\b[^\n]*\n",
    re.MULTILINE | re.ASCII,
)
_FACT = re.compile(r"^([a-z]\w{0,40}) (\d{1,18})\n", re.MULTILINE | re.ASCII)


def meminfo(text: str) -> dict[str, float]:
    """``meminfo.NAME`` in KiB (huge page counts: in pages, as the kernel gives them)."""
    return {f"meminfo.{name}": float(value) for name, value in _MEMINFO.findall(text)}


def zoneinfo(text: str) -> dict[str, float]:
    """``pcp.total``: KiB on all per-CPU page lists, which MemFree does not count."""
    counts = _PCP_COUNT.findall(text)
    return {"pcp.total": float(sum(map(int, counts)) * PAGE_KIB)} if counts else {}


def vmstat(text: str) -> dict[str, float]:
    """``vmstat.NAME`` in the kernel's own unit (pages or events)."""
    return {f"vmstat.{name}": float(value) for name, value in _VMSTAT.findall(text)}


def slabinfo(text: str) -> dict[str, float]:
    """``slab_objects.CACHE`` (active objects) and ``slab_kib.CACHE`` (KiB of all its objects)."""
    counters: dict[str, float] = {}
    for name, active, total, size in _SLAB.findall(text):
        counters[f"slab_objects.{name}"] = float(active)
        counters[f"slab_kib.{name}"] = int(total) * int(size) / 1024
    return counters


def vmallocinfo(text: str) -> dict[str, float]:
    """``vmalloc_kib.CALLER``: KiB mapped, summed by the function that asked."""
    sums: Counter[str] = Counter()
    for size, caller in _VMALLOC.findall(text):
        sums[f"vmalloc_kib.{caller}"] += int(size)
    return {name: value / 1024 for name, value in sums.items()}


PARSERS: Mapping[str, Callable[[str], dict[str, float]]] = {
    "meminfo": meminfo,
    "zoneinfo": zoneinfo,
    "vmstat": vmstat,
    "slabinfo": slabinfo,
    "vmallocinfo": vmallocinfo,
}


def facts(text: str) -> Iterator[tuple[str, int]]:
    """Lines ``NAME NUMBER``, as the workloads print what they did."""
    for name, value in _FACT.findall(text):
        yield name, int(value)
