"""Which modules are loaded before the snapshot, which after it, and in which order."""

from __future__ import annotations

from pathlib import Path

import pytest

from anyclue.model.errors import RequestError
from anyclue.trial.filesystems.btrfs import BTRFS
from anyclue.trial.filesystems.ext4 import EXT4
from anyclue.trial.kernels.layout import (
    KernelLayout,
    ModuleEntry,
    TrialSubject,
    layout_of,
    layout_text,
)

ENTRIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "virtio_blk": ("drivers/block", ()),
    "crc32c-intel": ("arch/x86/crypto", ()),
    "libcrc32c": ("lib", ("crc32c-intel",)),
    "btrfs": ("fs/btrfs", ("crc32c-intel", "libcrc32c")),
    "crc16": ("lib", ()),
    "mbcache": ("fs", ()),
    "jbd2": ("fs/jbd2", ()),
    "ext4": ("fs/ext4", ("crc16", "mbcache", "jbd2")),
}
LAYOUT = KernelLayout(
    modules={name: ModuleEntry(directory=d, needs=n) for name, (d, n) in ENTRIES.items()},
    builtin=frozenset({"loop"}),
)


def test_the_file_systems_own_module_is_under_test() -> None:
    subject = TrialSubject(file_system=BTRFS)
    assert LAYOUT.under_test(subject) == ["btrfs"]
    assert LAYOUT.before(subject) == ["virtio_blk", "crc32c-intel", "libcrc32c"]
    assert LAYOUT.more(subject) == ["crc16", "mbcache", "jbd2", "ext4"]
    assert LAYOUT.of_directory(subject, "fs/btrfs") == ["btrfs"]


def test_what_is_rebuilt_beside_it_is_under_test_and_loaded_first() -> None:
    subject = TrialSubject(file_system=EXT4, directories=frozenset({"fs/jbd2"}))
    assert LAYOUT.under_test(subject) == ["jbd2", "ext4"]
    assert LAYOUT.before(subject) == ["virtio_blk", "crc16", "mbcache"]


def test_what_needs_a_module_under_test_is_loaded_after_it() -> None:
    subject = TrialSubject(file_system=BTRFS, directories=frozenset({"arch/x86/crypto"}))
    assert LAYOUT.under_test(subject) == ["crc32c-intel", "libcrc32c", "btrfs"]


def test_a_directory_that_the_file_system_does_not_load() -> None:
    with pytest.raises(RequestError) as caught:
        LAYOUT.of_directory(TrialSubject(file_system=EXT4), "fs/btrfs")
    said = str(caught.value)
    assert "nothing that ext4 loads is built from 'fs/btrfs'" in said
    assert "lib, fs, fs/jbd2, fs/ext4" in said


def test_what_is_built_in_is_not_modular(tmp_path: Path) -> None:
    only = KernelLayout(modules={"btrfs": LAYOUT.modules["btrfs"]}, builtin=frozenset({"ext4"}))
    assert only.is_modular(TrialSubject(file_system=BTRFS))
    assert not only.is_modular(TrialSubject(file_system=EXT4))
    assert only.under_test(TrialSubject(file_system=EXT4)) == []
    (tmp_path / "modules.json").write_bytes(layout_text(LAYOUT))
    assert layout_of(tmp_path / "modules.json") == LAYOUT
