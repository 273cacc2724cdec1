"""Every heading of the table: recognised as what it is, and by nothing else.

With ANYCLUE_KERNEL_SOURCES naming a directory that holds the trees `6.1`, `6.12` and `7.3`, each
row is also looked up in the source that it names.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.model.recording import IncidentKind, IncidentSeverity, LeakedObject, LogLine
from anyclue.recordings.kernel_headings import HEADINGS, KERNELS, KernelHeading
from anyclue.recordings.kernel_log import first_incident, heading_of

SOURCES = os.environ.get("ANYCLUE_KERNEL_SOURCES")
ids = [f"{number}-{heading.kind}" for number, heading in enumerate(HEADINGS)]
each_heading = pytest.mark.parametrize("heading", HEADINGS, ids=ids)


def log_of(*texts: str, facility: int = 0) -> list[LogLine]:
    return [
        LogLine(t_s=float(at), level=3, text=text, facility=facility)
        for at, text in enumerate(texts)
    ]


@each_heading
def test_the_example_of_each_row_is_its_kind_and_no_other(heading: KernelHeading) -> None:
    found = heading_of(heading.example)
    assert found is not None
    assert (found.kind, found.leaked) == (heading.kind, heading.leaked)
    assert heading.pattern.match(heading.example)
    others = {other.kind for other in HEADINGS if other.pattern.match(heading.example)}
    assert others == {heading.kind}


@each_heading
def test_a_heading_is_the_incident_of_its_log(heading: KernelHeading) -> None:
    incident = first_incident(log_of("before", heading.example, "after"))
    assert incident is not None
    assert (incident.kind, incident.title) == (heading.kind, heading.example)
    assert incident.leaked is heading.leaked


@each_heading
def test_what_a_process_wrote_to_kmsg_is_no_report(heading: KernelHeading) -> None:
    assert first_incident(log_of(heading.example, facility=1)) is None


@each_heading
def test_a_heading_inside_other_text_is_none(heading: KernelHeading) -> None:
    assert heading_of(f"demo[7] said '{heading.example}'") is None


@each_heading
def test_rows_name_where_they_are_from(heading: KernelHeading) -> None:
    assert heading.function.isidentifier()
    assert all(re.fullmatch(r"[a-z][\w./-]+\.[ch]", source) for source in heading.source)
    assert heading.kernels
    assert set(heading.kernels) <= set(KERNELS)


@pytest.mark.skipif(SOURCES is None, reason="ANYCLUE_KERNEL_SOURCES names no kernel trees")
@each_heading
def test_the_source_prints_it(heading: KernelHeading) -> None:
    texts = {
        kernel: [
            file.read_text(errors="replace")
            for source in heading.source
            if (file := Path(SOURCES or "", kernel, source)).exists()
        ]
        for kernel in KERNELS
    }
    printed = tuple(k for k in KERNELS if any(heading.printed in text for text in texts[k]))
    assert printed == heading.kernels
    assert any(heading.function in text for kernel in heading.kernels for text in texts[kernel])


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        # What the table's rows leave open: other formats of the same line.
        ("BUG dentry (Tainted: [E]=UNSIGNED_MODULE): Objects remaining on", IncidentKind.LEAK),
        ("BUG AF_VSOCK pool (Not tainted): Objects remaining on", IncidentKind.LEAK),
        ("BUG dentry (Tainted: G    B   W        ): Object already free", IncidentKind.BUG),
        ("BUG <unknown> (Not tainted): No slab cache for object 0x01", IncidentKind.BUG),
        ("VFS: Busy inodes after unmount of loop3. Self-destruct in 5 seconds.", IncidentKind.LEAK),
        ("kmemleak: unreferenced object (percpu) 0x607f88e3 (size 64):", IncidentKind.LEAK),
        ("BTRFS error (device vdc state EA): buffer leak start 1 len 1 refs 1", IncidentKind.LEAK),
        ("refcount_t: saturated; leaking memory.", IncidentKind.LEAK),
        ("BUG: KFENCE: memory corruption in demo_free+0x1/0x2 [demo]", IncidentKind.KFENCE),
        ("BUG: KCSAN: data-race in demo_a+0x1/0x2", IncidentKind.KCSAN),
        ("UBSAN: shift-out-of-bounds in ./include/linux/log2.h:67:13", IncidentKind.UBSAN),
        ("[ INFO: possible recursive locking detected ]", IncidentKind.LOCKDEP),
        ("WARNING: HARDIRQ-READ-safe -> HARDIRQ-READ-unsafe lock order detected",
         IncidentKind.LOCKDEP),
        ("BUG: MAX_LOCK_DEPTH too low!", IncidentKind.WARNING),
        ("NMI watchdog: BUG: soft lockup - CPU#2 stuck for 22s! [kworker/2:1:99]",
         IncidentKind.STALL),
        ("rcu: INFO: rcu_tasks_trace detected stalls? (Late IPI?)", IncidentKind.STALL),
        ("watchdog: CPU 3 detected hard LOCKUP on other CPUs 5", IncidentKind.STALL),
        ("INFO: task kworker/u8:2 b:44 blocked for more than 245 seconds.", IncidentKind.HUNG_TASK),
        ("kernel BUG at ../fs/demo/inode.c:9!", IncidentKind.BUG),
        ("kernel BUG at demo_get+0x1/0x2 [demo] [verbose debug info unavailable]",
         IncidentKind.BUG),
        ("demo: BUG: nobody knew of this one", IncidentKind.BUG),
        ("arch/x86/mm/pat.c:5: bad pgd 0000(1234)", IncidentKind.BUG),
        ("Internal error: synchronous external abort: 0000000096000410 [#2]  SMP",
         IncidentKind.OOPS),
        ("Internal error: Oops - BUG: 00000000f2000800 [#1] PREEMPT SMP", IncidentKind.OOPS),
        ("Internal error: Oops: 17 [#1] PREEMPT SMP THUMB2", IncidentKind.OOPS),
        ("Oops [#1]", IncidentKind.OOPS),
        ("Kernel BUG [#3]", IncidentKind.OOPS),
        ("Oops: Oops: 0002 [#1] SMP NOPTI", IncidentKind.OOPS),
        ("stack segment: 0000 [#1] PREEMPT SMP", IncidentKind.OOPS),
        ("Oops: 0004 ilc:2 [#1] SMP", IncidentKind.OOPS),
        ("Kernel bug detected[#1]:", IncidentKind.OOPS),
        ("Oops: Exception in kernel mode, sig: 5 [#1]", IncidentKind.OOPS),
        ("WARNING: CPU: 0 PID: 1 at demo_a+0x1/0x2", IncidentKind.WARNING),
        ("WARNING: at demo_a+0x1/0x2, CPU#0: a b/c/1", IncidentKind.WARNING),
        ("WARNING: ./include/linux/mm.h:71 at demo_b+0x1/0x2 [demo], CPU#12: kworker/1:0/9",
         IncidentKind.WARNING),
    ],
)  # fmt: skip
def test_other_forms_of_them(text: str, kind: IncidentKind) -> None:
    found = heading_of(text)
    assert found is not None
    assert found.kind is kind
    assert {other.kind for other in HEADINGS if other.pattern.match(text)} == {kind}


@pytest.mark.parametrize(
    "text",
    [
        # What a file system, a driver or a tool says in good health.
        "EXT4-fs (vdb): mounted filesystem 5b1e r/w with ordered data mode. Quota mode: none.",
        "EXT4-fs (vdb): INFO: recovery required on readonly filesystem",
        "EXT4-fs (vdb): warning: mounting unchecked fs, running e2fsck is recommended",
        "XFS (vdb): Ending clean mount",
        "XFS (vdb): EXPERIMENTAL online scrub feature in use. Use at your own risk!",
        "XFS (vdb): WARNING: Reset corrupted AGFL on AG 3. 4 blocks leaked. Please unmount",
        "XFS (vdb): Internal error ltbno + ltlen > bno at line 1955 of file fs/xfs/libxfs/a.c.",
        "BTRFS info (device vdb): disk space caching is enabled",
        "BTRFS warning (device vdb): leaking qgroup reserved space, ino: 257, start: 0, end: 4095",
        "BTRFS: device fsid 11 devid 1 transid 8 /dev/vdb scanned by mount (301)",
        "F2FS-fs (vdb): Mounted with checkpoint version = 2f",
        "run fstests generic/475 at 2026-11-02 10:11:12",
        # WARNING: that is no report of WARN().
        "WARNING: Flushing system-wide workqueues will be prohibited in near future.",
        "WARNING: The mand mount option has been deprecated and",
        "WARNING: stack recursion on stack type 4",
        "WARNING: kernel not compiled with MITIGATION_SRSO.",
        "Spectre V2 : WARNING: Unprivileged eBPF is enabled with eIBRS on",
        "zonefs (nullb0) WARNING: zone 4: write error",
        "WARNING: the disk is nearly full",
        "WARNING: at last",
        "WARNING: CPU: it is hot",
        "WARNING: a:1 at noon, CPU#1: rm/33",
        # What belongs to a report but begins none.
        "turning off the locking correctness validator.",
        "INFO: lockdep is turned off.",
        "Disabling lock debugging due to kernel taint",
        "demo: module verification failed: signature and/or required key missing - tainting kernel",
        "demo: loading out-of-tree module taints kernel.",
        "CPU: 1 UID: 0 PID: 33 Comm: rm Tainted: G    B   W           7.3.4 #1 PREEMPT(full)",
        "Tainted: [B]=BAD_PAGE, [W]=WARN",
        " *** DEADLOCK ***",
        "inconsistent {SOFTIRQ-ON-W} -> {IN-SOFTIRQ-W} usage.",
        "Object 0x000000001a2b3c4d @offset=144",
        "FIX demo_inode: Object at 0x000000001a2b3c4d not freed",
        "Slab 0x00000000d1e2f3a4 objects=27 used=3 fp=0x0 flags=0x200(workingset)",
        "---[ end trace 0000000000000000 ]---",
        "---[ end Kernel panic - not syncing: Fatal exception ]---",
        "------------[ cut here ]------------",
        "INFO: task umount:733 is blocked on a mutex likely owned by task sync:702.",
        "INFO: task umount:733 blocked on a semaphore likely last held by task sync:702",
        "rcu: INFO: Stall ended before state dump start",
        "rcu: rcu_preempt kthread starved for 2101 jiffies! g901 f0x0 RCU_GP_WAIT_FQS(5)",
        "csd: CSD lock (#1) got unstuck on CPU#03, CPU#00 released the lock.",
        # Words of reports inside other text.
        "BUG_ON(inode->i_nlink == 0) was patched out",
        "demo: see the BUG_ON() in demo_iget()",
        "Going to BUG for resource M0000000000000001.",
        "[Firmware Bug]: Unable to handle paging request in EFI runtime service",
        "[Firmware Bug]: TSC_DEADLINE disabled due to Errata",
        "nfs: server says: Internal error",
        "systemd[1]: Internal error: no [#1] like it",
        "Command line: BOOT_IMAGE=/vmlinuz panic=30 oops=panic kmemleak=on",
        "kasan: KernelAddressSanitizer initialized (generic)",
        "kfence: initialized - using 2097152 bytes for 255 objects at 0x1-0x2",
        "kmemleak: Kernel memory leak detector initialized (mem pool available: 15679)",
        "kmemleak: Kmemleak disabled without freeing internal data.",
        "kmemleak: 0x1 new suspected memory leaks",
        "ODEBUG: Out of memory. ODEBUG disabled",
        "ODEBUG: selftest passed",
        "SLUB: HWalign=64, Order=0-3, MinObjects=0, CPUs=4, Nodes=1",
        "Memory: 2011234K/2096628K available (18432K kernel code)",
        "traps: a.out[311] general protection fault ip:401136 sp:7ffd8c6ed3d0 error:0",
        "a.out[312]: segfault at 0 ip 0804917b sp bfc2a8d0 error 6",
        "User process fault: interruption code 0010 ilc:3 in a.out[2aa]",
        "a.out: unhandled page fault (11) at 0x00000000, code 0x017",
        "watchdog: Delayed init of the lockup detector failed: -19",
        "",
    ],
)  # fmt: skip
def test_what_is_harmless(text: str) -> None:
    assert heading_of(text) is None


def test_subjects() -> None:
    def subject(*texts: str) -> tuple[LeakedObject | None, str | None]:
        incident = first_incident(log_of(*texts))
        assert incident is not None
        return incident.leaked, incident.subject

    inodes = "VFS: Busy inodes after unmount of vdc (demo)"
    assert subject(
        "BUG demo node (Tainted: G           OE     ): Objects remaining on __kmem_cache_shutdown()"
    ) == (LeakedObject.SLAB_CACHE, "demo node")
    assert subject(inodes) == (LeakedObject.INODES, "vdc (demo)")
    assert subject("kmemleak: 2 new suspected memory leaks (see") == (
        LeakedObject.ALLOCATIONS,
        "2 new suspected memory leaks",
    )
    assert subject("BUG kmalloc-96 (Not tainted): Poison overwritten") == (None, "kmalloc-96")
    # CONFIG_BUG_ON_DATA_CORRUPTION: the same report goes on as a BUG.
    cut = "------------[ cut here ]------------"
    assert subject(inodes, cut, "kernel BUG at fs/super.c:652!") == (
        LeakedObject.INODES,
        "vdc (demo)",
    )
    assert subject(inodes, "...", "...", cut, "kernel BUG at mm/other.c:1!") == (None, None)


REMAINING = """\
=============================================================================
BUG demo_node (Tainted: G           OE     ): Objects remaining on __kmem_cache_shutdown()
-----------------------------------------------------------------------------
Object 0x00000000f3a1c2d4 @offset=1408
Allocated in demo_get_node+0x5d/0x120 [demo] age=4127 cpu=0 pid=733
 demo_get_node+0x5d/0x120 [demo]
 demo_update_inode+0x88/0x1b0 [demo]
