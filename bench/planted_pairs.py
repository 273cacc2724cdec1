"""Hunt pairs of planted bugs in real guests: is each told from the other, and its place found?

    make bench-planted-pairs
    python -m bench.planted_pairs --pair "two options" --keep DIR

Two bugs are planted in fs/btrfs of Debian's 6.1 at once: in two mount options, two kernels, two
workloads; one hidden behind the other; two of one class in different caches; a crash beside a leak.
Of each pair it is measured whether every suspect ends as it should, whether both kinds are found
and followed up, and the rank of each right function among the places of its fault. With --keep the
runs stay, and the same again goes on where it stopped. The last line is one JSON object; see
docs/bench.md. The exit status is 1 when anything of that is not as it should be.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.pairs_bench.speed import COMMAND

GOOD_ENOUGH: Final = 3
GUILTY, ACQUITTED = "guilty", "acquitted"


@dataclass(frozen=True, kw_only=True)
class PlantedBug:
    """One bug of a pair.

    Attributes:
        kernel: the kernel that has it.
        file: below fs/btrfs.
        function: the right answer.
        find: what is changed in it, and ``replace`` what into.
        verdict: what it shows as, with ``signature`` where it leaks.
    """

    kernel: str
    file: str
    function: str
    find: str
    replace: str = ""
    verdict: str = "leak"
    signature: str | None = None

    @property
    def edit(self) -> str:
        """The edit, as a scenario has it."""
        return (
            f"[[kernels.{self.kernel}.edits]]\n"
            f'file = "fs/btrfs/{self.file}"\n'
            f'function = "{self.function}"\n'
            f"find = {json.dumps(self.find)}\n"
            f"replace = {json.dumps(self.replace)}\n"
        )


@dataclass(frozen=True, kw_only=True)
class PlantedPair:
    """Two bugs, the axes to hunt them on, and what is right to say of each suspect.

    ``suspects`` are by name: what the theory is about, as a scenario has it, and how it has to end.
    """

    name: str
    bugs: tuple[PlantedBug, PlantedBug]
    suspects: Mapping[str, tuple[str, str]]
    mounts: Mapping[str, str]
    workloads: str = '[workloads.files]\nuse = "enospc-small-files"\nfiles = 600\n'

    @property
    def scenario(self) -> str:
        """The scenario's text."""
        kernels = dict.fromkeys(("good", *(bug.kernel for bug in self.bugs)))
        parts = [f'schema = 1\ntitle = "planted: {self.name}"']
        for kernel in kernels:
            own = [bug.edit for bug in self.bugs if bug.kernel == kernel]
            parts.append(f'[kernels.{kernel}]\ndebian = "6.1"\nmodule = "fs/btrfs"')
            parts += own
        parts.append('[machines.i386-2g]\narch = "i386"\nram = "2 GiB"')
        mounts = "\n".join(f"{name} = {json.dumps(text)}" for name, text in self.mounts.items())
        parts += [f"[mount]\n{mounts}", self.workloads]
        parts.append('[plan]\nreference = { kernel = "good" }')
        for name, (about, _) in self.suspects.items():
            parts.append(f'[suspects.{name}]\ntheory = "it was {name}"\n{about}')
        return "\n".join(parts) + "\n"


def _lost_reference(kernel: str) -> PlantedBug:
    return PlantedBug(
        kernel=kernel,
        file="lzo.c",
        function="lzo_compress_pages",
        find="if (page_in) put_page(page_in);",
        signature="page-cache-reference",
    )


def _lost_object(kernel: str, file: str, function: str, before: str, size: int = 200) -> PlantedBug:
    return PlantedBug(
        kernel=kernel,
        file=file,
        function=function,
        find=before,
        replace=f"if (!kmalloc({size}, GFP_NOFS)) return -ENOMEM; {before}",
        signature="object",
    )


ZSTD: Final = ("zstd.c", "zstd_compress_pages", "/* Initialize the stream */")
LZO: Final = ("lzo.c", "lzo_compress_pages", "cur_out += LZO_LEN; while (cur_in < start + len)")
ALL: Final = (
    "compression.c",
    "btrfs_compress_pages",
    "workspace = get_workspace(type, level);",
)
MOUNTS: Final = {"none": "", "lzo": "compress=lzo", "zstd": "compress=zstd"}
_OF_LZO: Final = {
    "lzo": ('factor = { mount = "lzo" }', GUILTY),
    "zstd": ('factor = { mount = "zstd" }', GUILTY),
    "uncompressed": ('factor = { mount = "none" }', ACQUITTED),
    "raw": ('resource = ["raw-pages"]', ACQUITTED),
}
_BOTH_KINDS: Final = {
    "slab": ('resource = ["slab"]', GUILTY),
    "references": ('resource = ["page-references"]', GUILTY),
}

