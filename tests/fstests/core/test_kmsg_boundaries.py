"""The lines of the kernel log where tests begin; a console's last words have them too."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anyclue.fstests.core.kmsg_boundaries import begun_test, begun_tests
from anyclue.model.recording import LogLine
from anyclue.recordings.kernel_log import parse_console

# As a console has them: printed by a guest that panicked in the second test.
CONSOLE = """\
[44352.384917] run fstests generic/007 at 2026-11-23 03:21:04
[44352.511829] BTRFS info (device loop0): first mount of filesystem e8b49755
[44352.567124] my words: run fstests generic/001 at 2026-11-23 03:21:04
[44352.999917] run fstests generic/008 at 2026-11-23 03:21:05
[44353.100000] Kernel panic - not syncing: sysrq triggered crash
[44353.2
"""


def test_in_the_order_of_the_log() -> None:
    assert begun_tests(parse_console(CONSOLE)) == (("generic/007", 0), ("generic/008", 3))
    assert begun_tests(()) == ()


@given(st.lists(st.text(max_size=40).map(lambda rest: f"run fstests {rest}"), max_size=5))
def test_any_lines(texts: list[str]) -> None:
    log = [LogLine(t_s=0.0, level=6, text=text) for text in texts]
    begun = begun_tests(log)
    assert [test for test, _ in begun] == [test for text in texts if (test := begun_test(text))]
    assert all(".." not in test.split("/") for test, _ in begun)
