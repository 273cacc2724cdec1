"""check's output beside the tests that the kernel log saw begin.

The lines themselves are read in `kmsg_boundaries`. Where a guest died, its kernel log may have
got further than what check printed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from anyclue.fstests.core.model import CheckResult, CheckRun, CheckStatus


def with_begun(run: CheckRun, begun: Sequence[str]) -> CheckRun:
    """Add the tests that began, by the kernel log, and that check's output does not have.

    ``begun`` are their ids in the order of the log, one for each run. They are lost, and the run
    is then cut short.
    """
    counts = Counter(one.test for one in run.results if one.status is not CheckStatus.EXPUNGED)
    section = run.results[-1].section if run.results else next(iter(run.settings), "")
    numbers = Counter(one.test for one in run.results if one.section == section)
    missing: list[CheckResult] = []
    seen: Counter[str] = Counter()
    for test in begun:
        seen[test] += 1
        if seen[test] > counts[test]:
            numbers[test] += 1
            missing.append(
                CheckResult(
                    test=test,
                    status=CheckStatus.LOST,
                    reason="it began, by the kernel log, and check printed nothing of it",
                    section=section,
                    number=numbers[test],
                )
            )
    if not missing:
        return run
    return replace(
        run,
        results=(*run.results, *missing),
        cut_short=run.cut_short or f"check's output ends before {missing[0].test} began",
    )