PAIRS: Final = (
    PlantedPair(
        name="two options",
        bugs=(_lost_reference("bad"), _lost_object("bad", *ZSTD)),
        suspects={**_OF_LZO, **_BOTH_KINDS},
        mounts=MOUNTS,
    ),
    PlantedPair(
        name="two kernels",
        bugs=(_lost_reference("one"), _lost_object("two", *ALL)),
        suspects={
            "one": ('factor = { kernel = "one" }', GUILTY),
            "two": ('factor = { kernel = "two" }', GUILTY),
            "good": ('factor = { kernel = "good" }', ACQUITTED),
            **_BOTH_KINDS,
        },
        mounts={"none": "", "lzo": "compress=lzo"},
    ),
    PlantedPair(
        name="two workloads",
        bugs=(
            _lost_object("bad", "inode.c", "btrfs_symlink", "name_len = strlen(symname);"),
            PlantedBug(
                kernel="bad",
                file="inode.c",
                function="btrfs_mkdir",
                find="inode = new_inode(dir->i_sb);",
                replace="if (!alloc_page(GFP_NOFS)) return -ENOMEM; inode = new_inode(dir->i_sb);",
                signature="raw-pages",
            ),
        ),
        suspects={
            "links": ('factor = { workload = "links" }', GUILTY),
            "directories": ('factor = { workload = "directories" }', GUILTY),
            "slab": ('resource = ["slab"]', GUILTY),
            "raw": ('resource = ["raw-pages"]', GUILTY),
            "references": ('resource = ["page-references"]', ACQUITTED),
        },
        mounts={"none": ""},
        workloads=(
            '[workloads.links]\nuse = "shell"\n'
            'write = "for i in $(seq 400); do ln -s to $MNT/l$i; done"\n'
            '[workloads.directories]\nuse = "shell"\n'
            'write = "for i in $(seq 400); do mkdir $MNT/d$i; done"\n'
            '[workloads.nothing]\nuse = "shell"\nwrite = "echo 1 >$MNT/f"\n'
        ),
    ),
    PlantedPair(
        name="one hidden behind the other",
        bugs=(_lost_reference("bad"), _lost_object("bad", *ALL)),
        suspects={**_OF_LZO, **_BOTH_KINDS},
        mounts=MOUNTS,
    ),
    PlantedPair(
        name="two caches",
        bugs=(_lost_object("bad", *LZO), _lost_object("bad", *ZSTD, size=1000)),
        suspects={
            **_OF_LZO,
            "slab": ('resource = ["slab"]', GUILTY),
            "references": ('resource = ["page-references"]', ACQUITTED),
        },
        mounts=MOUNTS,
    ),
    PlantedPair(
        name="a crash and a leak",
        bugs=(
            _lost_reference("bad"),
            PlantedBug(
                kernel="bad",
                file="zstd.c",
                function="zstd_compress_pages",
                find="/* Initialize the stream */",
                replace="BUG_ON(*total_in == 0);",
                verdict="broken",
            ),
        ),
        suspects={**_OF_LZO, "references": ('resource = ["page-references"]', GUILTY)},
        mounts=MOUNTS,
    ),
    PlantedPair(
        name="both in the same cells",
        bugs=(
            _lost_reference("bad"),
            PlantedBug(
                kernel="bad",
                file="lzo.c",
                function="copy_compressed_data_to_page",
                find="char *kaddr; if ((*cur_out / PAGE_SIZE) >= max_nr_page)",
                replace="char *kaddr; if (!kmalloc(200, GFP_NOFS)) return -ENOMEM;"
                " if ((*cur_out / PAGE_SIZE) >= max_nr_page)",
                signature="object",
            ),
        ),
        suspects={
            "lzo": ('factor = { mount = "lzo" }', GUILTY),
            "zstd": ('factor = { mount = "zstd" }', ACQUITTED),
            **_BOTH_KINDS,
        },
        mounts=MOUNTS,
    ),
)


