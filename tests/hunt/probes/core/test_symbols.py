"""Files and lines, as addr2line printed them of a module that was built with debug info."""

from __future__ import annotations

from tests.hunt.probes.core.conftest import GUILTY, symbols

from anyclue.hunt.probes.core.model import (
    Amount,
    Frame,
    ProbeFinding,
    ProbeReading,
    SourceLocation,
    StackEvidence,
)
from anyclue.hunt.probes.core.symbols import module_frames, parse_addr2line, with_places

# Real, of fs/btrfs of 6.1 for i386; paths of the host cut.
SHOWN = """\
0x00000042
kmap_local_page
/home/u/headers/usr/src/linux-headers-6.1.0-50-common/include/linux/highmem-internal.h:73
lzo_compress_pages
/linux/fs/btrfs/lzo.c:251 (discriminator 3)
0x00000050
??
??:0
0x00000060
memcpy
/home/u/headers/arch/x86/include/asm/string_32.h:9
0x00000070
cut_short
"""
CALL = Frame(symbol="lzo_compress_pages", offset=0x43, module="btrfs")


def test_what_addr2line_prints() -> None:
    found = parse_addr2line(".text", SHOWN, tree="/linux")
    assert found == {
        (".text", 0x42): (
            SourceLocation(
                function="kmap_local_page", file="include/linux/highmem-internal.h", line=73
            ),
            SourceLocation(function="lzo_compress_pages", file="fs/btrfs/lzo.c", line=251),
        ),
        (".text", 0x60): (
            SourceLocation(function="memcpy", file="arch/x86/include/asm/string_32.h", line=9),
        ),
    }
    assert parse_addr2line(".text", "0xzz\n\n??", tree="/linux") == {}


def test_the_line_of_a_frame_is_that_of_the_call() -> None:
    known = symbols({0x0: "lzo_compress_pages"})
    elsewhere = Frame(symbol="vfs_write", offset=3)
    finding = ProbeFinding(
        probe="p",
        what=StackEvidence.KMAP,
        signature=None,
        stack=(CALL, elsewhere),
        guilty=Amount(kib_per_round=0, count_per_round=1),
    )
    reading = ProbeReading(probe="p", cell=GUILTY, innocent=None, findings=(finding,))
    frames = module_frames(reading, known, "btrfs")
    assert frames == {CALL: (".text", 0x42)}
    placed = with_places(reading, frames, parse_addr2line(".text", SHOWN, tree="/linux"))
    first, second = placed.findings[0].stack
    assert [place.line for place in first.places] == [73, 251]
    assert second == elsewhere
