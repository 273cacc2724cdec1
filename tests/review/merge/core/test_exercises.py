"""The table of exercises: what it says exists, and the first entry that matches is taken."""

from __future__ import annotations

import pytest

from anyclue.review.merge.core.exercises import entries, exercises
from anyclue.review.merge.core.model import (
    OUTSIDE,
    Exercise,
    FunctionResolution,
    Resolution,
    TextSource,
)
from anyclue.trial.workloads.registry import WORKLOADS


def resolution(*functions: tuple[str, str]) -> Resolution:
    return Resolution(
        title="",
        functions=tuple(
            FunctionResolution(
                path=path, function=name, line=1, conflict=True, taken=TextSource.COMBINED
            )
            for path, name in functions
        ),
    )


def exercise(path: str, function: str) -> Exercise:
    (found,) = exercises(resolution((path, function)))
    return found


def test_every_entry_says_what_to_do_with_workloads_that_exist() -> None:
    for one in entries():
        assert one.exercise.how
        assert set(one.exercise.workloads) <= set(WORKLOADS)
        assert one.exercise.workloads or one.exercise.fstests


def test_no_entry_is_hidden_behind_an_earlier_one() -> None:
    for number, one in enumerate(entries()):
        path = one.files[0].replace("[ch]", "c").replace("*", "zz")
        name = one.functions[0].replace("*", "zz")
        first = next(n for n, two in enumerate(entries()) if two.matches(path, name))
        assert first == number, one.files


@pytest.mark.parametrize(
    ("path", "function", "mount", "group"),
    [
        ("fs/btrfs/lzo.c", "lzo_compress_pages", "compress=lzo", "compress"),
        ("fs/btrfs/inode.c", "compress_file_range", "compress=lzo", "compress"),
        ("fs/btrfs/inode.c", "btrfs_unlink", "", "rw"),
        ("fs/btrfs/inode.c", "btrfs_dio_iomap_begin", "", "aio"),
        ("fs/btrfs/ioctl.c", "btrfs_defrag_file", "autodefrag", "defrag"),
    ],
)
def test_a_function_finds_its_exercise(path: str, function: str, mount: str, group: str) -> None:
    found = exercise(path, function)
    assert mount in found.mount
    assert group in found.fstests


def test_functions_of_one_exercise_are_named_together_and_unknown_ones_last() -> None:
    known, unknown = exercises(
        resolution(
            ("drivers/a.c", "probe"),
            ("fs/btrfs/lzo.c", "one"),
            ("fs/btrfs/lzo.c", OUTSIDE),
            ("fs/btrfs/lzo.c", "two"),
        )
    )
    assert known.functions == (("fs/btrfs/lzo.c", "one"), ("fs/btrfs/lzo.c", "two"))
    assert (unknown.functions, unknown.how) == ((("drivers/a.c", "probe"),), "")