Slab 0x00000000ab12cd34 objects=21 used=1 fp=0x0000000012ab34cd flags=0x200(workingset|node=0)
Call Trace:
 dump_stack_lvl+0x5d/0x80
 __kmem_cache_shutdown+0x1a0/0x2c0
 kmem_cache_destroy+0x51/0x160
 demo_exit+0x15/0x40 [demo]
kmem_cache_destroy demo_node: Slab cache still has objects when called from demo_exit+0x15/0x40
WARNING: mm/slab_common.c:579 at kmem_cache_destroy+0x12b/0x160, CPU#0: rmmod/801"""

ARM64 = """\
Unable to handle kernel NULL pointer dereference at virtual address 0000000000000018
Mem abort info:
Internal error: Oops: 0000000096000004 [#1]  SMP
CPU: 1 UID: 0 PID: 412 Comm: umount Not tainted 7.3.4 #1 PREEMPT
pc : demo_put_super+0x48/0xc0 [demo]
lr : demo_put_super+0x2c/0xc0 [demo]
Call trace:
 demo_put_super+0x48/0xc0 [demo] (P)
 generic_shutdown_super+0x88/0x150"""

RISCV = """\
Unable to handle kernel paging request at virtual address ff20000000001000
Oops [#1]
epc : demo_read_block+0x1e/0x9a
[<ffffffff8026a1b2>] demo_read_block+0x1e/0x9a
[<ffffffff8026b0c4>] demo_readahead+0x62/0x1d0"""

