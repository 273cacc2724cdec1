"""What check is given in a guest, from a scenario's words."""

from __future__ import annotations

from anyclue.fstests.core.configuration import (
    check_arguments,
    local_config,
    sections,
)
from anyclue.fstests.core.local_config import read_local_config
from anyclue.model.scenario import TestChoice

CONFIG = """\
[one]
FSTYP=btrfs
TEST_DEV=/dev/sda
MOUNT_OPTIONS="-o compress=zstd"
[two]
MKFS_OPTIONS="-n 16k"
[ext4]
FSTYP=ext4
"""


def options(text: str) -> dict[str, str]:
    return dict(read_local_config(text)[0].options)


def test_arguments_by_who_acts_on_them() -> None:
    choice = TestChoice(
        tests=("generic/001", "-g quick", "-i 3", "-L 2", "-R xunit"),
        exclude=("generic/475", "-x dangerous"),
    )
    arguments = check_arguments(choice)
    assert arguments.selection == (
        *("-g", "quick", "-x", "dangerous", "-e", "generic/475"),
        "generic/001",
    )
    assert arguments.per_call == ("-L", "2", "-R", "xunit")
    assert (arguments.passes, arguments.stop_at_failure) == (3, False)
    assert check_arguments(TestChoice(tests=("-I 2", "btrfs/001"))).stop_at_failure


def test_a_cells_options_are_in_its_config() -> None:
    choice = TestChoice(tests=("generic/001",), environment={"TIME_FACTOR": "2"})
    section = sections(choice, "-n 16k", "compress=lzo")[""]
    found = options(section.config)
    assert found["FSTYP"] == section.fstyp == "btrfs"
    assert found["MOUNT_OPTIONS"] == found["TEST_FS_MOUNT_OPTS"] == "-o compress=lzo"
    assert found["MKFS_OPTIONS"] == section.mkfs == "-n 16k"
    assert found["TIME_FACTOR"] == "2"
    assert found["TEST_DEV"] == "/dev/vdb"
    assert "/dev/vde" in found["SCRATCH_DEV_POOL"]
    assert "MOUNT_OPTIONS" not in options(sections(choice, "", "")[""].config)


def test_sections_of_a_local_config_are_complete() -> None:
    choice = TestChoice(tests=("generic/001",), config=CONFIG)
    found = sections(choice, "", "")
    assert list(found) == ["one", "two", "ext4"]
    two = options(found["two"].config)
    assert two["MOUNT_OPTIONS"] == "-o compress=zstd"  # carried over
    assert two["TEST_DEV"] == "/dev/vdb"  # the guest's, not the user's
    assert found["ext4"].fstyp == "ext4"
    assert "compress" not in options(found["ext4"].config).get("MOUNT_OPTIONS", "")


def test_a_local_config_is_written_out() -> None:
    text = local_config(TestChoice(tests=("generic/001",), config=CONFIG), "", "")
    assert [section.name for section in read_local_config(text)] == ["one", "two", "ext4"]
    flat = local_config(TestChoice(tests=("generic/001",)), "", "compress=lzo")
    assert options(flat)["MOUNT_OPTIONS"] == "-o compress=lzo"


def test_chosen_sections_alone_are_run() -> None:
    choice = TestChoice(tests=("generic/001",), config=CONFIG, sections=("ext4",))
    assert list(sections(choice, "", "")) == ["ext4"]
