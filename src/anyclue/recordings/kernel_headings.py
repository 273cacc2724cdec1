"""The headings under which Linux reports that something broke: each as its source prints it.

Taken from the sources of Linux 6.1, 6.12 and 7.3, all architectures. A line of the log is what a
guest wrote: every pattern is anchored or begins with a fixed word, and every repetition is bounded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from anyclue.model.recording import IncidentKind, LeakedObject

KERNELS: Final = ("6.1", "6.12", "7.3")
"""The kernels whose sources were read."""

_SINCE_7_3: Final = ("7.3",)
_SINCE_6_12: Final = ("6.12", "7.3")
_UNTIL_6_1: Final = ("6.1",)
_UNTIL_6_12: Final = ("6.1", "6.12")

_LOCKDEP: Final = r"^(?:WARNING|INFO|\[ INFO): (?:possible )?"  # the brackets: before 4.11
_SYMBOL: Final = r"[A-Za-z_][\w.]{0,127}\+0x[0-9a-f]{1,16}/0x[0-9a-f]{1,16}"
_COMM: Final = r"^.{1,15}"  # TASK_COMM_LEN
_DIED: Final = r"^[\w ,.:()/#-]{1,200}"
_SLUB: Final = r"^BUG (?P<subject>.{1,100}) \((?:Not tainted|Tainted: [^)]{1,120})\): "
_CALLER: Final = rf"(?:{_SYMBOL}(?: \[[\w-]{{1,64}}\])?|0x[0-9a-f]{{1,16}})"  # %pS


@dataclass(frozen=True, kw_only=True)
class KernelHeading:
    """A line that begins a report of the kernel's.

    Attributes:
        kind: what kind of incident it begins.
        pattern: what the line looks like; its group ``subject``, if any, names what was left.
        printed: the part of the format string that does not change, as the source writes it.
        source: the file, or files, in the kernel's tree.
        function: the function, or macro, in which it stands.
        kernels: those of `KERNELS` that print it.
        example: such a line.
        leaked: what the kernel itself says was never freed.
    """

    kind: IncidentKind
    pattern: re.Pattern[str]
    printed: str
    source: tuple[str, ...]
    function: str
    kernels: tuple[str, ...]
    example: str
    leaked: LeakedObject | None = None


def _heading(
    kind: IncidentKind,
    pattern: str,
    printed: str,
    where: str,
    example: str,
    *,
    kernels: tuple[str, ...] = KERNELS,
    leaked: LeakedObject | None = None,
) -> KernelHeading:
    *files, last = where.split()
    file, _, function = last.partition(":")
    return KernelHeading(
        kind=kind,
        pattern=re.compile(pattern, re.ASCII),
        printed=printed,
        source=(*files, file),
        function=function,
        kernels=kernels,
        example=example,
        leaked=leaked,
    )


_LEAKS: Final = (
    _heading(
        IncidentKind.LEAK,
        _SLUB + r"Objects remaining ",
        "Objects remaining in %s on __kmem_cache_shutdown()",
        "mm/slub.c:list_slab_objects",
        "BUG demo_inode (Tainted: G        W  OE     ): Objects remaining in demo_inode on"
        " __kmem_cache_shutdown()",
        kernels=_UNTIL_6_1,
        leaked=LeakedObject.SLAB_CACHE,
    ),
    _heading(
        IncidentKind.LEAK,
        _SLUB + r"Objects remaining ",
        "Objects remaining on __kmem_cache_shutdown()",
        "mm/slub.c:list_slab_objects",
        "BUG demo_extent (Not tainted): Objects remaining on __kmem_cache_shutdown()",
        kernels=_SINCE_6_12,
        leaked=LeakedObject.SLAB_CACHE,
    ),
    _heading(
        IncidentKind.LEAK,
        r"^kmem_cache_destroy (?P<subject>.{1,100}): Slab cache still has objects",
        "%s %s: Slab cache still has objects when called from %pS",
        "mm/slab_common.c:kmem_cache_destroy",
        "kmem_cache_destroy demo_delayed_node: Slab cache still has objects when called from"
        " demo_exit+0x15/0x40 [demo]",
        leaked=LeakedObject.SLAB_CACHE,
    ),
    _heading(
        IncidentKind.LEAK,
        r"^VFS: Busy inodes after unmount of (?P<subject>.{1,100})",
        "VFS: Busy inodes after unmount of %s (%s)",
        "fs/super.c:generic_shutdown_super",
        "VFS: Busy inodes after unmount of sdc1 (demo)",
        leaked=LeakedObject.INODES,
    ),
    _heading(
        IncidentKind.LEAK,
        r"^BUG: Dentry \S{1,32}\{i=[0-9a-f]{1,16},n=(?P<subject>.{1,300})\}  ?still in use",
        " still in use (%d) [unmount of %s %s]",
        "fs/dcache.c:umount_check",
        "BUG: Dentry 00000000d41d8cd9{i=1f4,n=lost+found}  still in use (2) [unmount of demo vdb]",
        leaked=LeakedObject.DENTRIES,
    ),
    _heading(
        IncidentKind.LEAK,
        r"^kmemleak: (?P<subject>\d{1,10} new suspected memory leaks)",
        "%d new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
        "mm/kmemleak.c:kmemleak_scan",
        "kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
        leaked=LeakedObject.ALLOCATIONS,
    ),
    _heading(
        IncidentKind.LEAK,
        r"^kmemleak: unreferenced object\b.{0,24} 0x[0-9a-f]{1,16} \((?P<subject>size \d{1,12})\)",
        "unreferenced object",
        "mm/kmemleak.c:print_unreferenced",
        "kmemleak: unreferenced object 0xffff8881042ab180 (size 96):",
        leaked=LeakedObject.ALLOCATIONS,
    ),
    _heading(
        IncidentKind.LEAK,
        r"^refcount_t: (?:saturated|decrement hit 0); leaking memory",
        "; leaking memory",
        "lib/refcount.c:refcount_warn_saturate",
        "refcount_t: decrement hit 0; leaking memory.",
        leaked=LeakedObject.REFERENCES,
    ),
    _heading(
        IncidentKind.LEAK,
        r"^leaked reference\.$",
        "leaked reference.",
        "lib/ref_tracker.c:ref_tracker_dir_exit",
        "leaked reference.",
        kernels=_UNTIL_6_1,
        leaked=LeakedObject.REFERENCES,
    ),
    _heading(
        IncidentKind.LEAK,
        r"^ref_tracker: (?P<subject>.{1,100})@\S{1,32} has \d{1,10}/\d{1,10} users at",
        " has %d/%d users at",
        "lib/ref_tracker.c:__ref_tracker_dir_pr_ostream",
        "ref_tracker: netns@00000000c0ffee11 has 1/1 users at",
        kernels=_SINCE_6_12,
        leaked=LeakedObject.REFERENCES,
    ),
    _heading(
        IncidentKind.LEAK,
        r"^JBD2: leaked (?P<subject>\d{1,10} journal_heads)!",
        "JBD2: leaked %d journal_heads!",
        "fs/jbd2/journal.c:journal_exit",
        "JBD2: leaked 7 journal_heads!",
        leaked=LeakedObject.JOURNAL_HEADS,
    ),
    _heading(
        IncidentKind.LEAK,
        r"^BTRFS(?: error[^:]{0,100})?: buffer leak start ",
        "buffer leak start %llu len",
        "fs/btrfs/extent_io.c:btrfs_extent_buffer_leak_debug_check",
        "BTRFS: buffer leak start 30490624 len 16384 refs 1 bflags 5 owner 7",
        leaked=LeakedObject.EXTENT_BUFFERS,
    ),
    _heading(
        IncidentKind.LEAK,
        r"^BTRFS(?: error[^:]{0,100})?: state leak: start ",
        "state leak: start %llu end %llu state",
        "fs/btrfs/extent-io-tree.c:btrfs_extent_state_leak_debug_check",
        "BTRFS: state leak: start 0 end 4095 state 1 in tree 0 refs 1",
        leaked=LeakedObject.EXTENT_STATES,
    ),
    _heading(
        IncidentKind.LEAK,
        r"^BTRFS error[^:]{0,100}: leaked root (?P<subject>.{1,100}) refcount -?\d",
        "leaked root %s refcount %d",
        "fs/btrfs/disk-io.c:btrfs_check_leaked_roots",
        "BTRFS error (device vdb): leaked root 257-0 refcount 2",
        leaked=LeakedObject.ROOTS,
    ),
    _heading(
        IncidentKind.LEAK,
        r"^(?:hfs|hfsplus): node \d{1,10}:\d{1,10} still has \d{1,10} user\(s\)!",
        "still has %d user(s)!",
        "fs/hfs/btree.c fs/hfsplus/btree.c:btree_close",
        "hfsplus: node 4:12 still has 1 user(s)!",
        leaked=LeakedObject.REFERENCES,
    ),
    _heading(
        IncidentKind.LEAK,
        r"^F2FS-fs[^:]{0,100}: detect filesystem reference count leak during umount",
        "detect filesystem reference count leak during ",
        "fs/f2fs/super.c:f2fs_put_super",
        "F2FS-fs (vdb): detect filesystem reference count leak during umount, type: 0, count: 1",
        kernels=_SINCE_6_12,
        leaked=LeakedObject.REFERENCES,
    ),
    _heading(
        IncidentKind.LEAK,
        r"^NFS: BUG unfreed layout segments\.",
        "NFS: BUG unfreed layout segments.",
        "fs/nfs/pnfs.c:pnfs_put_layout_hdr",
        "NFS: BUG unfreed layout segments.",
        leaked=LeakedObject.LAYOUT_SEGMENTS,
    ),
)

_SANITIZERS: Final = (
    _heading(
        IncidentKind.KASAN,
        r"^BUG: KASAN: .",
        "BUG: KASAN: %s in %pS",
        "mm/kasan/report.c:print_error_description",
        "BUG: KASAN: slab-use-after-free in demo_put_super+0x41/0x90 [demo]",
    ),
    _heading(
        IncidentKind.KASAN,
        r"^BUG: KASAN: invalid-access$",
        "BUG: KASAN: invalid-access",
        "mm/kasan/report.c:kasan_report_async",
        "BUG: KASAN: invalid-access",
    ),
    _heading(
        IncidentKind.KFENCE,
        r"^BUG: KFENCE: .",
        "BUG: KFENCE: use-after-free %s in %pS",
        "mm/kfence/report.c:kfence_report_error",
        "BUG: KFENCE: use-after-free read in demo_evict_inode+0x1a/0x70 [demo]",
    ),
    _heading(
        IncidentKind.KMSAN,
        r"^BUG: KMSAN: .",
        "BUG: KMSAN: %s in %pSb",
        "mm/kmsan/report.c:kmsan_report",
        "BUG: KMSAN: uninit-value in demo_lookup+0x3f2/0x810 [demo]",
    ),
    _heading(
        IncidentKind.KCSAN,
        r"^BUG: KCSAN: .",
        "BUG: KCSAN: %s in %pS",
        "kernel/kcsan/report.c:print_report",
        "BUG: KCSAN: data-race in demo_dirty_inode / demo_write_inode",
    ),
    _heading(
        IncidentKind.UBSAN,
        r"^UBSAN: .{1,80} in .{1,400}:\d{1,10}:\d{1,10}$",
        "UBSAN: %s in %s:%d:%d",
        "lib/ubsan.c:ubsan_prologue",
        "UBSAN: array-index-out-of-bounds in fs/demo/dir.c:214:9",
    ),
    _heading(
        IncidentKind.UBSAN,
        rf"^UBSAN: [\w /-]{{1,80}} at {_CALLER}$",
        "UBSAN: array index out of bounds",
        "lib/ubsan.c:report_ubsan_failure",
        "UBSAN: array index out of bounds at demo_readdir+0x8c/0x1a0 [demo]",
        kernels=_SINCE_6_12,
    ),
)

_LOCKDEP_REPORTS: Final = (
    _heading(
        IncidentKind.LOCKDEP,
        _LOCKDEP + r"circular locking dependency detected",
        "WARNING: possible circular locking dependency detected",
        "kernel/locking/lockdep.c:print_circular_bug_header",
        "WARNING: possible circular locking dependency detected",
    ),
    _heading(
        IncidentKind.LOCKDEP,
        r"^(?:WARNING: |\[ INFO: )[\w-]{1,32}-safe -> [\w-]{1,32}-unsafe lock order detected",
        "WARNING: %s-safe -> %s-unsafe lock order detected",
        "kernel/locking/lockdep.c:print_bad_irq_dependency",
        "WARNING: SOFTIRQ-safe -> SOFTIRQ-unsafe lock order detected",
    ),
    _heading(
        IncidentKind.LOCKDEP,
        _LOCKDEP + r"recursive locking detected",
        "WARNING: possible recursive locking detected",
        "kernel/locking/lockdep.c:print_deadlock_bug",
        "WARNING: possible recursive locking detected",
    ),
    _heading(
        IncidentKind.LOCKDEP,
        _LOCKDEP + r"chain_key collision",
        "WARNING: chain_key collision",
        "kernel/locking/lockdep.c:print_collision",
        "WARNING: chain_key collision",
    ),
    _heading(
        IncidentKind.LOCKDEP,
        _LOCKDEP + r"inconsistent lock state",
        "WARNING: inconsistent lock state",
        "kernel/locking/lockdep.c:print_usage_bug",
        "WARNING: inconsistent lock state",
    ),
    _heading(
        IncidentKind.LOCKDEP,
        _LOCKDEP + r"irq lock inversion dependency detected",
        "WARNING: possible irq lock inversion dependency detected",
        "kernel/locking/lockdep.c:print_irq_inversion_bug",
        "WARNING: possible irq lock inversion dependency detected",
    ),
    _heading(
        IncidentKind.LOCKDEP,
        r"^\[ BUG: Invalid wait context \]",
        "[ BUG: Invalid wait context ]",
        "kernel/locking/lockdep.c:print_lock_invalid_wait_context",
        "[ BUG: Invalid wait context ]",
    ),
    _heading(
        IncidentKind.LOCKDEP,
        _LOCKDEP + r"Nested lock was not taken",
        "WARNING: Nested lock was not taken",
        "kernel/locking/lockdep.c:print_lock_nested_lock_not_held",
        "WARNING: Nested lock was not taken",
    ),
    _heading(
        IncidentKind.LOCKDEP,
        r"^(?:WARNING: |\[ BUG: )bad unlock balance detected!",
        "WARNING: bad unlock balance detected!",
        "kernel/locking/lockdep.c:print_unlock_imbalance_bug",
        "WARNING: bad unlock balance detected!",
    ),
    _heading(
        IncidentKind.LOCKDEP,
        r"^(?:WARNING: |\[ BUG: )bad contention detected!",
        "WARNING: bad contention detected!",
        "kernel/locking/lockdep.c:print_lock_contention_bug",
        "WARNING: bad contention detected!",
    ),
    _heading(
        IncidentKind.LOCKDEP,
        r"^(?:WARNING: |\[ BUG: )held lock freed!",
        "WARNING: held lock freed!",
        "kernel/locking/lockdep.c:print_freed_lock_bug",
        "WARNING: held lock freed!",
    ),
    _heading(
        IncidentKind.LOCKDEP,
        r"^(?:WARNING: |\[ BUG: ).{1,64}/\d{1,10} still has locks held!",
        "WARNING: %s/%d still has locks held!",
        "kernel/locking/lockdep.c:print_held_locks_bug",
        "WARNING: mount/418 still has locks held!",
    ),
    _heading(
        IncidentKind.LOCKDEP,
        r"^(?:WARNING: |\[ BUG: )lock held when returning to user space!",
        "WARNING: lock held when returning to user space!",
        "kernel/locking/lockdep.c:lockdep_sys_exit",
        "WARNING: lock held when returning to user space!",
    ),
    _heading(
        IncidentKind.LOCKDEP,
        _LOCKDEP + r"suspicious RCU usage",
        "WARNING: suspicious RCU usage",
        "kernel/locking/lockdep.c:lockdep_rcu_suspicious",
        "WARNING: suspicious RCU usage",
    ),
    _heading(
        IncidentKind.LOCKDEP,
        r"^INFO: trying to register non-static key\.",
        "INFO: trying to register non-static key.",
        "kernel/locking/lockdep.c:assign_lock_key",
        "INFO: trying to register non-static key.",
    ),
    _heading(
        IncidentKind.LOCKDEP,
        r"^BUG: key \S{1,32} has not been registered!",
        "BUG: key %px has not been registered!",
        "kernel/locking/lockdep.c:lockdep_init_map_type",
        "BUG: key ffff88810a3f0c38 has not been registered!",
    ),
    _heading(
        IncidentKind.LOCKDEP,
        r"^BUG: looking up invalid subclass: ",
        "BUG: looking up invalid subclass: %u",
        "kernel/locking/lockdep.c:look_up_lock_class",
        "BUG: looking up invalid subclass: 8",
    ),
    _heading(
        IncidentKind.WARNING,  # the checker's own tables are full: nothing is wrong with the locks
        r"^BUG: MAX_\w{1,40} too low!",
        'print_lockdep_off("BUG: MAX_',
        "kernel/locking/lockdep.c:print_lockdep_off",
        "BUG: MAX_LOCKDEP_CHAINS too low!",
    ),
)

_STALLS: Final = (
    _heading(
        IncidentKind.STALL,
        r"^(?:NMI watchdog: |watchdog: )?BUG: soft lockup - CPU#",
        "BUG: soft lockup - CPU#%d stuck for %us! [%s:%d]",
        "kernel/watchdog.c:watchdog_timer_fn",
        "watchdog: BUG: soft lockup - CPU#1 stuck for 23s! [fsstress:907]",
    ),
    _heading(
        IncidentKind.STALL,
        r"^(?:NMI watchdog: )?Watchdog detected hard LOCKUP on cpu ",
        "Watchdog detected hard LOCKUP on cpu %d",
        "kernel/watchdog_hld.c kernel/watchdog.c:watchdog_overflow_callback",
        "NMI watchdog: Watchdog detected hard LOCKUP on cpu 2",
        kernels=_UNTIL_6_12,
    ),
    _heading(
        IncidentKind.STALL,
        r"^(?:watchdog: )?CPU\d{1,10}: Watchdog detected hard LOCKUP on cpu ",
        "CPU%u: Watchdog detected hard LOCKUP on cpu %u",
        "kernel/watchdog.c:watchdog_hardlockup_check",
        "watchdog: CPU0: Watchdog detected hard LOCKUP on cpu 3",
        kernels=_SINCE_7_3,
    ),
    _heading(
        IncidentKind.STALL,
        r"^(?:watchdog: )?CPU \d{1,10} (?:self-)?detected hard LOCKUP (?:on other CPUs|@) ",
        "detected hard LOCKUP",
        "arch/powerpc/kernel/watchdog.c:watchdog_smp_panic",
        "watchdog: CPU 4 self-detected hard LOCKUP @ demo_spin+0x30/0x60 [demo]",
    ),
    _heading(
        IncidentKind.STALL,
        r"^BUG: workqueue lockup - pool",
        "BUG: workqueue lockup - pool",
        "kernel/workqueue.c:wq_watchdog_timer_fn",
        "BUG: workqueue lockup - pool cpus=1 node=0 flags=0x0 nice=0 stuck for 61s!",
    ),
    _heading(
        IncidentKind.STALL,
        r"^(?:rcu: )?INFO: \w{1,40} self-detected stall on CPU",
        "INFO: %s self-detected stall on CPU",
        "kernel/rcu/tree_stall.h:print_cpu_stall",
        "rcu: INFO: rcu_sched self-detected stall on CPU",
    ),
    _heading(
        IncidentKind.STALL,
        r"^(?:rcu: )?INFO: \w{1,40} detected stalls on CPUs/tasks",
        "INFO: %s detected stalls on CPUs/tasks:",
        "kernel/rcu/tree_stall.h:print_other_cpu_stall",
        "rcu: INFO: rcu_sched detected stalls on CPUs/tasks:",
    ),
    _heading(
        IncidentKind.STALL,
        r"^(?:rcu: )?INFO: \w{1,40} detected expedited stalls",
        "INFO: %s detected expedited stalls on CPUs/tasks: {",
        "kernel/rcu/tree_exp.h:synchronize_rcu_expedited_wait",
        "rcu: INFO: rcu_preempt detected expedited stalls on CPUs/tasks: { 1-...D } 21 jiffies",
    ),
    _heading(
        IncidentKind.STALL,
        r"^(?:rcu: )?INFO: \w{1,40} detected stall, but suppressed full report",
        "INFO: %s detected stall, but suppressed full report due to a stuck CSD-lock.",
        "kernel/rcu/tree_stall.h:check_cpu_stall",
        "rcu: INFO: rcu_sched detected stall, but suppressed full report due to a stuck CSD-lock.",
        kernels=_SINCE_6_12,
    ),
    _heading(
        IncidentKind.STALL,
        r"^(?:rcu: )?INFO: rcu_tasks\w{0,20} detected stalls(?: on tasks|\? \(Late IPI\?\))",
        "INFO: rcu_tasks detected stalls on tasks:",
        "kernel/rcu/tasks.h:check_holdout_task",
        "rcu: INFO: rcu_tasks detected stalls on tasks:",
    ),
    _heading(
        IncidentKind.STALL,
        r"^(?:smp: )?csd: (?:Detected|Continued) non-responsive CSD lock ",
        "csd: %s non-responsive CSD lock (#%d) on CPU#%d",
        "kernel/smp.c:csd_lock_wait_toolong",
        "smp: csd: Detected non-responsive CSD lock (#1) on CPU#3, waiting 5000000016 ns for"
        " CPU#00 do_flush_tlb_all+0x0/0x30(0x0).",
    ),
    _heading(
        IncidentKind.HUNG_TASK,
        r"^INFO: task .{1,80} blocked for more than \d",
        "INFO: task %s:%d blocked for more than %ld seconds.",
        "kernel/hung_task.c:check_hung_task",
        "INFO: task umount:733 blocked for more than 122 seconds.",
        kernels=_UNTIL_6_12,
    ),
    _heading(
        IncidentKind.HUNG_TASK,
        r"^INFO: task .{1,80} blocked(?: in I/O wait)? for more than \d",
        "INFO: task %s:%d blocked%s for more than %ld seconds.",
        "kernel/hung_task.c:hung_task_info",
        "INFO: task umount:733 blocked in I/O wait for more than 122 seconds.",
        kernels=_SINCE_7_3,
    ),
    _heading(
        IncidentKind.HUNG_TASK,
        r"^INFO: The task .{1,80} has been waiting for writeback completion for more than ",
        "INFO: The task %s:%d has been waiting for writeback ",
        "fs/fs-writeback.c:wb_wait_for_completion_cb",
        "INFO: The task sync:311 has been waiting for writeback completion for more than 121"
        " seconds.",
        kernels=_SINCE_7_3,
    ),
)

_BUGS: Final = (
    _heading(
        IncidentKind.BUG,
        r"^kernel BUG at .",
        "kernel BUG at %s:%u!",
        "lib/bug.c:report_bug",
        "kernel BUG at fs/demo/inode.c:1402!",
    ),
    _heading(
        IncidentKind.BUG,
        r"^[Kk]ernel BUG at .{1,200} \[verbose debug info unavailable\]",
        "ernel BUG at %pB [verbose debug info unavailable]",
        "lib/bug.c:report_bug",
        "Kernel BUG at demo_get_block+0x3c/0xe0 [demo] [verbose debug info unavailable]",
    ),
    _heading(
        IncidentKind.BUG,
        r"^BUG: failure at ",
        "BUG: failure at %s:%d/%s()!",
        "include/asm-generic/bug.h:BUG",
        "BUG: failure at fs/demo/inode.c:88/demo_iget()!",
    ),
    _heading(
        IncidentKind.BUG,
        r"^BUG at \S{1,300}:\d{1,10} (?:\(|assert\()",
        "BUG at %s:%d",
        "include/linux/maple_tree.h fs/jfs/jfs_debug.h:ASSERT",
        "BUG at fs/jfs/jfs_txnmgr.c:531 assert(tblk->next == 0)",
    ),
    _heading(
        IncidentKind.BUG,
        r"^BUG: (?:kernel NULL pointer dereference|unable to handle )",
        "BUG: unable to handle page fault for address: %px",
        "arch/x86/mm/fault.c:show_fault_oops",
        "BUG: unable to handle page fault for address: ffffc90000c3d000",
    ),
    _heading(
        IncidentKind.BUG,
        r"^BUG: (?:Kernel NULL pointer dereference|Unable to handle )",
        "BUG: Unable to handle kernel instruction fetch%s",
        "arch/powerpc/mm/fault.c:bad_page_fault",
        "BUG: Unable to handle kernel data access on read at 0xc00000000badc0de",
    ),
    _heading(
        IncidentKind.BUG,
        r"^BUG: .{1,40} stack guard page was hit at ",
        " stack guard page was hit at ",
        "arch/x86/kernel/traps.c:handle_stack_overflow",
        "BUG: TASK stack guard page was hit at 00000000b5a1f6a2 (stack is 0000000012345678.."
        "0000000012349678)",
    ),
    _heading(
        IncidentKind.BUG,
        _SLUB + r"(?!Objects remaining)",
        "BUG %s (%s): %pV",
        "mm/slub.c:slab_bug",
        "BUG kmalloc-64 (Not tainted): Poison overwritten",
    ),
    _heading(
        IncidentKind.BUG,
        r"^slab error in \w{1,80}\(\): cache `(?P<subject>.{1,100})': ",
        "slab error in %s(): cache `%s': %s",
        "mm/slab.c:__slab_error",
        "slab error in cache_free_debugcheck(): cache `size-64': double free detected",
        kernels=_UNTIL_6_1,
    ),
    _heading(
        IncidentKind.BUG,
        r"^BUG: Bad page state(?: in process |: \d)",
        "BUG: Bad page state in process %s  pfn:%05lx",
        "mm/page_alloc.c:bad_page",
        "BUG: Bad page state in process rm  pfn:1a2b3",
    ),
    _heading(
        IncidentKind.BUG,
        r"^BUG: Bad page map(?: in process |: \d)",
        "BUG: Bad page map in process %s  pte:%08llx pmd:%08llx",
        "mm/memory.c:print_bad_pte",
        "BUG: Bad page map in process fsx  pte:800000010a2b3067 pmd:10a4c5067",
        kernels=_UNTIL_6_12,
    ),
    _heading(
        IncidentKind.BUG,
        r"^BUG: Bad page map(?: in process |: \d)",
        "BUG: Bad page map in process %s  %s:%s",
        "mm/memory.c:print_bad_page_map",
        "BUG: Bad page map in process fsx  pte:800000010a2b3067 pmd:10a4c5067",
        kernels=_SINCE_7_3,
    ),
    _heading(
        IncidentKind.BUG,
        r"^BUG: Bad page cache in process ",
        "BUG: Bad page cache in process %s  pfn:%05lx",
        "mm/filemap.c:filemap_unaccount_folio",
        "BUG: Bad page cache in process kswapd0  pfn:0f00d",
    ),
    _heading(
        IncidentKind.BUG,
        r"^BUG: Bad rss-counter state ",
        "BUG: Bad rss-counter state mm:%p type:%s val:%ld",
        "kernel/fork.c:check_mm",
        "BUG: Bad rss-counter state mm:00000000abad1dea type:MM_FILEPAGES val:3",
    ),
    _heading(
        IncidentKind.BUG,
        r"^BUG: non-zero pgtables_bytes on freeing mm: ",
        "BUG: non-zero pgtables_bytes on freeing mm: %ld",
        "kernel/fork.c:check_mm",
        "BUG: non-zero pgtables_bytes on freeing mm: -4096",
    ),
    _heading(
        IncidentKind.BUG,
        r"^\S{1,300}:\d{1,10}: bad p(?:te|md|ud|4d|gd)\b",
        ": bad pmd ",
        "arch/x86/include/asm/pgtable_64.h:pmd_ERROR",
        "mm/pgtable-generic.c:54: bad pmd 00000000f00dfeed(80000001234009e7)",
    ),
    _heading(
        IncidentKind.BUG,
        r"^pagealloc: (?:memory corruption|single bit error)",
        "pagealloc: memory corruption",
        "mm/page_poison.c:check_poison_mem",
        "pagealloc: memory corruption",
    ),
    _heading(
        IncidentKind.BUG,
        r"^(?:usercopy: )?Kernel memory (?:exposure|overwrite) attempt detected ",
        "Kernel memory %s attempt detected ",
        "mm/usercopy.c:usercopy_abort",
        "usercopy: Kernel memory exposure attempt detected from SLUB object 'demo_name' (offset 0,"
        " size 300)!",
    ),
    _heading(
        IncidentKind.BUG,
        r"^BUG: mempool element poison mismatch",
        "BUG: mempool element poison mismatch",
        "mm/mempool.c:poison_error",
        "BUG: mempool element poison mismatch",
    ),
    _heading(
        IncidentKind.BUG,
        r"^BUG: sleeping function called from invalid context ",
        "BUG: sleeping function called from invalid context at %s:%d",
        "kernel/sched/core.c:__might_resched",
        "BUG: sleeping function called from invalid context at mm/slab.h:410",
    ),
    _heading(
        IncidentKind.BUG,
        r"^BUG: scheduling (?:while atomic|in a non-blocking section): ",
        "BUG: scheduling while atomic: %s/%d/0x%08x",
        "kernel/sched/core.c:__schedule_bug",
        "BUG: scheduling while atomic: kworker/0:2/87/0x00000002",
    ),
    _heading(
        IncidentKind.BUG,
        r"^BUG: assuming (?:atomic|non migratable) context at ",
        "BUG: assuming atomic context at %s:%d",
        "kernel/sched/core.c:__cant_sleep",
        "BUG: assuming atomic context at fs/demo/journal.c:77",
    ),
    _heading(
        IncidentKind.BUG,
        r"^BUG: using .{1,80} in preemptible ",
        "in preemptible [%08x] code: %s/%d",
        "lib/smp_processor_id.c:check_preemption_disabled",
        "BUG: using smp_processor_id() in preemptible [00000000] code: dd/519",
    ),
    _heading(
        IncidentKind.BUG,
        r"^BUG: (?:spinlock|rwlock) ",
        "BUG: spinlock %s on CPU#%d, %s/%d",
        "kernel/locking/spinlock_debug.c:spin_dump",
        "BUG: spinlock bad magic on CPU#1, mkdir/266",
    ),
    _heading(
        IncidentKind.BUG,
        r"^BUG: workqueue leaked (?:lock or atomic|atomic, lock or RCU): ",
        "BUG: workqueue leaked ",
        "kernel/workqueue.c:process_one_work",
        "BUG: workqueue leaked atomic, lock or RCU: kworker/u8:1[45]",
    ),
    _heading(
        IncidentKind.BUG,
        r"^(?:[\w .()/-]{1,40}: )?BUG: "
        r"(?!(?:KASAN|KFENCE|KMSAN|KCSAN|Dentry|soft lockup|workqueue lockup|key|looking up)\b)"
        r"(?!MAX_).",
        "BUG: ",
        "kernel/sched/topology.c:build_sched_domain",  # any BUG: that no row above names
        "BUG: arch topology borken",
    ),
)

_OOPSES: Final = (
    _heading(
        IncidentKind.OOPS,
        r"^Internal error: .{1,200} \[#\d{1,6}\]",
        "Internal error: %s: %016lx [#%d]",
        "arch/arm64/kernel/traps.c:__die",
        "Internal error: Oops: 0000000096000004 [#1] PREEMPT SMP",
    ),
    _heading(
        IncidentKind.OOPS,
        r"^Internal error: .{1,200} \[#\d{1,6}\]",
        "Internal error: %s: %x [#%d]",
        "arch/arm/kernel/traps.c:__die",
        "Internal error: Oops - undefined instruction: 0 [#1] SMP ARM",
    ),
    _heading(
        IncidentKind.OOPS,
        r"^Oops: .",
        "Oops: %s: %04lx [#%d]",
        "arch/x86/kernel/dumpstack.c:__die_header",
        "Oops: general protection fault, probably for non-canonical address 0xdead0000000000f0:"
        " 0000 [#1] SMP NOPTI",
        kernels=_SINCE_6_12,
    ),
    _heading(
        IncidentKind.OOPS,
        _DIED + r": [0-9a-f]{4,16} \[#\d{1,6}\](?:$|[: ])",
        '"%s: %04lx [#%d]',
        "arch/x86/kernel/dumpstack.c:__die_header",
        "invalid opcode: 0000 [#1] PREEMPT SMP PTI",
        kernels=_UNTIL_6_1,
    ),
    _heading(
        IncidentKind.OOPS,
        r"^(?:traps: )?PANIC: (?:double fault|early exception|invalid or fatal FRED event)",
        "PANIC: double fault, error_code: 0x%lx",
        "arch/x86/kernel/traps.c:exc_double_fault",
        "traps: PANIC: double fault, error_code: 0x0",
    ),
    _heading(
        IncidentKind.OOPS,
        _COMM + r": Corrupted page table at address [0-9a-f]{1,16}$",
        "%s: Corrupted page table at address %lx",
        "arch/x86/mm/fault.c:pgtable_bad",
        "mmap_stress: Corrupted page table at address 7f0c2a000000",
    ),
    _heading(
        IncidentKind.OOPS,
        r"^(?:CPU \d{1,10} )?Unable to handle (?:kernel |exception at EA )",
        "Unable to handle kernel %s at virtual address",
        "arch/arm/mm/fault.c arch/arm64/mm/fault.c arch/riscv/mm/fault.c:die_kernel_fault",
        "Unable to handle kernel NULL pointer dereference at virtual address 0000000000000018",
    ),
    _heading(
        IncidentKind.OOPS,
        r"^CPU \d{1,10} Unable to handle kernel paging request at ",
        "Unable to handle kernel paging request at ",
        "arch/loongarch/mm/fault.c:no_context",
        "CPU 1 Unable to handle kernel paging request at virtual address 0000000000000008, era =="
        " 9000000000a1b2c3, ra == 9000000000a1b2d0",
    ),
    _heading(
        IncidentKind.OOPS,
        r"^Unable to handle kernel pointer dereference",
        "Unable to handle kernel pointer dereference",
        "arch/s390/mm/fault.c:do_no_context",
        "Unable to handle kernel pointer dereference in virtual kernel address space",
    ),
    _heading(
        IncidentKind.OOPS,
        _DIED + r" ilc:\d \[#\d{1,6}\]",
        "%s: %04x ilc:%d [#%d]",
        "arch/s390/kernel/dumpstack.c:die",
        "illegal operation: 0001 ilc:1 [#1] SMP",
    ),
    _heading(
        IncidentKind.OOPS,
        r"^(?:Oops|Kernel BUG)(?: - .{1,80})? \[#\d{1,6}\]$",
        "%s [#%d]",
        "arch/riscv/kernel/traps.c:die",
        "Oops - illegal instruction [#1]",
    ),
    _heading(
        IncidentKind.OOPS,
        _DIED + r"\[#\d{1,6}\]:$",
        "%s[#%d]:",
        "arch/loongarch/kernel/traps.c arch/mips/kernel/traps.c:die",
        "Oops[#1]:",
    ),
    _heading(
        IncidentKind.OOPS,
        r"^Oops: .{1,200}, sig: \d{1,10} \[#\d{1,6}\]",
        "Oops: %s, sig: %ld [#%d]",
        "arch/powerpc/kernel/traps.c:__die",
        "Oops: Kernel access of bad area, sig: 11 [#1]",
    ),
    _heading(
        IncidentKind.OOPS,
        _DIED + r": sig: \d{1,10} \[#\d{1,6}\]",
        "%s: sig: %ld [#%d]",
        "arch/xtensa/kernel/traps.c:die",
        "Oops: sig: 11 [#1] PREEMPT",
    ),
    _heading(
        IncidentKind.OOPS,
        _COMM + r"\(\d{1,10}\): .{1,80} \[#\d{1,6}\]$",
        "%s(%d): %s [#%d]",
        "arch/sparc/kernel/traps_64.c:die_if_kernel",
        "umount(622): Kernel bad sw trap 5 [#1]",
    ),
    _heading(
        IncidentKind.OOPS,
        _COMM + r" \(pid \d{1,10}\): .{1,80} \(code -?\d{1,20}\)",
        "%s (pid %d): %s (code %ld)",
        "arch/parisc/kernel/traps.c:die_if_kernel",
        "mkfs.demo (pid 412): Breakpoint (code 0)",
    ),
    _heading(
        IncidentKind.OOPS,
        _COMM + r"\(\d{1,10}\): (?:Oops|Kernel [Bb]ug|Instruction fault|Arithmetic fault) -?\d",
        "%s(%d): %s %ld",
        "arch/alpha/kernel/traps.c:die_if_kernel",
        "cp(389): Oops 0",
    ),
    _heading(
        IncidentKind.OOPS,
        r"^(?:\\x0a)?Oops#: [0-9a-f]{4}$",
        "%s#: %04lx",
        "arch/openrisc/kernel/traps.c:die",
        "Oops#: 0002",
    ),
    _heading(
        IncidentKind.OOPS,
        r"^Insufficient stack space to handle exception!",
        "Insufficient stack space to handle exception!",
        "arch/arm/kernel/traps.c arch/arm64/kernel/traps.c arch/riscv/kernel/traps.c:"
        "handle_bad_stack",
        "Insufficient stack space to handle exception!",
    ),
    _heading(
        IncidentKind.OOPS,
        r"^Fixing recursive fault but reboot is needed!",
        "Fixing recursive fault but reboot is needed!",
        "kernel/exit.c:make_task_dead",
        "Fixing recursive fault but reboot is needed!",
    ),
    _heading(
        IncidentKind.PANIC,
        r"^Kernel panic - not syncing",
        "Kernel panic - not syncing: %s",
        "kernel/panic.c:panic",
        "Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b",
    ),
)

_WARNINGS: Final = (
    _heading(
        IncidentKind.OOM,
        _COMM + r" invoked oom-killer: ",
        "%s invoked oom-killer: gfp_mask=%#x(%pGg)",
        "mm/oom_kill.c:dump_header",
        "fsstress invoked oom-killer: gfp_mask=0x140dca(GFP_HIGHUSER_MOVABLE|__GFP_ZERO), order=0,"
        " oom_score_adj=0",
    ),
    _heading(
        IncidentKind.OOM,
        r"^(?:Memory cgroup out|Out) of memory(?: \(oom_kill_allocating_task\))?: Killed process ",
        "%s: Killed process %d (%s) total-vm:%lukB",
        "mm/oom_kill.c:__oom_kill_process",
        "Memory cgroup out of memory: Killed process 903 (dd) total-vm:5120kB, anon-rss:900kB",
    ),
    _heading(
        IncidentKind.OOM,
        r"^Out of memory and no killable processes\.\.\.",
        "Out of memory and no killable processes...",
        "mm/oom_kill.c:out_of_memory",
        "Out of memory and no killable processes...",
    ),
    _heading(
        IncidentKind.WARNING,
        rf"^WARNING: CPU: \d{{1,10}} PID: \d{{1,10}} at (?:\S{{1,300}}:\d{{1,10}} )?{_CALLER}",
        "WARNING: CPU: %d PID: %d at %s:%d %pS",
        "kernel/panic.c:__warn",
        "WARNING: CPU: 3 PID: 1207 at fs/demo/super.c:88 demo_put_super+0x9a/0xb0 [demo]",
        kernels=_UNTIL_6_12,
    ),
    _heading(
        IncidentKind.WARNING,
        rf"^WARNING: (?:\S{{1,300}}:\d{{1,10}} )?at {_CALLER}, CPU#\d{{1,10}}: "
        r".{1,64}/\d{1,10}$",
        "WARNING: %s:%d at %pS, CPU#%d: %s/%d",
        "kernel/panic.c:__warn",
        "WARNING: fs/demo/super.c:91 at demo_put_super+0x9a/0xb0 [demo], CPU#3: umount/1207",
        kernels=_SINCE_7_3,
    ),
    _heading(
        IncidentKind.WARNING,
        r"^refcount_t: (?:(?:addition on 0|underflow); use-after-free|unknown saturation)",
        "underflow; use-after-free",
        "lib/refcount.c:refcount_warn_saturate",
        "refcount_t: underflow; use-after-free.",
    ),
    _heading(
        IncidentKind.WARNING,
        r"^list_(?:add|del)(?: corruption[.,] | double add: )",
        "list_del corruption",
        "lib/list_debug.c:__list_del_entry_valid",
        "list_del corruption. prev->next should be ffff888104a5b2c0, but was dead000000000100",
    ),
    _heading(
        IncidentKind.WARNING,
        r"^ODEBUG: .{1,40} \(active state \d{1,10}\) object",
        "ODEBUG: %s %s (active state %u) ",
        "lib/debugobjects.c:debug_print_object",
        "ODEBUG: free active (active state 0) object: 00000000cafebabe object type: timer_list"
        " hint: demo_timeout+0x0/0x20 [demo]",
    ),
    _heading(
        IncidentKind.WARNING,
        _COMM + r": page allocation failure: order:\d",
        "page allocation failure: order:%u",
        "mm/page_alloc.c:__alloc_pages_slowpath",
        "kworker/u4:3: page allocation failure: order:4, mode:0x40cc0(GFP_KERNEL|__GFP_COMP),"
        " nodemask=(null)",
    ),
    _heading(
        IncidentKind.WARNING,
        _COMM + r": page allocation stall for \d",
        "%s: page allocation stall for %lu secs: order:%d",
        "mm/page_alloc.c:check_alloc_stall_warn",
        "dd: page allocation stall for 11 secs: order:0, mode:0xcc0(GFP_KERNEL) nodemask=(null)",
        kernels=_SINCE_7_3,
    ),
    _heading(
        IncidentKind.WARNING,
        _COMM + r": vmalloc error: size \d",
        "vmalloc error: size %lu",
        "mm/vmalloc.c:__vmalloc_area_node",
        "mount: vmalloc error: size 67108864, failed to allocated page array size 131072,"
        " mode:0xcc0(GFP_KERNEL), nodemask=(null)",
    ),
    _heading(
        IncidentKind.WARNING,
        r"^CFI failure at ",
        "CFI failure at %pS (target: %pS; expected type: 0x%08x)",
        "kernel/cfi.c:report_cfi_failure",
        "CFI failure at demo_call+0x11/0x30 [demo] (target: demo_other+0x0/0x10 [demo]; expected"
        " type: 0x5f0e3b21)",
    ),
    _heading(
        IncidentKind.WARNING,
        r"^(?:softirq: )?huh, entered softirq ",
        "huh, entered softirq %u %s %p with preempt_count %08x, exited with %08x?",
        "kernel/softirq.c:handle_softirqs",
        "softirq: huh, entered softirq 4 BLOCK 0000000011223344 with preempt_count 00000100,"
        " exited with 00000101?",
    ),
)

HEADINGS: Final = (
    *(*_LEAKS, *_SANITIZERS, *_LOCKDEP_REPORTS, *_STALLS, *_BUGS, *_OOPSES, *_WARNINGS),
)
"""Every heading; where two look the same, both mean the same kind."""