S390 = """\
Unable to handle kernel pointer dereference in virtual kernel address space
Oops: 0004 ilc:3 [#1] SMP
Call Trace:
 [<000003ff8014c2ce>] demo_sync_fs+0x36/0xa0 [demo]
 [<00000000c0a1b2d4>] sync_filesystem+0x9c/0xb0"""

POWERPC = """\
BUG: Kernel NULL pointer dereference on read at 0x00000010
Oops: Kernel access of bad area, sig: 11 [#1]
NIP [c00800000a1b2c3d] demo_lookup+0x6c/0x1f0 [demo]
LR [c00800000a1b2c00] demo_lookup+0x30/0x1f0 [demo]
[c000000012345678] [c00800000a1b2c3d] demo_lookup+0x6c/0x1f0 [demo] (unreliable)"""

WARN = """\
------------[ cut here ]------------
WARNING: fs/demo/group.c:91 at demo_add_group+0x1c1/0x2f0 [demo], CPU#2: mkdir/77
Call Trace:
 demo_mkdir+0x20/0x60 [demo]"""


@pytest.mark.parametrize(
    ("log", "kind", "function"),
    [
        (REMAINING, IncidentKind.LEAK, "demo_get_node"),
        (ARM64, IncidentKind.OOPS, "demo_put_super"),
        (RISCV, IncidentKind.OOPS, "demo_read_block"),
        (S390, IncidentKind.OOPS, "demo_sync_fs"),
        (POWERPC, IncidentKind.BUG, "demo_lookup"),
        (WARN, IncidentKind.WARNING, "demo_add_group"),
    ],
)
def test_the_function_of_whole_reports(log: str, kind: IncidentKind, function: str) -> None:
    incident = first_incident(log_of(*log.splitlines()))
    assert incident is not None
    assert (incident.kind, incident.function) == (kind, function)


