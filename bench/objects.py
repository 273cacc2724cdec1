"""Measure counts of objects in real guests: the smallest leak found, what is no leak, the noise.

    make bench-objects
    python -m bench.objects [--quick] [--kernel SERIES] [--keep DIR] [--jobs N]
    python -m bench.objects --places [--kernel SERIES] [--keep DIR] [--jobs N]
    python -m bench.objects --noise [--kernel SERIES] [--arch ARCH] [--keep DIR]

Debian's kernel (6.1, unless told) with bugs in its fs/btrfs is judged beside the same source
unchanged, two guests each of 10 rounds. A mount leaves objects behind when the file system's label
says so: 1, 2, 4 or 16 of them, of 32, 128 or 512 bytes, in a cache of their own, in the kmalloc
cache that others use, or in a reclaimable cache. Beside these: two leaks that counters in KiB did
not show, a list that unmounting frees, which is no leak, and one that only unloading the module
frees, which is one. With --places the two leaks are hunted alone, with the clue: is the function
that was changed among its places?

A hunt that was stopped goes on where it was when the command is given again. The last line is one
JSON object; see docs/bench.md for its fields. The exit status is 1 when a verdict is wrong.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, Final

import platformdirs
from bench.pairs_bench.speed import COMMAND

from anyclue.model.recording import EXACT_OBJECTS, MarkName
from anyclue.recordings.run_directory import RunDirectory
from anyclue.recordings.store import read_recording

ROUNDS: Final = 10
GUESTS: Final = 2
SERIES: Final = "6.1"
KINDS: Final[Mapping[str, str]] = {"own": "o", "kmalloc": "k", "reclaimable": "r"}
SIZES: Final = (32, 128, 512)
OBJECTS: Final = (1, 2, 4, 16)
MISSED: Final = ("delayed-node", "fallocate")
"""Kernels whose leaks counters in KiB did not show."""
QUICK_SIZES: Final = (128,)
QUICK_OBJECTS: Final = (1,)

AT_MOUNT: Final = r"""
set_bit(BTRFS_FS_OPEN, &fs_info->flags);
{
	extern void *btrfs_planted;
	static struct kmem_cache *cache;
	const char *label = fs_info->super_copy->label;
	unsigned int count = 0;

	if (label[0] && strchr("okrm", label[0]) && !kstrtouint(label + 3, 10, &count)) {
		unsigned int size = 1U << (label[1] - '0');
		slab_flags_t flags = label[0] == 'r' ? SLAB_RECLAIM_ACCOUNT : 0;

		if (!cache && (label[0] == 'o' || label[0] == 'r'))
			cache = kmem_cache_create_usercopy("btrfs_planted", size, 0, flags, 0, size, NULL);
		while (count--) {
			void **object = cache ? kmem_cache_alloc(cache, GFP_KERNEL) : kmalloc(size, GFP_KERNEL);

			if (object && label[0] == 'm') {
				*object = btrfs_planted;
				btrfs_planted = object;
			}
		}
	}
}
"""
AT_CREATE: Final = r"""
if (btrfs_sb(dir->i_sb)->super_copy->label[0] == 'u') {
	void **object = kmalloc(64, GFP_NOFS);

	if (object) {
		*object = dir->i_private;
		dir->i_private = object;
	}
}
inode = new_inode(dir->i_sb);
"""
AT_EVICT: Final = r"""
while (S_ISDIR(inode->i_mode) && inode->i_private) {
	void *object = inode->i_private;

	inode->i_private = *(void **)object;
	kfree(object);
}
trace_btrfs_inode_evict(inode);
"""
AT_UNLOAD: Final = r"""
rcu_barrier();
{
	extern void *btrfs_planted;

	while (btrfs_planted) {
		void *object = btrfs_planted;

		btrfs_planted = *(void **)object;
		kfree(object);
	}
}
"""
DELAYED_NODE: Final = r"""
inode->delayed_node = NULL;
{
	static atomic_t count;

	if (atomic_inc_return(&count) % 20 == 0)
		return;
}
"""


@dataclass(frozen=True, kw_only=True)
class Change:
    """An edit of a file of fs/btrfs."""

    file: str
    function: str
    find: str
    replace: str

    def toml(self, kernel: str) -> str:
        """Return it as a table of a scenario."""
        return (
            f"[[kernels.{kernel}.edits]]\nfile = {json.dumps(f'fs/btrfs/{self.file}')}\n"
            f"function = {json.dumps(self.function)}\nfind = {json.dumps(self.find)}\n"
            f"replace = {json.dumps(self.replace)}\n"
        )


CHANGES: Final[Mapping[str, Sequence[Change]]] = {
    "planted": (
        Change(
            file="disk-io.c",
            function="open_ctree",
            find="set_bit(BTRFS_FS_OPEN, &fs_info->flags);",
            replace=AT_MOUNT,
        ),
        Change(
            file="inode.c",
            function="btrfs_create",
            find="inode = new_inode(dir->i_sb);",
            replace=AT_CREATE,
        ),
        Change(  # a definition after the function: its last line becomes that of another one
            file="inode.c",
            function="btrfs_create",
            find="return btrfs_create_common(dir, dentry, inode);",
            replace="return btrfs_create_common(dir, dentry, inode);\n}\n\n"
            "void *btrfs_planted;\n\nstatic inline void btrfs_nothing(void)\n{",
        ),
        Change(
            file="inode.c",
            function="btrfs_evict_inode",
            find="trace_btrfs_inode_evict(inode);",
            replace=AT_EVICT,
        ),
        Change(
            file="inode.c",
            function="btrfs_destroy_cachep",
            find="rcu_barrier();",
            replace=AT_UNLOAD,
        ),
    ),
    "delayed-node": (
        Change(
            file="delayed-inode.c",
            function="btrfs_remove_delayed_node",
            find="inode->delayed_node = NULL;",
            replace=DELAYED_NODE,
        ),
    ),
    "fallocate": (
        Change(
            file="file.c",
            function="btrfs_fallocate",
            find="kfree(range);",
            replace="if (ret != -ENOSPC) kfree(range);",
        ),
    ),
}

WRITE: Final = """\
fsload fill $MNT writers=4 files=100 size=6000 direct=0
for i in $(seq 40); do fallocate -l 4g $MNT/full || true; done
"""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is planted, and what is right to say of it.

    Attributes:
        name: of its mkfs options in the scenario.
        kernel: the kernel that has the bug.
        label: of its file system: what a mount leaves behind.
        leaks: whether it is a leak.
        caches: slab caches of which one has to be named.
        kind, size, objects: what a grid of leaks is made of; "" and 0 for others.
    """

    name: str
    kernel: str
    label: str = "none"
    leaks: bool
    caches: frozenset[str] = frozenset()
    kind: str = ""
    size: int = 0
    objects: int = 0

    @property
    def cell(self) -> str:
        """The cell's id."""
        return f"{self.kernel}.guest.{self.name}.default.files"


