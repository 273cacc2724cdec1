"""How a trial ended, from what the procedure says and what the kernel said."""

from __future__ import annotations

import pytest

from anyclue.hunts.trial import settle
from anyclue.model.recording import LogLine, Outcome
from anyclue.recordings.kernel_log import first_incident

BUG = "kernel BUG at mm/highmem.c:626!"
PANIC = "Kernel panic - not syncing: Fatal exception"
DEADLOCK = "Kernel panic - not syncing: System is deadlocked on memory"
OOM = "sh invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), order=0"
WARNING = "WARNING: CPU: 0 PID: 96 at fs/btrfs/lzo.c:391 lzo_decompress_bio+0x4e1/0x560 [btrfs]"
HUNG_TASK = "INFO: task sync:211 blocked for more than 45 seconds."
BLOCKED = "task:sync            state:D stack:0     pid:211   ppid:1      flags:0x00004000"
RUNNING = "task:sync            state:R stack:0     pid:211   ppid:1      flags:0x00004000"


@pytest.mark.parametrize(
    ("ended", "said", "outcome"),
    [
        (Outcome.PASSED, [], Outcome.PASSED),
        (Outcome.PASSED, [WARNING], Outcome.PASSED),
        (Outcome.PASSED, [HUNG_TASK], Outcome.PASSED),
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
    settled, detail = settle(ended, "the detail", first_incident(lines), lines)
    assert settled is outcome
    assert detail


def test_details_name_what_broke() -> None:
    lines = (LogLine(t_s=1, level=4, text=BUG),)
    assert settle(Outcome.PASSED, "x", first_incident(lines), lines)[1] == BUG
    assert "raise limits.round_seconds" in settle(Outcome.HUNG, "slow", None, ())[1]
    oom = (LogLine(t_s=1, level=4, text=OOM),)
    assert settle(Outcome.FAILED, "exit 1", first_incident(oom), oom)[1] == "out of memory (exit 1)"