def test_gravity() -> None:
    leak = "VFS: Busy inodes after unmount of vdc (demo)"
    warn = "WARNING: fs/demo/super.c:9 at demo_a+0x1/0x2 [demo], CPU#1: umount/3"
    hung = "INFO: task sync:211 blocked in I/O wait for more than 45 seconds."
    bug = "kernel BUG at fs/demo/super.c:12!"

    def kind(*texts: str) -> IncidentKind:
        incident = first_incident(log_of(*texts))
        assert incident is not None
        return incident.kind

    assert kind(warn, leak) is IncidentKind.LEAK
    assert kind(hung, leak) is IncidentKind.LEAK
    assert kind(warn, hung) is IncidentKind.HUNG_TASK
    assert kind(leak, "-", "-", bug) is IncidentKind.BUG
    assert IncidentKind.WARNING.severity is IncidentSeverity.WARNING
    assert {k for k in IncidentKind if k.severity is IncidentSeverity.FATAL} == {
        *(IncidentKind.BUG, IncidentKind.OOPS, IncidentKind.PANIC, IncidentKind.LOCKDEP),
        *(IncidentKind.KASAN, IncidentKind.KFENCE, IncidentKind.KMSAN),
    }


@each_heading
def test_patterns_take_no_longer_than_the_line(heading: KernelHeading) -> None:
    """Nothing repeats what repeats, and every repetition is bounded."""
    without_classes = re.sub(r"\\.|\[(?:\\.|[^\]])*\]", "x", heading.pattern.pattern)
    assert not re.search(r"[+*]", without_classes.replace(r"\+", ""))
    assert not re.search(r"\{\d+,\d*\}[^()|]*\)\{", without_classes)


@pytest.mark.parametrize(
    "piece", ["a", "BUG ", "(", "WARNING: ", "x: ", "[#1", ": 0", "INFO: task "]
)
def test_hostile_lines(piece: str) -> None:
    begin = time.process_time()
    for _ in range(20):
        heading_of(piece * 20_000)
    assert time.process_time() - begin < 1


@given(st.sampled_from(HEADINGS), st.text(max_size=40), st.integers(0, 60))
def test_whatever_the_text(heading: KernelHeading, text: str, at: int) -> None:
    heading_of(heading.example[:at] + text + heading.example[at:])