REFERENCE: Final = "good.guest.nothing.default.files"


def cases(*, quick: bool) -> list[Case]:
    """Return all that is planted."""
    sizes, counts = (QUICK_SIZES, QUICK_OBJECTS) if quick else (SIZES, OBJECTS)
    grid = [
        Case(
            name=f"{kind}-{size}-{count}",
            kernel="planted",
            label=_label(letter, size, count),
            leaks=True,
            caches=frozenset({f"kmalloc-{size}" if kind == "kmalloc" else "btrfs_planted"}),
            kind=kind,
            size=size,
            objects=count,
        )
        for kind, letter in KINDS.items()
        for size in sizes
        for count in counts
    ]
    unload = frozenset({"kmalloc-64"})
    range_of_fallocate = frozenset({"kmalloc-32"})
    delayed = frozenset({"radix_tree_node", "btrfs_delayed_node"})
    return [
        Case(name="nothing", kernel="planted", leaks=False),
        Case(name="until-unmount", kernel="planted", label="u", leaks=False),
        Case(
            name="until-unload",
            kernel="planted",
            label=_label("m", 64, 4),
            leaks=True,
            caches=unload,
        ),
        Case(name="nothing", kernel="delayed-node", leaks=True, caches=delayed),
        Case(name="nothing", kernel="fallocate", leaks=True, caches=range_of_fallocate),
        *grid,
    ]


def _label(letter: str, size: int, count: int) -> str:
    """Return the label that leaves so many objects at every mount."""
    return f"{letter}{size.bit_length() - 1}-{count}"


