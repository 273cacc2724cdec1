"""What the kernel prints of slabs, areas, tags, leaks and incidents; stacks of mappings."""

from __future__ import annotations

import struct
from dataclasses import replace

from tests.hunt.probes.core.conftest import recording

from anyclue.hunt.probes.core.allocation_tags import tags
from anyclue.hunt.probes.core.differences import compare
from anyclue.hunt.probes.core.ftrace import TracepointEvent
from anyclue.hunt.probes.core.kmap_balance import unmatched
from anyclue.hunt.probes.core.kmemleak import leaks
from anyclue.hunt.probes.core.model import Frame, SourceLocation, StackEvidence
from anyclue.hunt.probes.core.probe import SNAPSHOT_MARK, ProbeData
from anyclue.hunt.probes.core.registry import PROBES
from anyclue.hunt.probes.core.ring_pages import Field, Format
from anyclue.hunt.probes.core.slab_growth import caches
from anyclue.hunt.probes.core.slab_traces import books
from anyclue.hunt.probes.core.symbols import Symbols, parse_frame, read_symbols
from anyclue.hunt.probes.core.vmalloc_callers import areas
from anyclue.model.recording import Incident, IncidentKind, LogLine, Outcome, Reading, Round
from anyclue.model.verdict import Signature

# Real, from a guest booted with slub_debug=U; cut.
TRACES = """\
cache aio_kiocb 112
No data
cache kmalloc-256 256
    600 btrfs_compress_pages+0x5f/0x140 [btrfs] age=241/128098/381632 pid=1-1059
        __kmem_cache_alloc_node+0x1/0x2
        btrfs_compress_pages+0x5f/0x140 [btrfs]
        compress_file_range+0x402/0x7c0 [btrfs]

      3 __anon_vma_prepare+0xe7/0x170 age=391/128132/381632 pid=1-1059
"""


def floors(*texts: str) -> bytes:
    return "".join(f"{SNAPSHOT_MARK}\n{text}" for text in texts).encode()


def found(name: str, raw: dict[str, bytes]) -> list[tuple[str, list[str], float, float]]:
    reading = compare(
        PROBES[name], ProbeData(recording=recording(), raw=raw, symbols=Symbols()), None
    )
    assert reading.could_not == ""
    return [
        (
            finding.subject,
            [frame.symbol for frame in finding.stack],
            finding.guilty.count_per_round,
            finding.guilty.kib_per_round,
        )
        for finding in reading.findings
    ]


def test_the_books_of_slabs() -> None:
    assert {(cache, frames[0].symbol): n for (cache, frames), n in books(TRACES).items()} == {
        ("kmalloc-256", "__kmem_cache_alloc_node"): 600,
        ("kmalloc-256", "__anon_vma_prepare"): 3,
    }
    more = TRACES.replace("    600 ", "   1200 ")
    raw = {
        "alloc-traces": floors("", TRACES, more, more.replace("1200", "1800")),
    }
    stack = ["__kmem_cache_alloc_node", "btrfs_compress_pages", "compress_file_range"]
    assert found("slab-traces", raw) == [("kmalloc-256", stack, 600, 150)]


def test_a_cache_that_did_not_grow_in_every_round_is_left_out() -> None:
    """Its books were not read at every floor, so nothing is known of what was added."""
    raw = {"alloc-traces": floors("", TRACES, "", TRACES.replace("600", "900"))}
    assert found("slab-traces", raw) == []


def test_slabs_that_grow() -> None:
    def info(objects: int) -> str:
        return f"slabinfo - version: 2.1\nkmalloc-256 {objects} 999 256 16 1 : tunables 0 0 0\n"

    assert caches(info(7)) == {"kmalloc-256": (7, 256)}
    raw = {"slabinfo": floors(*map(info, (100, 140, 180, 220)))}
    assert found("slab-growth", raw) == [("kmalloc-256", [], 40, 10)]
    once = {"slabinfo": floors(*map(info, (100, 140, 140, 180)))}
    assert found("slab-growth", once) == []


def test_areas_by_caller() -> None:
    text = (
        "0xf7c00000-0xf7c02000    8192 load_module+0x1f/0x99 [btrfs] pages=1 vmalloc\n"
        "0xf7c02000-0xf7c03000    4096 unpurged vm_area\n"
        "0xf7c04000-0xf7c05000    4096 acpi_os_map+0x1/0x2 phys=0x1 ioremap\n"
    )
    caller = "load_module+0x1f/0x99 [btrfs]"
    assert areas(text) == ({caller: 1}, {caller: 8192})
    raw = {"vmallocinfo": floors("", text, text * 2, text * 3)}
    assert found("vmalloc-callers", raw) == [("load_module", ["load_module"], 1, 8)]


def test_tags() -> None:
    text = (
        "allocinfo - version: 1.0\n#     <size>  <calls> <tag info>\n"
        "      8192        2 fs/btrfs/lzo.c:97 [btrfs] func:lzo_alloc_workspace\n"
        "         0        0 init/main.c:1314 func:do_initcalls\n"
    )
    counts, sizes = tags(text)
    tag = ("fs/btrfs/lzo.c", 97, "btrfs", "lzo_alloc_workspace")
    assert (counts[tag], sizes[tag]) == (2, 8192)
    raw = {"allocinfo": floors("", text, text.replace("8192        2", "16384        4"))}
    assert found("allocation-tags", raw) == [("", ["lzo_alloc_workspace"], 2, 8)]


