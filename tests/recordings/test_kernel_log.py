"""Records of /dev/kmsg, and what broke first in logs of 6.1 kernels (``data/kernel-6.1``)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.model.recording import Incident, LogLine
from anyclue.recordings.kernel_log import (
    blocked_incident,
    first_incident,
    format_lines,
    heading_of,
    merge_console,
    parse_console,
    parse_kmsg,
    parse_lines,
)

LOGS = Path(__file__).parent / "data" / "kernel-6.1"


def log_of(*names: str) -> tuple[LogLine, ...]:
    texts = [line for name in names for line in (LOGS / f"{name}.txt").read_text().splitlines()]
    return tuple(LogLine(t_s=5 + at / 1000, level=4, text=text) for at, text in enumerate(texts))


def incident(*names: str) -> Incident:
    found = first_incident(log_of(*names))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "kind", "function", "title"),
    [
        ("bug-i386", "bug", "lzo_compress_pages", "kernel BUG at mm/highmem.c:626!"),
        ("oops-x86-64", "bug", "lzo_compress_pages", "BUG: kernel NULL pointer dereference"),
        ("general-protection", "oops", "kfree", "general protection fault, probably"),
        ("kasan", "kasan", "lzo_decompress_bio", "BUG: KASAN: use-after-free"),
        ("lockdep", "lockdep", None, "WARNING: possible circular locking"),
        ("panic", "panic", None, "Kernel panic - not syncing: Fatal exception"),
        ("hung-task", "hung-task", "btrfs_start_ordered_extent", "INFO: task sync:211 blocked"),
        ("oom", "oom", None, "sh invoked oom-killer"),
        ("warning", "warning", "lzo_decompress_bio", "WARNING: CPU: 0 PID: 96 at fs/btrfs/lzo.c"),
        ("soft-lockup", "stall", None, "watchdog: BUG: soft lockup"),
        ("workqueue", "stall", None, "BUG: workqueue lockup"),
        ("rcu-stall", "stall", None, "rcu: INFO: rcu_preempt self-detected stall"),
        ("rcu-stalls", "stall", None, "rcu: INFO: rcu_preempt detected stalls"),
    ],
)
def test_kinds(name: str, kind: str, function: str | None, title: str) -> None:
    found = incident("harmless", name, "harmless")
    assert (found.kind, found.function) == (kind, function)
    assert found.title.startswith(title)
    assert set((LOGS / f"{name}.txt").read_text().splitlines()) <= set(found.text.splitlines())


def test_harmless_lines_are_no_incident() -> None:
    """A program of the workload that is killed by its own fault says nothing of the kernel."""
    assert first_incident(log_of("harmless")) is None
    assert first_incident(()) is None


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (("warning", "bug-i386"), "bug"),
        (("soft-lockup", "hung-task", "oops-x86-64"), "bug"),
        (("oom", "oom-panic"), "panic"),
        (("bug-i386", "panic"), "bug"),
        (("warning", "hung-task"), "hung-task"),
        (("warning", "oom"), "oom"),
        (("rcu-stall", "soft-lockup"), "stall"),
    ],
)
def test_the_gravest_comes_first_then_the_earliest(names: tuple[str, ...], kind: str) -> None:
    assert incident(*names).kind == kind


def test_the_whole_text_is_bounded_and_begins_one_line_early() -> None:
    found = incident("harmless", "bug-i386", *["harmless"] * 40)
    lines = found.text.splitlines()
    assert lines[0] == "------------[ cut here ]------------"
    assert len(lines) <= 81
    assert found.t_s == pytest.approx(5.009)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ("6,385,6190886,-;Btrfs loaded\n", LogLine(t_s=6.190886, level=6, text="Btrfs loaded")),
        ("3,1,12,c;a;b, c\n SUBSYSTEM=pci\n", LogLine(t_s=0.000012, level=3, text="a;b, c")),
        (
            "30,1,5,-,caller=T1;from a daemon",
            LogLine(t_s=0.000005, level=6, text="from a daemon", facility=3),
        ),
        ("6,385,6190886,-", None),
        ("6,385,;x", None),
        ("", None),
        (f"{'6' * 5000},1,1,-;x", None),
        (f"6,1,{'1' * 5000},-;x", None),
    ],
)
def test_records_of_dev_kmsg(record: str, expected: LogLine | None) -> None:
    assert parse_kmsg(record) == expected


def test_dmesg_raw() -> None:
    text = (
        "<6>[    0.000000] Linux version 6.1.0\n"
        "<4>[   12.000042]  lzo_compress_pages+0x1f4/0x3a0 [btrfs]\n"
        "<3>[123456.789012] \n"
    )
    lines = parse_lines(text)
    assert [line.level for line in lines] == [6, 4, 3]
    assert lines[1].text == " lzo_compress_pages+0x1f4/0x3a0 [btrfs]"
    assert format_lines(lines) == text


times = st.integers(0, 10**12).map(lambda us: us / 1e6)
texts = st.text(st.characters(blacklist_characters="\n", blacklist_categories=["Cs"]), max_size=30)
a_line = st.builds(
    LogLine, t_s=times, level=st.integers(0, 7), text=texts, facility=st.integers(0, 200)
)
lines_st = st.lists(a_line, max_size=6)


@given(lines_st)
def test_a_log_goes_there_and_back(lines: list[LogLine]) -> None:
    assert parse_lines(format_lines(lines)) == tuple(lines)


@given(st.text(max_size=200))
def test_whatever_the_text_nothing_is_raised(text: str) -> None:
    parse_kmsg(text)
    parse_lines(text)
    parse_console(text)
    heading_of(text)


def test_the_console_adds_the_last_words_only() -> None:
    log = (LogLine(t_s=9.0, level=4, text="known"),)
    console = parse_console(
        "SeaBIOS (version 1.16.2)\r\n"
        "[    9.000000] known\r\n"
        "[   10.500000] Kernel panic - not syncing: Fatal exception\r\n"
        "[   11.000000][    T1] with a caller\r\n"
        "init: not the kernel\n"
        "[   12.3"
    )
    merged = merge_console(log, console)
    assert [line.text for line in merged] == [
        "known",
        "Kernel panic - not syncing: Fatal exception",
        "with a caller",
    ]
    assert merge_console((), console) == console


def test_the_first_blocked_task_is_named_from_the_kernels_list() -> None:
    texts = [
        "sysrq: Show Blocked State",
        "task:fsload          state:D stack:0     pid:152   ppid:1      flags:0x00004002",
        "Call Trace:",
        " __schedule+0x399/0xa80",
        " ? btrfs_unsure+0x1/0x2 [btrfs]",
        " btrfs_sync_fs+0x32/0x150 [btrfs]",
        "task:kworker/u2:6    state:D stack:0     pid:164   ppid:2      flags:0x00004000",
        " other_function+0x1/0x2 [btrfs]",
    ]
    log = [LogLine(t_s=float(at), level=6, text=text) for at, text in enumerate(texts)]
    incident = blocked_incident(log)
    assert incident is not None
    assert incident.function == "btrfs_sync_fs"
    assert incident.title == "task:fsload state:D"
    assert "other_function" not in incident.text
    assert blocked_incident(log[:1]) is None
