"""Counters from captured /proc files: all there, cut short anywhere, and never made up."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.recordings.procfs import (
    PARSERS,
    facts,
    meminfo,
    merged_caches,
    mounts,
    slab_grains,
    slabinfo,
    threads,
    vmallocinfo,
    zoneinfo,
)

NAMES = sorted(PARSERS)
OF_HOST = sorted(PARSERS.keys() - {"mounts", "pools", "threads"})


def test_a_6_1_guest(guest_proc: Mapping[str, str]) -> None:
    memory = PARSERS["meminfo"](guest_proc["meminfo"])
    assert memory["meminfo.MemTotal"] == 2059300
    assert memory["meminfo.Active(file)"] == 4
    assert memory["meminfo.HugePages_Total"] == 0
    assert len(memory) == guest_proc["meminfo"].count("\n")
    assert len(PARSERS["vmstat"](guest_proc["vmstat"])) == guest_proc["vmstat"].count("\n")
    counts = [int(text) for text in re.findall(r"count: +(\d+)", guest_proc["zoneinfo"])]
    assert PARSERS["zoneinfo"](guest_proc["zoneinfo"]) == {"pcp.total": 4.0 * sum(counts)}
    caches = guest_proc["slabinfo"].count("\n") - 2
    assert len(PARSERS["slabinfo"](guest_proc["slabinfo"])) == 2 * caches
    callers = PARSERS["vmallocinfo"](guest_proc["vmallocinfo"])
    assert callers["vmalloc_kib.crypto_scomp_init_tfm"] == 2 * 135168 / 1024
    assert "vmalloc_kib.pci_iomap_range" not in callers  # ioremap takes no memory
    assert callers["vmalloc_areas.crypto_scomp_init_tfm"] == 2
    assert callers["vmalloc_areas.pci_iomap_range"] == guest_proc["vmallocinfo"].count(
        " pci_iomap_range+"
    )
    named = guest_proc["vmallocinfo"].count("+0x")
    assert sum(v for name, v in callers.items() if name.startswith("vmalloc_areas.")) == named
    mounted = PARSERS["mounts"](guest_proc["mounts"])
    assert mounted.keys() == {
        f"mounts.{name}" for name in ("rootfs", "devtmpfs", "proc", "sysfs", "debugfs", "tracefs")
    }
    assert set(mounted.values()) == {1}
    running = PARSERS["threads"](guest_proc["threads"])
    assert sum(running.values()) == guest_proc["threads"].count("\n")
    assert running["threads.kworker"] == guest_proc["threads"].count("kworker/")
    assert {"threads.rcu_preempt", "threads.ksoftirqd", "threads.kswapd"} <= running.keys()


def test_pools_of_free_pages() -> None:
    assert PARSERS["pools"]("btrfs_compr 172\nother 0\n") == {
        "pool.btrfs_compr": 688.0,
        "pool.other": 0.0,
    }


def test_full_slabs_have_a_grain() -> None:
    line = "{} {} {} 128 32 1 : tunables 0 0 0 : slabdata 2 2 0\n"
    text = line.format("some", 63, 64) + line.format("full", 64, 64) + line.format("none", 0, 0)
    assert slab_grains(text) == {"slab_grain.full": 32.0}


def test_a_6_18_host(host_proc: Mapping[str, str]) -> None:
    memory = PARSERS["meminfo"](host_proc["meminfo"])
    assert len(memory) == host_proc["meminfo"].count("\n")
    counts = [int(text) for text in re.findall(r"count: +(\d+)", host_proc["zoneinfo"])]
    assert len(counts) == 6  # three zones on two processors; the empty zones have none
    assert PARSERS["zoneinfo"](host_proc["zoneinfo"]) == {"pcp.total": 4.0 * sum(counts)}
    assert PARSERS["slabinfo"](host_proc["slabinfo"])["slab_objects.bio-312"] == 12
    callers = PARSERS["vmallocinfo"](host_proc["vmallocinfo"])
    assert callers["vmalloc_kib.irq_init_percpu_irqstack"] >= 20  # "vmap" counts, too
    assert "vmalloc_kib.memremap" not in callers
    assert callers["vmalloc_areas.memremap"] >= 1


@pytest.mark.parametrize(
    ("name", "counted"),
    [
        ("kworker/0:1-events", "kworker"),
        ("kworker/u4:2", "kworker"),
        ("kworker/0:1H+kblockd", "kworker"),
        ("kworker/R-btrfs-endio", "kworker/R-btrfs-endio"),
        ("jbd2/vdb-8", "jbd2"),
        ("xfsaild/vdb", "xfsaild"),
        ("f2fs_gc-254:16", "f2fs_gc"),
        ("btrfs-transacti", "btrfs-transacti"),
        ("ksoftirqd/1", "ksoftirqd"),
        ("kswapd0", "kswapd"),
        ("loop17", "loop"),
        ("42", "42"),
        ("/1", "/1"),
    ],
)
def test_threads_count_by_what_they_do(name: str, counted: str) -> None:
    assert threads(f"{name}\n{name}\n") == {f"threads.{counted}": 2.0}


def test_merged_caches(slab_links: str, guest_proc: Mapping[str, str]) -> None:
    """What slabinfo counts under a name has the others that share it; links to none are nothing."""
    counted = [name.split(".", 1)[1] for name in slabinfo(guest_proc["slabinfo"])]
    merged = merged_caches(slab_links, counted)
    (vmap,) = [names for name, names in merged.items() if "vmap_area" in (name, *names)]
    assert "btrfs_delayed_extent_op" in vmap
    assert merged.keys() <= set(counted)
    links = dict(line.split() for line in slab_links.splitlines())
    for name, others in merged.items():
        assert {links[other] for other in others} == {links[name]}
        assert name not in others


def test_a_cache_that_was_never_merged_may_get_names() -> None:
    links = "fuse_request bio-192\nfuse_inode bio-192\n"
    assert merged_caches(links, ["bio-192"]) == {"bio-192": ("fuse_inode", "fuse_request")}
    assert merged_caches(links, ["kmalloc-8"]) == {}


@pytest.mark.parametrize(
    "text", ["", "a\n", "a :1 b", "a b c\n", "a /etc\n", "\0 :1\na\x1b :1\n", f"{'a' * 65} :1\n"]
)
def test_what_is_no_link_is_left_out(text: str) -> None:
    assert merged_caches(text + "\nx :1\n", ["x", "a"]) == {}


@pytest.mark.parametrize(
    ("where", "name"),
    [*(("guest_proc", name) for name in NAMES), *(("host_proc", name) for name in OF_HOST)],
)
def test_cut_short_anywhere(name: str, where: str, request: pytest.FixtureRequest) -> None:
    """What a cut text gives is what its whole lines say: no number loses its last digits."""
    text = request.getfixturevalue(where)[name][:6000]
    parse = PARSERS[name]
    expected: dict[str, float] = {}
    for end in range(len(text) + 1):
        if text[:end].endswith("\n"):
            expected = parse(text[:end])
        assert parse(text[:end]) == expected, end


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (meminfo, "MemFree: kB\nMemFree:\n12 kB\nMemFree 12 kB\n: 12 kB\nMemFree: -1 kB\n"),
        (meminfo, f"MemFree: {'9' * 5000} kB\n"),
        (zoneinfo, f"  count: {'9' * 5000}\n  count:\n 7\n"),
        (zoneinfo, ""),
        (slabinfo, f"kmalloc-64 {'9' * 5000} 2 64 64 1 : tunables 0 0 0\n"),
        (slabinfo, "# name <active_objs>\nkmalloc-64 1 2 64\nkmalloc 1 2 x 4 5 : \n"),
        (slabinfo, "kmalloc-64\n1 2 64 64 1 : tunables\n"),
        (vmallocinfo, f"0x1-0x2 {'9' * 5000} f+0x1/0x2 vmalloc\n"),
        (vmallocinfo, "0x1-0x2 8192 unpurged vm_area\n0x1-0x2 8192 f-0x1/0x2 user\n"),
        (mounts, "dev / \x1b[2J rw 0 0\nrootfs /\nrootfs / ext4\n"),
        (threads, f"\nk worker\nb\xebd\n\x1b[2J\n{'x' * 65}\n"),
    ],
)
def test_what_is_no_counter_is_left_out(
    parse: Callable[[str], dict[str, float]], text: str
) -> None:
    assert parse(text) == {}


numbers = st.integers(0, 10**6).map(str) | st.sampled_from(["9" * 400, "9" * 5000, "-1", "٣", "²"])
WORDS = "MemFree:|kB|count:|kmalloc-64|:|nr_free_pages|0x0-0x1|f+0x1/0x2|vmalloc|\0|\r|\x85|\n| "
pieces = st.sampled_from(WORDS.split("|")) | numbers | st.text(max_size=5)


@given(st.lists(pieces, max_size=40).map(" ".join))
def test_whatever_the_text_no_parser_raises(text: str) -> None:
    for parse in PARSERS.values():
        assert all(math.isfinite(value) for value in parse(text).values())
    assert all(number < 10**18 for _, number in facts(text))


def test_facts() -> None:
    text = "files 600\nfsload: /mnt/a: No space left on device\nenospc 1\nBytes 3\nx -1\nlast 12"
    assert dict(facts(text)) == {"files": 600, "enospc": 1}
