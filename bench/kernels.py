"""Measure the hunt on every series of Debian's kernels that the archive has.

    make bench-kernels
    python -m bench.kernels [--series SERIES ...] [--arch ARCH] [--cache DIR] [--keep DIR]

For each series and architecture two hunts. The mail's bug in shape (one release of an input page of
the LZO path is dropped), cold and warm, beside cells in which nothing is planted; cold is a cache
that holds package lists and what series before it left. And a leak of each kind of memory, planted
in fs/btrfs, beside the same module that leaks nothing and the source unchanged: does it show in the
class that it is charged to, how still are the floors where nothing leaks, which lines have
/proc/meminfo, zoneinfo, vmstat and slabinfo.

With --keep a bench that was stopped goes on where it was when the command is given again. The last
line is one JSON object; docs/bench.md describes it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import tomli_w

from anyclue.recordings.store import read_recording
from anyclue.verdicts.classes import classes_kib

SIGNATURE: Final = "page-cache-reference"
FILE: Final = "fs/btrfs/lzo.c"
FUNCTION: Final = "lzo_compress"
"""How the function's name begins in every series; what follows it changed twice."""
PAGES_UNTIL: Final = (6, 1)
PAGES: Final = {"file": FILE, "find": "if (page_in) put_page(page_in);", "replace": ""}
FOLIOS: Final = {
    "file": FILE,
    "find": "folio_put(folio_in); folio_in = NULL;",
    "replace": "folio_in = NULL;",
}
RELEASES: Final = (["put_page"], ["folio_put"])
PLANTED: Final = ("bad", "lzo")

