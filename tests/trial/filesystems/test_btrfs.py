"""What of btrfs's mount options has to be seen at work."""

from __future__ import annotations

import pytest

from anyclue.trial.filesystems.btrfs import compression


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
