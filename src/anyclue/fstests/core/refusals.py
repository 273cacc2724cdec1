"""Tests that refuse to run somewhere, since which commit of fstests, and what to run instead.

From the history of fstests' repository. Dates are the authors'.
"""

from __future__ import annotations

from anyclue.fstests.core.model import CheckResult, CheckStatus, Refusal

_COMPRESSION = "no compression enabled"
"""What check's reason has when a test refuses compression on btrfs."""

_DISABLED = ("2d5e3202bb9389811d7fd3c6cdfa2bfd7da2a4a1", "2021-11-15",
             "fstests: detect btrfs compression and disable certain tests")  # fmt: skip

REFUSALS = {
    refusal.test: refusal
    for refusal in (
        Refusal(
            test="generic/027",
            reason=(
                "it fills a file system until ENOSPC, and compressed data takes so little space "
                "that it would run for very long"
            ),
            commit="c99901745c41ea9614315700965037c13697dc6e",
            date="2024-05-17",
            subject="generic/027: require no compression",
            instead="enospc-small-files",
        ),
        Refusal(
            test="generic/352",
            reason="compression makes its file an inline extent, which reflink copies",
            commit="e0aca4b09d810f47fc33acb173c346a838500037",
            date="2024-05-17",
            subject="generic/352: require no compression",
        ),
        Refusal(
            test="generic/274",
            reason="with compression metadata can run out of space first, and the test then fails",
            commit="6fc65e3867240901d7f88867d886fd35ccd207c3",
            date="2021-11-23",
            subject="generic/274: require no compress",
        ),
        *(
            Refusal(
                test=test,
                reason="it counts on data taking its full size on disk",
                commit=_DISABLED[0],
                date=_DISABLED[1],
                subject=_DISABLED[2],
            )
            for test in ("generic/275", "generic/427")
        ),
    )
}
"""By test."""


def refusal_of(result: CheckResult) -> Refusal | None:
    """Return what is known of why a test was not run; None when nothing is."""
    if result.status is not CheckStatus.NOT_RUN or _COMPRESSION not in result.reason:
        return None
    return REFUSALS.get(result.test)
