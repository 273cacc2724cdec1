"""The lines of the kernel log where tests begin; a console's last words have them too."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anyclue.fstests.core.begun_tests import begun_test
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


def test_only_what_check_wrote_begins_a_test() -> None:
    begun = [begun_test(line.text) for line in parse_console(CONSOLE)]
    assert begun == ["generic/007", None, None, "generic/008", None]


@given(st.text(max_size=40))
def test_any_line(rest: str) -> None:
    test = begun_test(f"run fstests {rest}")
    assert test is None or ".." not in test.split("/")
