"""Why a verdict was given, in words: any reason and detail, of tests of fstests too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from anyclue.fstests.core.model import TestId
from anyclue.fstests.core.reasons import (
    BrokenTest,
    Caveat,
    ClassFell,
    CleanAlone,
    EndUnknown,
    FloorGap,
    KernelReport,
    LeakingTest,
    NoClassRose,
    NoFloors,
    NoTestRan,
    RepeatedRuns,
    RoseBehindOthers,
    RoseOnce,
    TestsOfCell,
    TooFewRuns,
)
from anyclue.model.verdict import MemoryClass, SignatureDetail, VerdictReason
from anyclue.report import reasons as statistics
from anyclue.report.words import CLASSES, first_few

_NAMED: Final = 5
"""So many tests are named."""

_CAVEATS: Final[Mapping[Caveat, str]] = MappingProxyType(
    {
        Caveat.OTHER_WORK: "on a machine with other work that is no proof",
        Caveat.NOT_QUIESCED: "no caches were dropped between the runs, so it may be reclaimable:"
        " record again with --quiesce",
    }
)

_GAPS: Final[Mapping[FloorGap, str]] = MappingProxyType(
    {
        FloorGap.BEGUN_BEFORE: "it had begun before the recording, if it still ran: there is no"
        " floor before it",
        FloorGap.CUT_SHORT: "the recording was cut short before the test had ended",
        FloorGap.RECORDING_ENDED: "the recording ended before the test had ended",
        FloorGap.NOT_ENDED: "it did not come to its end: there is no floor behind it",
        FloorGap.TOO_FEW_SAMPLES: "too few samples around it for floors",
    }
)


def reason_text(reason: VerdictReason) -> str:
    """Return any reason as a sentence without its full stop."""
    match reason:
        case KernelReport():
            return f"the kernel reported: {statistics.incident_text(reason.incident)}"
        case RepeatedRuns():
            reclaimed = reason.caveat is not Caveat.NOT_QUIESCED
            text = statistics.growth_reason_text(reason.statistics, unit="run", reclaimed=reclaimed)
            return text + (f"; {_CAVEATS[reason.caveat]}" if reason.caveat else "")
        case NoFloors():
            return _GAPS[reason.gap]
        case TooFewRuns():
            return _too_few_runs(reason)
        case ClassFell():
            return (
                f"{CLASSES[reason.memory_class]} was {reason.kib:.0f} KiB lower after it,"
                " which may hide a leak"
            )
        case NoClassRose():
            return (
                f"no class of kernel memory was {reason.limit_kib:g} KiB higher after it"
                f" (sum: {reason.step_kib:+.0f})"
            )
        case RoseOnce():
            return (
                f"kernel memory was {reason.kib:.0f} KiB higher after one"
                f" run{_mostly(reason.memory_class)}: a leak or a one-time cost"
            )
        case RoseBehindOthers():
            return (
                f"kernel memory was {reason.behind_others_kib:.0f} KiB higher after it behind other"
                f" tests, {reason.alone_kib:.0f} alone:"
                " a leak that needs them, or a one-time cost"
            )
        case CleanAlone():
            return f"{reason_text(reason.among)}; without the tests before it, it is clean"
        case EndUnknown():
            return f"nothing says that the test came to its end; {reason_text(reason.memory)}"
        case TestsOfCell():
            return _tests_of_cell(reason)
        case NoTestRan():
            return "; ".join(["no test ran", *reason.details])
    return statistics.growth_reason_text(reason)


def detail_text(detail: SignatureDetail | None) -> str:
    """Return what a signature adds in a few words; "" for nothing."""
    if not isinstance(detail, LeakingTest):
        return statistics.detail_text(detail)
    return f"in {detail.test}" + (f" after {_names(detail.after)}" if detail.after else "")


def _too_few_runs(reason: TooFewRuns) -> str:
    size = f"{abs(reason.step_kib) / 1024:.1f} MiB"
    count = "one run" if reason.runs == 1 else f"{reason.runs} runs"
    if reason.step_kib > 0:
        return (
            f"kernel memory without caches was {size} higher after it"
            f"{_mostly(reason.memory_class)}; {count} cannot tell a leak from a one-time cost:"
            f" repeat it {reason.enough} times (check -i)"
        )
    how = f"{size} lower after it" if reason.step_kib < 0 else "as high as before"
    return f"kernel memory without caches was {how}; {count} cannot exclude a leak"


def _mostly(memory_class: MemoryClass | None) -> str:
    return f", mostly {CLASSES[memory_class]}" if memory_class is not None else ""


def _tests_of_cell(reason: TestsOfCell) -> str:
    parts = []
    for leak in reason.leaking[:_NAMED]:
        rate = f" ({leak.rate_kib:+.0f} KiB a run)" if leak.rate_kib else ""
        parts.append(f"leak {detail_text(leak)}{rate}")
    parts += [f"{broken.test} {_broken(broken)}" for broken in reason.broken[:_NAMED]]
    if reason.clean:
        parts.append(f"{reason.clean} of {reason.counted} tests clean")
    for word, tests in (
        ("unproven", reason.unproven),
        ("not run", reason.not_run),
        ("left out", reason.expunged),
    ):
        if tests:
            parts.append(f"{word}: {_names(tests)}")
    return "; ".join(parts)


def _broken(broken: BrokenTest) -> str:
    if broken.killed:
        return f"ended its guest ({broken.killed})"
    if broken.memory is not None:
        return f"broke the kernel ({reason_text(broken.memory)})"
    return f"failed ({broken.reason})"


def _names(tests: Sequence[TestId]) -> str:
    return first_few([str(test) for test in tests], _NAMED)