def test_what_nothing_points_to() -> None:
    text = (
        "unreferenced object 0xc1a2b3c0 (size 256):\n"
        '  comm "kworker/u2:1", pid 31, jiffies 4294 (age 12.3s)\n'
        "  hex dump (first 32 bytes):\n    00 00 00 00  ....\n"
        "  backtrace:\n    [<(ptrval)>] kmalloc_trace+0x1/0x2\n"
        "    [<00000000c0ffee00>] btrfs_compress_pages+0x5f/0x140 [btrfs]\n"
    )
    (((frames, size), number),) = leaks(text * 8).items()
    assert ([f.symbol for f in frames], size, number) == (
        ["kmalloc_trace", "btrfs_compress_pages"], 256, 8)  # fmt: skip
    rounds = tuple(
        Round(number=n, begin_s=1, end_s=2, settled=None, floor=Reading(t_s=1, counters={}))
        for n in range(4)
    )
    probe_data = ProbeData(
        recording=replace(recording(), rounds=rounds),
        raw={"kmemleak": text.encode() * 8},
        symbols=Symbols(),
    )
    (finding,) = compare(PROBES["kmemleak"], probe_data, None).findings
    assert (finding.guilty.count_per_round, finding.guilty.kib_per_round) == (2, 0.5)


def test_kmemleak_that_switched_itself_off_is_not_trusted() -> None:
    line = LogLine(t_s=1, level=4, text="kmemleak: Kernel memory leak detector disabled")
    probe_data = ProbeData(
        recording=replace(recording(), kernel_log=(line,)), raw={}, symbols=Symbols()
    )
    reading = compare(PROBES["kmemleak"], probe_data, None)
    assert "not trusted" in reading.could_not


def test_the_first_report() -> None:
    text = (
        "kernel BUG at mm/highmem.c:467!\nEIP: __kmap_local_pfn_prot+0x150/0x180\n"
        "Call Trace:\n ? show_regs.cold+0x1/0x2\n __kmap_local_page_prot+0x51/0x60\n"
        " lzo_compress_pages+0x11b/0x3a0 [btrfs]\n---[ end trace 0000000000000000 ]---\n"
        " later+0x1/0x2\n"
    )
    title = "kernel BUG at mm/highmem.c:467!"
    incident = Incident(kind=IncidentKind.BUG, t_s=1, title=title, function=None,
                        text=text)  # fmt: skip
    broken = recording(1, outcome=Outcome.CRASHED, incident=incident)
    probe_data = ProbeData(recording=broken, raw={}, symbols=Symbols())
    fine = ProbeData(recording=recording(), raw={}, symbols=Symbols())
    (finding,) = compare(PROBES["incidents"], probe_data, fine).findings
    assert finding.what is StackEvidence.INCIDENT
    assert finding.signature is Signature.KMAP_SLOTS
    assert [frame.symbol for frame in finding.stack] == [
        "__kmap_local_pfn_prot", "__kmap_local_page_prot", "lzo_compress_pages"]  # fmt: skip
    assert compare(PROBES["incidents"], fine, None).findings == ()


def mapping(time: int, name: str, task: int, what: int = 0, caller: int = 0) -> TracepointEvent:
    return TracepointEvent(time, name, struct.pack("<iII", task, what, caller), (0x10, 0x30))


MAPPING = {
    name: Format(
        number=1,
        fields={
            "common_pid": Field(offset=0, size=4),
            "what": Field(offset=4, size=4),
            "__probe_ret_ip": Field(offset=8, size=4),
        },
    )
    for name in (
        "map_local",
        "mapped_local",
        "unmap_local",
        "map_high",
        "mapped_high",
        "unmap_high",
    )
}


def test_mappings_that_nobody_undid() -> None:
    events = [
        mapping(1, "map_local", 7),
        mapping(2, "map_local", 8),
        mapping(3, "mapped_local", 8, 0x8000, 0x22),
        mapping(4, "mapped_local", 7, 0x7000, 0x20),
        mapping(5, "unmap_local", 7, 0x7123),
        mapping(6, "map_high", 7, 0x99),
        mapping(7, "mapped_high", 7, 0, 0x24),
        mapping(8, "unmap_high", 7, 0x77),
    ]
    assert unmatched(events, MAPPING) == [(2, (0x10, 0x22, 0x30)), (6, (0x10, 0x24, 0x30))]
    assert unmatched([*events, mapping(9, "unmap_high", 7, 0x99)], MAPPING) == [
        (2, (0x10, 0x22, 0x30))
    ]


def test_symbols() -> None:
    lines = (
        "c0001000 T one",
        "c0002000 t two\t[btrfs]",
        "c0001800 d data",
        "nonsense",
        "c0003000 t two\t[xfs]",
    )
    kallsyms = "".join(f"{line}\n" for line in lines).encode()
    sections = b"/sys/module/btrfs/sections/.text:0xc0002000\n/x/sections/.init.text:0xc0001f00\n"
    known = read_symbols(kallsyms, sections)
    frame = known.frame(0xC0002010)
    assert (frame.symbol, frame.offset, frame.module) == ("two", 0x10, "btrfs")
    assert known.address(frame) == 0xC0002010
    assert known.in_section(0xC0002010) == (".text", 0x10)
    assert known.frame(0x10) == Frame(symbol="0x10")
    assert known.in_section(0x10) is None
    assert known.address(Frame(symbol="none", offset=1)) is None


def test_names_as_the_kernel_prints_them() -> None:
    assert parse_frame(" lzo_compress_pages.part.0+0x11b/0x3a0 [btrfs]") == Frame(
        symbol="lzo_compress_pages.part.0",
        offset=0x11B,
        module="btrfs",
        places=(SourceLocation(function="lzo_compress_pages.part.0"),),
    )
    assert parse_frame("no frame at all") is None
