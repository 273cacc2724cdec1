"""How a trial ended, from what the procedure says and what the kernel said."""

from __future__ import annotations

import pytest

from anyclue.model.recording import EndReason, EndState, LogLine, Outcome, Reading
from anyclue.recordings.kernel_log import first_incident
from anyclue.trial.outcome import STILL_S, Movement, conclude_ending, movement

BUG = "kernel BUG at mm/highmem.c:626!"
PANIC = "Kernel panic - not syncing: Fatal exception"
DEADLOCK = "Kernel panic - not syncing: System is deadlocked on memory"
OOM = "sh invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), order=0"
WARNING = "WARNING: CPU: 0 PID: 96 at fs/btrfs/lzo.c:391 lzo_decompress_bio+0x4e1/0x560 [btrfs]"
HUNG_TASK = "INFO: task sync:211 blocked for more than 45 seconds."
BLOCKED = "task:sync            state:D stack:0     pid:211   ppid:1      flags:0x00004000"
LEAK = "BUG demo_inode (Tainted: G           OE     ): Objects remaining on __kmem_cache_shutdown()"
UBSAN = "UBSAN: array-index-out-of-bounds in fs/demo/dir.c:40:2"
NEW_WARNING = "WARNING: fs/demo/dir.c:40 at demo_readdir+0x1/0x2 [demo], CPU#0: ls/9"
NEW_HUNG_TASK = "INFO: task sync:211 blocked in I/O wait for more than 45 seconds."
RUNNING = "task:sync            state:R stack:0     pid:211   ppid:1      flags:0x00004000"


HUNG = EndState(outcome=Outcome.HUNG, reason=EndReason.GUEST_SILENT, detail="slow")


def ending(outcome: Outcome, detail: str, lines: tuple[LogLine, ...] = ()) -> EndState:
    """Return what becomes of an ending in a guest that stands still."""
    ended = EndState(outcome=outcome, reason=None, detail=detail)
    incident = first_incident(lines)
    return conclude_ending(ended, incident, lines, Movement.STILL, "limits.round_seconds")


@pytest.mark.parametrize(
    ("ended", "said", "outcome"),
    [
        (Outcome.PASSED, [], Outcome.PASSED),
        (Outcome.PASSED, [WARNING], Outcome.PASSED),
        (Outcome.PASSED, [HUNG_TASK], Outcome.PASSED),
        (Outcome.PASSED, [NEW_WARNING], Outcome.PASSED),
        (Outcome.PASSED, [LEAK, UBSAN], Outcome.PASSED),
        (Outcome.PASSED, [LEAK, BUG], Outcome.CRASHED),
        (Outcome.PASSED, ["Oops - illegal instruction [#1]"], Outcome.CRASHED),
        (Outcome.PASSED, ["WARNING: held lock freed!"], Outcome.CRASHED),
        (Outcome.HUNG, [LEAK, NEW_HUNG_TASK], Outcome.HUNG),
        (Outcome.PASSED, [BUG], Outcome.CRASHED),
        (Outcome.PASSED, [OOM], Outcome.OOM),
        (Outcome.FAILED, [], Outcome.FAILED),
        (Outcome.FAILED, [OOM], Outcome.OOM),
        (Outcome.FAILED, [BUG], Outcome.CRASHED),
        (Outcome.CORRUPT, [WARNING], Outcome.CORRUPT),
        (Outcome.NOT_RUN, [], Outcome.NOT_RUN),
        (Outcome.CRASHED, [BUG, PANIC], Outcome.CRASHED),
        (Outcome.CRASHED, [WARNING], Outcome.CRASHED),
        (Outcome.CRASHED, [], Outcome.LOST),  # QEMU died, nobody knows why
        (Outcome.CRASHED, [OOM, DEADLOCK], Outcome.OOM),
        (Outcome.CRASHED, [OOM, BUG], Outcome.CRASHED),
        (Outcome.HUNG, [BLOCKED], Outcome.HUNG),
        (Outcome.HUNG, [HUNG_TASK, BLOCKED], Outcome.HUNG),
        (Outcome.HUNG, [OOM, BLOCKED], Outcome.OOM),
        (Outcome.HUNG, [BUG, BLOCKED], Outcome.CRASHED),
        (Outcome.HUNG, [], Outcome.LOST),  # slow, not blocked
        (Outcome.HUNG, [RUNNING], Outcome.LOST),
        (Outcome.LOST, [], Outcome.LOST),
    ],
)
def test_outcomes(ended: Outcome, said: list[str], outcome: Outcome) -> None:
    lines = tuple(LogLine(t_s=float(at), level=4, text=text) for at, text in enumerate(said))
    found = ending(ended, "the detail", lines)
    assert found.outcome is outcome
    assert found.detail


def test_details_name_what_broke() -> None:
    bug = (LogLine(t_s=1, level=4, text=BUG),)
    assert ending(Outcome.PASSED, "x", bug).detail == BUG
    assert "raise limits.round_seconds" in ending(Outcome.HUNG, "slow").detail
    oom = (LogLine(t_s=1, level=4, text=OOM),)
    assert ending(Outcome.FAILED, "exit 1", oom).detail == "out of memory (exit 1)"


@pytest.mark.parametrize("said", [[], [BLOCKED], [HUNG_TASK, BLOCKED]])
def test_a_slow_guest_is_not_hung(said: list[str]) -> None:
    """Writers that wait for a slow disk are blocked, too; a healthy kernel must not be accused."""
    lines = tuple(LogLine(t_s=float(at), level=4, text=text) for at, text in enumerate(said))
    found = conclude_ending(HUNG, None, lines, Movement.MOVING, "limits.round_seconds")
    assert (found.outcome, found.reason) == (Outcome.LOST, EndReason.STILL_AT_WORK)
    assert found.detail == "slow, but it was still at work: raise limits.round_seconds"
    silent = conclude_ending(HUNG, None, lines, Movement.SILENT, "limits.round_seconds")
    assert (silent.outcome, silent.reason) == (Outcome.HUNG, EndReason.GUEST_SILENT)


def test_movement() -> None:
    def sample(t_s: float, written: float) -> Reading:
        counters = {"vmstat.nr_written": written, "vmstat.nr_free_pages": t_s}
        return Reading(t_s=t_s, counters=counters)

    still = [sample(t, 7) for t in range(10, 60)]
    assert movement(still, 60) is Movement.STILL
    assert movement(still, 60 + 2 * STILL_S) is Movement.SILENT
    assert movement([], 60) is Movement.SILENT
    assert movement([sample(t, t) for t in range(10, 60)], 60) is Movement.MOVING
    assert movement([*still, sample(60, 8)], 61) is Movement.MOVING
    assert movement([*still, sample(61, 8)], 60) is Movement.STILL
    early = [sample(1, 1), *still]
    assert movement(early, 60) is Movement.STILL