@dataclass(frozen=True, kw_only=True)
class HuntedPair:
    """One hunt: what was planted, and its clue (``clues.json``)."""

    pair: PlantedPair
    clue: Mapping[str, Any]

    @property
    def faults(self) -> list[Mapping[str, Any]]:
        """Every fault of the clue, the first among them."""
        if not self.clue["guilt"]:
            return []
        return [{**self.clue, "guilt": self.clue["guilt"][0]}, *self.clue["faults"]]

    def of(self, bug: PlantedBug) -> list[Mapping[str, Any]]:
        """Return the faults that may be a bug: of its kind, in its kernel."""
        return [
            one
            for one in self.faults
            if (one["guilt"]["verdict"], one["guilt"]["signature"]) == (bug.verdict, bug.signature)
            and any(cell.startswith(f"{bug.kernel}.") for cell in one["guilt"]["cells"])
        ]

    def rank(self, bug: PlantedBug) -> int | None:
        """Return the right function's best rank among the places of its kind of fault."""
        wanted = (bug.function, f"fs/btrfs/{bug.file}")
        ranks = []
        for fault in self.of(bug):
            places = [(place["function"], place["path"]) for place in fault["places"]]
            ranks += [places.index(wanted) + 1] if wanted in places else []
        return min(ranks, default=None)

    def is_followed_up(self, bug: PlantedBug) -> bool:
        """Say whether a dose, a smaller form or a probe is of its kind of fault."""
        probed = {probe["cell"] for probe in self.clue["probes"]}
        return any(
            one["dose"] or one["reproducer"] or probed & set(one["guilt"]["cells"])
            for one in self.of(bug)
        )

    @property
    def document(self) -> dict[str, Any]:
        """What was measured."""
        ends = {one["name"]: one["standing"] for one in self.clue["suspects"]}
        return {
            "pair": self.pair.name,
            "suspects": {name: ends.get(name) for name in self.pair.suspects},
            "wrong_suspects": [
                name for name, (_, end) in self.pair.suspects.items() if ends.get(name) != end
            ],
            "faults": [one["guilt"]["name"] for one in self.faults],
            "bugs": [
                {
                    "function": bug.function,
                    "found": bool(self.of(bug)),
                    "followed_up": self.is_followed_up(bug),
                    "rank": self.rank(bug),
                }
                for bug in self.pair.bugs
            ],
            "left_out": len(self.clue["left_out"]),
        }

    @property
    def is_right(self) -> bool:
        """Whether every suspect, kind and place is as it should be."""
        document = self.document
        return not document["wrong_suspects"] and all(
            bug["followed_up"] and bug["rank"] is not None and bug["rank"] <= GOOD_ENOUGH
            for bug in document["bugs"]
        )


def main() -> int:
    """Hunt the pairs, telling what is going on on stderr; print JSON, return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--pair", action="append", choices=[one.name for one in PAIRS], help="this; repeatable"
    )
    parser.add_argument("--jobs", default="1", help="guests side by side")
    parser.add_argument("--time", help="of each hunt, as anyclue hunt --time has it")
    parser.add_argument("--keep", type=Path, help="keep scenarios and runs here, and go on there")
    options = parser.parse_args()
    hunted = []
    with _directory(options.keep) as scratch:
        for pair in PAIRS:
            if options.pair and pair.name not in options.pair:
                continue
            hunted.append(HuntedPair(pair=pair, clue=_clue(pair, scratch, options)))
            print(f"{pair.name}: {hunted[-1].clue['sentence']}", file=sys.stderr)
            print(json.dumps(hunted[-1].document), file=sys.stderr)
    right = sum(one.is_right for one in hunted)
    rows = [one.document for one in hunted]
    print(json.dumps({"pairs": rows, "right": right, "of": len(rows)}))
    return int(right < len(rows))


def _clue(pair: PlantedPair, scratch: Path, options: argparse.Namespace) -> dict[str, Any]:
    slug = pair.name.replace(" ", "-")
    scenario, run = scratch / f"{slug}.toml", scratch / slug
    argv = [str(COMMAND), "hunt", "--jobs", options.jobs]
    argv += ["--time", options.time] if options.time else []
    if (run / "plan.json").is_file():
        argv += ["--resume", str(run)]
    else:
        scenario.write_text(pair.scenario)
        argv += [str(scenario), "--out", str(run)]
    done = subprocess.run(argv, stdout=subprocess.PIPE, check=False)
    if done.returncode not in (0, 1, 3) or not (run / "clues.json").is_file():
        raise SystemExit(f"{argv} failed with {done.returncode}")
    clue: dict[str, Any] = json.loads((run / "clues.json").read_text())
    return clue


@contextlib.contextmanager
def _directory(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="anyclue-bench-") as name:
        yield Path(name)


if __name__ == "__main__":
    sys.exit(main())