def scenario_text(wanted: Sequence[Case], series: str) -> str:
    """Return the scenario: each case in a cell of its own, beside one reference."""
    reference = '{ kernel = "good", mkfs = "nothing" }'
    labels = {one.name: one.label for one in wanted}
    parts = [
        'schema = 1\ntitle = "Leaks of few objects"\n',
        *(
            f'[kernels.{name}]\ndebian = "{series}"\nmodule = "fs/btrfs"\n'
            for name in ("good", *CHANGES)
        ),
        *(one.toml(kernel) for kernel, changes in CHANGES.items() for one in changes),
        '[machines.guest]\narch = "x86_64"\nram = "1 GiB"\n\n[mkfs]',
        *(f'{name} = "-L {label}"' for name, label in labels.items()),
        f'\n[workloads.files]\nuse = "shell"\nwrite = {json.dumps(WRITE)}\n',
        f"[plan]\nreference = {reference}\ninclude = [\n    {reference},",
        *(f'    {{ kernel = "{one.kernel}", mkfs = "{one.name}" }},' for one in wanted),
        f"]\n\n[limits]\nrounds = {ROUNDS}\ntrials = {GUESTS}\nextra_trials = 0",
    ]
    return "\n".join(parts) + "\n"


NOISE: Final = """\
schema = 1
title = "Counts of objects in a good kernel"

[kernels.good]
debian = "{series}"

[machines.guest]
arch = "{arch}"
ram = "2 GiB"

[mount]
lzo = "compress=lzo"

[workloads.mix]
use = "compression-mix"

[limits]
rounds = {rounds}
extra_trials = 0
"""


def main() -> int:
    """Measure, telling what is going on on stderr; print JSON, and return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="objects of one size, two rates")
    parser.add_argument("--keep", type=Path, help="the hunt's directory [default: in the cache]")
    parser.add_argument("--jobs", type=int, default=1, help="guests side by side")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--places", action="store_true", help="where the two missed leaks are")
    what.add_argument("--noise", action="store_true", help="what moves where nothing is planted")
    parser.add_argument("--kernel", default=SERIES, help="Debian's series")
    parser.add_argument("--arch", default="x86_64", help="architecture for --noise")
    options = parser.parse_args()
    name = f"noise-{options.kernel}-{options.arch}" if options.noise else f"leaks-{options.kernel}"
    directory = options.keep or _cached(name)
    if options.noise:
        text = NOISE.format(series=options.kernel, arch=options.arch, rounds=ROUNDS)
        print(json.dumps(noise(hunt(directory, text, options.jobs))))
        return 0
    if options.places:
        rows = [place(name, options) for name in MISSED]
        print(json.dumps({"places": rows}))
        return int(any(one["rank"] != 1 for one in rows))
    wanted = cases(quick=options.quick)
    result = summary(wanted, hunt(directory, scenario_text(wanted, options.kernel), options.jobs))
    print(json.dumps(result))
    return int(bool(result["wrong"]))


def _cached(name: str) -> Path:
    return Path(platformdirs.user_cache_dir("anyclue")) / "objects" / name


def place(kernel: str, options: argparse.Namespace) -> dict[str, Any]:
    """Hunt a leak that counters in KiB did not show; return what is said of it."""
    directory = (options.keep or _cached("places")) / f"{kernel}-{options.kernel}"
    run = hunt(directory, missed_text(kernel, options.kernel), options.jobs, clue=True)
    clue = json.loads(run.file("clues.json").read_text())
    (bug,) = CHANGES[kernel]
    named = [(one["function"], one["path"]) for one in clue["places"]]
    wanted = (bug.function, f"fs/btrfs/{bug.file}")
    return {
        "kernel": kernel,
        "sentence": clue["sentence"],
        "function": bug.function,
        "rank": named.index(wanted) + 1 if wanted in named else None,
    }


def missed_text(kernel: str, series: str) -> str:
    """Return the scenario of one of the leaks that counters in KiB did not show."""
    return "\n".join(
        (
            f'schema = 1\ntitle = "Missed: {kernel}"\n',
            *(
                f'[kernels.{one}]\ndebian = "{series}"\nmodule = "fs/btrfs"\n'
                for one in ("good", kernel)
            ),
            *(one.toml(kernel) for one in CHANGES[kernel]),
            '[machines.guest]\narch = "x86_64"\nram = "1 GiB"\n\n[mount]\nnone = ""',
            f'\n[workloads.files]\nuse = "shell"\nwrite = {json.dumps(WRITE)}\n',
            '[plan]\nreference = { kernel = "good" }\n',
        )
    )


def hunt(directory: Path, text: str, jobs: int, *, clue: bool = False) -> RunDirectory:
    """Run a hunt, or what is left of it; it is judged by the code of today."""
    scenario, run = directory / "scenario.toml", RunDirectory(directory / "run")
    if not scenario.exists():
        directory.mkdir(parents=True, exist_ok=True)
        scenario.write_text(text)
    elif scenario.read_text() != text:
        raise SystemExit(f"{directory} is of another hunt: name a new directory with --keep")
    if run.file("junit.xml").exists():  # what a hunt writes last
        argv = [str(COMMAND), "judge", str(run.path)]
    else:
        where = [str(scenario), "--out"] if not run.plan.exists() else ["--resume"]
        argv = [str(COMMAND), "hunt", *where, str(run.path)]
        argv += [] if clue else ["--full", "--no-clue"]
        argv += ["--jobs", str(jobs)]
    status = subprocess.run(argv, stdout=subprocess.DEVNULL, check=False).returncode
    if status not in (0, 1, 3) or not run.file("junit.xml").exists():
        raise SystemExit(f"{argv} failed with {status}")
    return run


def summary(wanted: Sequence[Case], run: RunDirectory) -> dict[str, Any]:
    """Return what was said of each case, and what of it is wrong."""
    document = json.loads(run.file("verdicts.json").read_text())
    said = {cell["cell"]: cell for cell in document["cells"]}
    rows = [row(one, said[one.cell]) for one in wanted]
    by_kind = {kind: [one for one in rows if one["kind"] == kind] for kind in KINDS}
    return {
        "smallest": {kind: smallest(of_kind) for kind, of_kind in by_kind.items()},
        "cases": rows,
        "wrong": [one["cell"] for one in rows if not one["right"]],
        "reference": said[REFERENCE]["verdict"],
    }


def row(case: Case, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was said of one case."""
    grown = [one for one in said["objects"] if one["grew"]]
    named = [one["name"] for one in grown]
    cache = next((one for one in grown if case.caches & {one["name"], *one["merged"]}), None)
    leak = said["verdict"] == "leak"
    return {
        "cell": case.cell,
        "kind": case.kind,
        "size": case.size,
        "objects": case.objects,
        "verdict": said["verdict"],
        "named": named,
        "merged": cache["merged"] if cache else [],
        "objects_per_round": cache and cache["objects_per_round"],
        "right": leak and cache is not None if case.leaks else not leak,
    }


