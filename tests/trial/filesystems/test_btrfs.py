"""What of btrfs's mount options has to be seen at work."""

from __future__ import annotations

from dataclasses import replace

import pytest

from anyclue.trial.filesystems.btrfs import BTRFS, compression


@pytest.mark.parametrize(
    ("mount", "asked"),
    [
        ("", None),
        ("noatime", None),
        ("compress", "compress=zlib"),
        ("compress=lzo", "compress=lzo"),
        ("noatime,compress-force=zstd:3,ssd", "compress-force=zstd"),
        ("compress=lzo,compress=zlib", "compress=zlib"),
        ("compress=lzo,compress=no", None),
        ("compress=none", None),
    ],
)
def test_the_compression_that_was_asked_for(mount: str, asked: str | None) -> None:
    feature = compression(mount)
    assert (feature and feature.option) == asked


def test_a_size_stands_where_mkfs_has_it() -> None:
    made = BTRFS.mkfs_command("/dev/vdb", 256, ("-L", "a b"))
    assert made == "mkfs.btrfs -q -f -K -b 256M -L 'a b' /dev/vdb"
    behind = replace(BTRFS, mkfs=("mkfs.ext4", "-F", "{options}", "{device}", "{size}"))
    assert behind.mkfs_command("/dev/vdb", 64, ()) == "mkfs.ext4 -F /dev/vdb 64M"
