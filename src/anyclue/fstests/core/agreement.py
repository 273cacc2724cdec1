"""What check printed of a test beside what its report (``result.xml``) says of the same runs."""

from __future__ import annotations

from collections.abc import Sequence

from anyclue.fstests.core.model import CheckResult, CheckRun, CheckStatus

REPORTED = frozenset({CheckStatus.PASSED, CheckStatus.FAILED, CheckStatus.NOT_RUN})
"""What a report has: tests that were left out are not in it, nor those that did not end."""


def disagreements(printed: Sequence[CheckResult], report: CheckRun | None) -> tuple[str, ...]:
    """Return, in words, where the report contradicts the output; nothing when they agree.

    ``printed`` are the runs of one test, in one section, as the output has them; ``report`` is None
    when check left none.
    """
    expected = [result for result in printed if result.status in REPORTED]
    if report is None:
        return ("check left no report to compare its output with",) if expected else ()
    told = {(result.test, result.number): result.status for result in report.results}
    found = [
        f"check printed {result.status}, and its report says {status or 'nothing'}"
        for result in printed
        if (status := told.get((result.test, result.number))) is not result.status
        and (status is not None or result in expected)
    ]
    known = {(result.test, result.number) for result in printed}
    found += [
        f"its report says {status} of a run of which check printed nothing"
        for key, status in told.items()
        if key not in known and key[0] in {result.test for result in printed}
    ]
    return tuple(dict.fromkeys(found))