def smallest(rows: Sequence[Mapping[str, Any]]) -> int | None:
    """Return the smallest number of objects a round from which up all leaks were found."""
    found = None
    for count in sorted({one["objects"] for one in rows}, reverse=True):
        if not all(one["right"] for one in rows if one["objects"] == count):
            break
        found = count
    return found


def noise(run: RunDirectory) -> dict[str, Any]:
    """Return how counts moved from floor to floor in a good kernel's guest."""
    (trial,) = sorted((run.path / "cells").glob("*/trial-1"))
    recording = read_recording(trial)
    floors = [one.floor.counters for one in recording.rounds if one.floor is not None]
    slabs = sorted({name for floor in floors for name in floor if name.startswith("slab_objects.")})
    moved = {}
    for name in slabs:
        counts = [int(floor.get(name, 0)) for floor in floors]
        steps = [after - before for before, after in pairwise(counts)]
        if any(steps):
            moved[name.partition(".")[2]] = steps
    running = [sum(v for n, v in floor.items() if n.startswith("threads.")) for floor in floors]
    threads = [int(after - before) for before, after in pairwise(running)]
    times = {
        name: [mark.t_s for mark in recording.marks if mark.name is name]
        for name in (MarkName.FLOOR_BEGIN, MarkName.FLOOR_END)
    }
    spans = [end - begin for begin, end in zip(*times.values(), strict=True)]
    return {
        "release": recording.provenance["release"],
        "floors": len(floors),
        "floor_s": round(median(spans), 2),
        "exact": all(one.facts.get(EXACT_OBJECTS) == 1 for one in recording.rounds),
        "caches": len(slabs),
        "still": len(slabs) - len(moved),
        "threads": threads,
        "with_threads": [name for name, steps in moved.items() if not alone(steps, threads)],
        "moved": {name: steps for name, steps in moved.items() if alone(steps, threads)},
    }


def alone(steps: Sequence[int], threads: Sequence[int]) -> bool:
    """Say whether a count moved where the number of threads did not."""
    return any(step and not thread for step, thread in zip(steps, threads, strict=True))


if __name__ == "__main__":
    sys.exit(main())
