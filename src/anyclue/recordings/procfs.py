"""Counters from the text of /proc files. Parsers return what they could read, and never raise.

Formats: Documentation/filesystems/proc.rst; mm/slab_common.c for slabinfo, mm/vmalloc.c for
vmallocinfo, mm/vmstat.c for zoneinfo, wq_worker_comm() in kernel/workqueue.c for names of threads.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

PAGE_KIB = 4
SLAB_OBJECTS = "slab_objects."

# A line counts only with its end: what was cut short could have lost digits. No number is longer
# than 64 bits.
_MEMINFO = re.compile(r"^([A-Za-z][\w()]*): +(\d{1,20})(?: kB)?\n", re.MULTILINE | re.ASCII)
_VMSTAT = re.compile(r"^([a-z]\w*) (-?\d{1,20})\n", re.MULTILINE | re.ASCII)
_PCP_COUNT = re.compile(r"^ +count: +(\d{1,20})\n", re.MULTILINE | re.ASCII)
_SLAB = re.compile(
    r"^(\S+) +(\d{1,20}) +(\d{1,20}) +(\d{1,20}) +(\d{1,9}) +\d+ : [^\n]*\n",
    re.MULTILINE | re.ASCII,
)
_VMALLOC = re.compile(
    r"^0x[0-9a-f]+-0x[0-9a-f]+ +(\d{1,20}) ([A-Za-z_][\w.]*)\+0x([^\n]*)\n",
    re.MULTILINE | re.ASCII,
)
_VMALLOC_PAGES = re.compile(r"\bvm(?:alloc|ap)\b", re.ASCII)
_MOUNT = re.compile(r"^[^ \n]+ [^ \n]+ ([\w.-]{1,64}) [^\n]*\n", re.MULTILINE | re.ASCII)
_THREAD = re.compile(r"^([!-~]{1,64})\n", re.MULTILINE | re.ASCII)
_RESCUER = "kworker/R-"
_INSTANCE = re.compile(r"/.*|(?:[-_:]?\d+)+$", re.ASCII)
_LINK = re.compile(r"^([!-~]{1,64}) ([!-.0-~]{1,64})\n", re.MULTILINE | re.ASCII)
_POOL = re.compile(r"^([a-z][a-z0-9_]{0,40}) (\d{1,18})\n", re.MULTILINE | re.ASCII)
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
    for name, active, total, size, _ in _SLAB.findall(text):
        counters[f"{SLAB_OBJECTS}{name}"] = float(active)
        counters[f"slab_kib.{name}"] = int(total) * int(size) / 1024
    return counters


def slab_grains(text: str) -> dict[str, float]:
    """``slab_grain.CACHE``: the objects of a slab, where all objects of a cache are active.

    That may be so because a CPU holds its last slab, of which the free objects count as active.
    """
    return {
        f"slab_grain.{name}": float(of_slab)
        for name, active, total, _, of_slab in _SLAB.findall(text)
        if int(active) == int(total) > 0 and int(of_slab) > 1
    }


def vmallocinfo(text: str) -> dict[str, float]:
    """``vmalloc_kib.CALLER`` (KiB of pages) and ``vmalloc_areas.CALLER``, by who asked for them.

    An area of ``ioremap`` has no pages. One that is free, but not yet given back, has no caller.
    """
    areas: Counter[str] = Counter()
    size: Counter[str] = Counter()
    for length, caller, rest in _VMALLOC.findall(text):
        areas[f"vmalloc_areas.{caller}"] += 1
        if _VMALLOC_PAGES.search(rest):
            size[f"vmalloc_kib.{caller}"] += int(length)
    return {name: float(count) for name, count in areas.items()} | {
        name: length / 1024 for name, length in size.items()
    }


def pools(text: str) -> dict[str, float]:
    """``pool.NAME``: KiB of free pages that a module keeps for itself, which MemFree misses."""
    return {f"pool.{name}": float(int(pages) * PAGE_KIB) for name, pages in _POOL.findall(text)}


def mounts(text: str) -> dict[str, float]:
    """``mounts.FSTYPE``: how many are mounted."""
    return _counts("mounts", _MOUNT.findall(text))


def threads(text: str) -> dict[str, float]:
    """``threads.NAME``: threads of the kernel, by name; one of many has no number.

    ``kworker/0:1-events`` is a ``kworker``, ``jbd2/vdb-8`` a ``jbd2``; ``kworker/R-NAME`` stands
    for a work queue.
    """
    return _counts("threads", map(_thread, _THREAD.findall(text)))


def _thread(name: str) -> str:
    return name if name.startswith(_RESCUER) else _INSTANCE.sub("", name) or name


def _counts(source: str, names: Iterable[str]) -> dict[str, float]:
    return {f"{source}.{name}": float(count) for name, count in Counter(names).items()}


def merged_caches(text: str, counted: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return for each slab cache, by the name it is ``counted`` under, its other names.

    ``text`` has a line ``NAME TARGET`` for each link in /sys/kernel/slab: the kernel merges caches
    whose objects are alike, and keeps the names.
    """
    shared: dict[str, list[str]] = {}
    for name, target in _LINK.findall(text):
        shared.setdefault(target, []).append(name)
    merged = {}
    for target, names in shared.items():
        members = {*names, *([] if target.startswith(":") else [target])}
        for name in members.intersection(counted):
            merged[name] = tuple(sorted(members - {name}))
    return {name: others for name, others in sorted(merged.items()) if others}


PARSERS: Mapping[str, Callable[[str], dict[str, float]]] = {
    "meminfo": meminfo,
    "zoneinfo": zoneinfo,
    "vmstat": vmstat,
    "slabinfo": slabinfo,
    "vmallocinfo": vmallocinfo,
    "pools": pools,
    "mounts": mounts,
    "threads": threads,
}


def facts(text: str) -> Iterator[tuple[str, int]]:
    """Lines ``NAME NUMBER``, as the workloads print what they did."""
    for name, value in _FACT.findall(text):
        yield name, int(value)