LEAK_KIB: Final = 256
"""What each file created leaves behind, whatever the kind."""
ROUNDS: Final = 6
CREATE: Final = {
    "file": "fs/btrfs/inode.c",
    "function": "btrfs_create",
    "find": "inode = new_inode(dir->i_sb);",
    "replace": "void btrfs_plant(struct inode *, struct dentry *);\n"
    "btrfs_plant(dir, dentry);\ninode = new_inode(dir->i_sb);",
}
PLANTS: Final = r"""return btrfs_create_common(dir, dentry, inode);
}

#include <linux/kthread.h>
#include <linux/pagemap.h>
#include <linux/percpu.h>
#include <linux/vmalloc.h>

static int btrfs_planted_thread(void *unused)
{
	for (;;)
		schedule_timeout_idle(MAX_SCHEDULE_TIMEOUT);
	return 0;
}

/* A folio that was read into a file and truncated from it, and is still referenced. */
static void btrfs_planted_folio(struct address_space *mapping, unsigned int order)
{
	const pgoff_t index = 1UL << 20;
	struct folio *folio = folio_alloc(GFP_KERNEL, order);

	if (!folio)
		return;
	if (order)
		mapping_set_large_folios(mapping);
	if (filemap_add_folio(mapping, folio, index, GFP_KERNEL)) {
		folio_put(folio);
		return;
	}
	folio_mark_uptodate(folio);
	folio_unlock(folio);
	truncate_inode_pages_range(mapping, (loff_t)index << PAGE_SHIFT, -1);
}

/* Leave 256 KiB behind, of the kind that the file system's label names. */
void btrfs_plant(struct inode *dir, struct dentry *dentry);
void btrfs_plant(struct inode *dir, struct dentry *dentry)
{
	static struct kmem_cache *cache;
	const char *label = btrfs_sb(dir->i_sb)->super_copy->label;
	int i;

	if (!strcmp(label, "inode"))
		ihold(dir);
	else if (!strcmp(label, "dentry"))
		dget(dentry);
	else if (!strcmp(label, "vmalloc"))
		(void)READ_ONCE(*(char *)vmalloc(256 << 10));
	for (i = 0; i < 256 && !strcmp(label, "kmalloc"); i++)
		*(char *)kmalloc(1024, GFP_KERNEL) = 0;
	for (i = 0; i < 256 && !strcmp(label, "own-cache"); i++) {
		if (!cache)
			cache = kmem_cache_create("btrfs_planted", 1024, 0, 0, NULL);
		*(char *)kmem_cache_alloc(cache, GFP_KERNEL) = 0;
	}
	for (i = 0; i < 64 && !strcmp(label, "small-folio"); i++)
		btrfs_planted_folio(dir->i_mapping, 0);
	for (i = 0; i < 64 && !strcmp(label, "raw-page"); i++)
		get_page(alloc_page(GFP_KERNEL));
	for (i = 0; i < 16 && !strcmp(label, "thread"); i++)
		kthread_run(btrfs_planted_thread, NULL, "btrfs-planted");
	for (i = 0; i < 16 && !strcmp(label, "percpu"); i++)
		*(char *)per_cpu_ptr(__alloc_percpu(16 << 10, 8), 0) = 0;
	for (i = 0; i < 4 && !strcmp(label, "large-folio"); i++)
		btrfs_planted_folio(dir->i_mapping, 4);
	for (i = 0; i < 4 && !strcmp(label, "large-raw-page"); i++)
		get_page(alloc_pages(GFP_KERNEL | __GFP_COMP, 4));
	for (i = 0; i < 4 && !strcmp(label, "large-kmalloc"); i++)
		*(char *)kmalloc(64 << 10, GFP_KERNEL) = 0;
"""
PLANT: Final = {
    "file": "fs/btrfs/inode.c",
    "function": "btrfs_create",
    "find": "return btrfs_create_common(dir, dentry, inode);",
    "replace": PLANTS,  # definitions after the function: the last line of the last one is there
}
ZONES: Final = (
    "awk '$2 ~ /^[0-9]+$/ && $1 ~ /^[a-z_]+$/ { print \"zoneinfo_\" $1, 1 }' /proc/zoneinfo"
    " | sort -u"
)
"""Tells the lines of zoneinfo, which no recording has, as facts of the round."""
SOURCES: Final = {
    "meminfo": re.compile(r"meminfo\.(.*)"),
    "vmstat": re.compile(r"vmstat\.(.*)"),
    "slabinfo": re.compile(r"slab_objects\.(.*)"),
    "zoneinfo": re.compile(r"zoneinfo_(.*)"),
    "pools": re.compile(r"pool\.(.*)"),
}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What is right to say where a kind of memory leaks.

    Attributes:
        signature: which kind of release is missing.
        memory: the class that grows.
        verdict: of the cell; `broken` where the kernel stops at what was left.
    """

    signature: str
    memory: str = ""
    verdict: str = "leak"


KINDS: Final[Mapping[str, Kind]] = {
    "small-folio": Kind(signature="page-cache-reference", memory="orphaned-file-pages"),
    "large-folio": Kind(signature="page-cache-reference", memory="orphaned-file-pages"),
    "raw-page": Kind(signature="raw-pages", memory="unaccounted"),
    "large-raw-page": Kind(signature="raw-pages", memory="unaccounted"),
    "kmalloc": Kind(signature="object", memory="slab-unreclaimable"),
    "large-kmalloc": Kind(signature="object", memory="slab-unreclaimable"),
    "own-cache": Kind(signature="object", memory="slab-unreclaimable"),
    "vmalloc": Kind(signature="vmalloc", memory="vmalloc"),
    "percpu": Kind(signature="percpu", memory="percpu"),
    "thread": Kind(signature="kernel-stacks", memory="kernel-stacks"),
    "inode": Kind(signature="object", verdict="broken"),
    "dentry": Kind(signature="object", verdict="broken"),
}


def main() -> None:
    """Measure, telling what is going on on stderr; print the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--series", action="append", help="only these")
    parser.add_argument("--arch", action="append", help="only these")
    parser.add_argument("--cache", type=Path, help="keep the cache there [a new one, removed]")
    parser.add_argument("--keep", type=Path, help="keep the hunts there [removed]")
    given = parser.parse_args()
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}"
    print(f"machine: {machine}", file=sys.stderr)
    with kept(given.keep) as directory:
        environment = {"XDG_CACHE_HOME": str((given.cache or directory / "cache").absolute())}
        listed = json.loads(anyclue(["kernels", "--json"], environment))
        pairs = [
            (series, arch)
            for series, arch in offered(listed)
            if (not given.series or series in given.series)
            and (not given.arch or arch in given.arch)
        ]
        result: dict[str, Any] = {}
        lines = {}
        for series, arch in pairs:
            at = directory / f"{series}-{arch}"
            is_cold = not any(
                one["series"] == series and arch in one["cached"] for one in listed["entries"]
            )
            lzo = of_lzo(series, arch, at, environment, is_cold=is_cold)
            shown = of_kinds(series, arch, at / "kinds", environment)
            lines[f"{series} {arch}"] = counters(at / "kinds")
            result[f"{series} {arch}"] = {**lzo, **shown}
            print(f"{series} {arch}: {json.dumps(result[f'{series} {arch}'])}", file=sys.stderr)
    print(json.dumps({"kernels": result, "counters": changed_lines(lines)}))


@contextmanager
def kept(directory: Path | None) -> Iterator[Path]:
    """Give the directory, or one that is removed in the end."""
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        yield directory
        return
    with tempfile.TemporaryDirectory(prefix="anyclue-bench-") as name:
        yield Path(name)


def offered(listed: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return each series with each of its architectures, in the order of `anyclue kernels`."""
    pairs = ((one["series"], arch) for one in listed["entries"] for arch in one["arches"])
    return list(dict.fromkeys(pairs))


def lzo_scenario(series: str, arch: str) -> dict[str, Any]:
    """Return the scenario of three cells: planted, without the change, without the option."""
    older = tuple(map(int, series.split("."))) <= PAGES_UNTIL
    good = {"debian": series, "module": "fs/btrfs"}
    return {
        "schema": 1,
        "title": f"a planted leak on {series}",
        "kernels": {"good": good, "bad": {**good, "edits": [PAGES if older else FOLIOS]}},
        "machines": {arch: {"arch": arch, "ram": "1 GiB"}},
        "mount": {"none": "", "lzo": "compress=lzo"},
        "workloads": {"small-files": {"use": "enospc-small-files", "files": 600}},
        "plan": {
            "reference": {"kernel": "good"},
            "include": [{"mount": "lzo"}, {"kernel": "bad", "mount": "none"}],
        },
    }


def kinds_scenario(series: str, arch: str) -> dict[str, Any]:
    """Return the scenario of all kinds: each in a cell of its own, beside two that leak nothing."""
    good = {"debian": series, "module": "fs/btrfs"}
    labels = ("nothing", *KINDS)
    return {
        "schema": 1,
        "title": f"leaks of each kind on {series}",
        "kernels": {"good": good, "planted": {**good, "edits": [CREATE, PLANT]}},
        "machines": {arch: {"arch": arch, "ram": "1 GiB"}},
        "mkfs": {label: f"-L {label}" for label in labels},
        "workloads": {"file": {"use": "shell", "write": f"echo x > $MNT/file\n{ZONES}"}},
        "plan": {
            "reference": {"kernel": "good", "mkfs": "nothing"},
            "include": [
                {"kernel": "good", "mkfs": "nothing"},
                *({"kernel": "planted", "mkfs": label} for label in labels),
            ],
        },
        "limits": {"rounds": ROUNDS, "extra_trials": 0},
    }


def of_lzo(
    series: str, arch: str, at: Path, environment: Mapping[str, str], *, is_cold: bool
) -> dict[str, Any]:
    """Hunt the mail's bug, twice in a cache that has no such kernel; say what was found, and when.

    A hunt of an earlier bench that is kept was cold then.
    """
    hunts = ("cold", "warm") if is_cold or (at / "cold").exists() else ("warm",)
    seconds = {name: hunt(at / name, lzo_scenario(series, arch), environment) for name in hunts}
    clue = json.loads(anyclue(["clue", "--json", str(at / "warm")], environment))
    cells = [cell for name in hunts for cell in verdicts(at / name)]
    return {**found(cells, clue), "cold_s": seconds.get("cold"), "warm_s": seconds["warm"]}


def of_kinds(series: str, arch: str, at: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """Hunt a leak of each kind; say which show, and how still the floors are without one."""
    hunt(at, kinds_scenario(series, arch), environment)
    cells = {(cell["kernel"], cell["mkfs"]): cell for cell in verdicts(at)}
    quiet = {cell["cell"] for (_, mkfs), cell in cells.items() if mkfs == "nothing"}
    return {
        "shows": {name: shows(cells["planted", name], kind) for name, kind in KINDS.items()},
        "told": {name: told(cells["planted", name]) for name in KINDS},
        "nothing_planted": [cells[name, "nothing"]["verdict"] for name in ("good", "planted")],
        "floor_kib": floor_steps(at, quiet),
    }


def hunt(at: Path, scenario: Mapping[str, Any], environment: Mapping[str, str]) -> float | None:
    """Hunt, or go on with it, without the clue; return the seconds, None where it was stopped once.

    Raises:
        SystemExit: it failed, or did not come to its end.
    """
    took = at.with_name(f"{at.name}-seconds.json")
    if took.exists():
        before: float | None = json.loads(took.read_text())
        return before
    at.parent.mkdir(parents=True, exist_ok=True)
    file = at.with_name(f"{at.name}.toml")
    file.write_text(tomli_w.dumps(scenario))
    whole = not at.exists()
    wanted = ["--out", str(at), str(file)] if whole else ["--resume", str(at)]
    begin = time.monotonic()
    anyclue(["hunt", "--no-clue", "--full", *wanted], environment)
    if not (at / "verdicts.json").exists():
        raise SystemExit(f"the hunt in {at} was stopped")
    seconds = round(time.monotonic() - begin, 1) if whole else None
    took.write_text(json.dumps(seconds))
    return seconds


def found(cells: Sequence[Mapping[str, Any]], clue: Mapping[str, Any]) -> dict[str, Any]:
    """Return whether the planted leak was found, signature and place right, and all else clean."""
    planted = [one for one in cells if (one["kernel"], one["mount"]) == PLANTED]
    others = [one for one in cells if (one["kernel"], one["mount"]) != PLANTED]
    places = clue["places"]
    return {
        "planted": all(
            one["verdict"] == "leak" and one["signature"] == SIGNATURE for one in planted
        ),
        "place": bool(places) and is_the_place(places[0]),
        "clean": all(one["verdict"] == "clean" for one in others),
        "false_leaks": sorted({one["cell"] for one in others if one["verdict"] == "leak"}),
    }


def is_the_place(place: Mapping[str, Any]) -> bool:
    """Return whether a place is the function that was changed, and names the release it lost."""
    release = (place["missing"] or {"release": []})["release"]
    return place["function"].startswith(FUNCTION) and release[:1] in RELEASES


def shows(cell: Mapping[str, Any], kind: Kind) -> bool:
    """Return whether a cell is called what it is, and where it leaks, by as much as it does."""
    if cell["verdict"] != kind.verdict or cell["signature"] != kind.signature:
        return False
    if kind.verdict == "broken":
        return True
    rate: float = cell["classes"][kind.memory]["rate_kib_per_round"]
    return abs(rate - LEAK_KIB) <= LEAK_KIB / 16


def told(cell: Mapping[str, Any]) -> str:
    """Return a cell's verdict in short."""
    rate = cell["rate_kib_per_round"]
    said = [cell["verdict"], cell["signature"], f"{rate:.0f} KiB" if rate is not None else None]
    incident = (cell["incident"] or {"title": None})["title"]
    return ", ".join(str(one) for one in (*said, incident) if one)


def floor_steps(at: Path, cells: Iterable[str]) -> dict[str, float]:
    """Return for each class the largest step between floors from the second on, up or down."""
    most: dict[str, float] = {}
    for floors in (floors_of(at, cell) for cell in cells):
        for one, two in pairwise(floors[1:]):
            for name in one.keys() & two.keys():
                most[name] = max(most.get(name, 0.0), abs(two[name] - one[name]))
    return dict(sorted(most.items()))


def floors_of(at: Path, cell: str) -> list[dict[str, float]]:
    """Return the floors of a cell's first guest, by class."""
    recording = read_recording(at / "cells" / cell / "trial-1")
    return [
        {name.value: kib for name, kib in classes_kib(one.floor).items()}
        for one in recording.rounds
        if one.floor is not None
    ]


def counters(at: Path) -> dict[str, set[str]]:
    """Return the names of what a kernel counts, by the file in /proc."""
    cell = next(one["cell"] for one in verdicts(at) if one["kernel"] == "good")
    recording = read_recording(at / "cells" / cell / "trial-1")
    names = {name for one in recording.rounds if one.floor for name in one.floor.counters}
    names |= {name for one in recording.rounds for name in one.facts}
    return {
        file: {match[1] for name in names if (match := pattern.fullmatch(name))}
        for file, pattern in SOURCES.items()
    }


def changed_lines(lines: Mapping[str, Mapping[str, set[str]]]) -> dict[str, Any]:
    """Return what is new and what is gone in each kernel, against the one before it."""
    return {
        later: {
            file: {
                "new": sorted(lines[later][file] - lines[before][file]),
                "gone": sorted(lines[before][file] - lines[later][file]),
            }
            for file in SOURCES
        }
        for before, later in pairwise(lines)
    }


def verdicts(directory: Path) -> list[dict[str, Any]]:
    """Read the cells of a run's ``verdicts.json``."""
    cells: list[dict[str, Any]] = json.loads((directory / "verdicts.json").read_text())["cells"]
    return cells


def anyclue(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """Run the command and return its output; a regression, or an unproven cell, is no failure.

    Raises:
        SystemExit: it failed.
    """
    program = str(Path(sys.executable).with_name("anyclue"))
    done = subprocess.run(
        [program, *arguments],
        check=False,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    if done.returncode not in (0, 1, 3):
        raise SystemExit(f"anyclue {' '.join(arguments)}: exit status {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    main()
