"""Result files out of a guest: names, kinds and sizes of members are hostile."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from anyclue.fstests.core.model import TestId
from anyclue.fstests.run import results
from anyclue.fstests.run.results import keep_results

TEST = TestId(section="", test="generic/001")


def disk_with(path: Path, *members: tarfile.TarInfo | str, data: bytes = b"x") -> Path:
    disk = path / "results.img"
    with disk.open("wb") as file:
        file.truncate(8 << 20)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for member in members:
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            if info.isreg():
                info.size = len(data)
            archive.addfile(info, io.BytesIO(data) if info.isreg() else None)
    with disk.open("r+b") as file:
        file.write(packed.getvalue())
    return disk


def kept(disk: Path, path: Path, test: TestId = TEST) -> tuple[str, ...]:
    return keep_results(disk, test, 3, path / "results")


def test_files_of_the_test_are_kept(tmp_path: Path) -> None:
    disk = disk_with(
        tmp_path, "./generic/001.full", "./generic/001.out.bad", "./result.xml", "./check.time"
    )
    assert kept(disk, tmp_path) == (
        "0003/generic/001.full",
        "0003/generic/001.out.bad",
        "0003/generic/result.xml",
    )
    assert (tmp_path / "results/0003/generic/001.full").read_bytes() == b"x"
    assert kept(disk, tmp_path) == ()  # nothing is read twice


@pytest.mark.parametrize(
    "name",
    [
        "../../../generic/001.full/../../x",
        "/generic/../../001.full",
        "./btrfs/001.full",
        "./generic/0012.full",
        "./generic/001.\x1b[2J",
        "./generic/.001.full",
        "./generic/001.full\n",
        "./generic/001." + "a" * 200,
    ],
)
def test_other_names_are_left(tmp_path: Path, name: str) -> None:
    assert kept(disk_with(tmp_path, name), tmp_path) == ()


def test_an_absolute_name_goes_to_its_place(tmp_path: Path) -> None:
    disk = disk_with(tmp_path, "/../../../../tmp/generic/001.full")
    assert kept(disk, tmp_path) == ("0003/generic/001.full",)


def test_links_and_devices_are_left(tmp_path: Path) -> None:
    link = tarfile.TarInfo("./generic/001.full")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    hard = tarfile.TarInfo("./generic/001.dmesg")
    hard.type, hard.linkname = tarfile.LNKTYPE, "./generic/001.full"
    device = tarfile.TarInfo("./generic/001.core")
    device.type = tarfile.CHRTYPE
    assert kept(disk_with(tmp_path, link, hard, device), tmp_path) == ()


def test_a_test_with_a_hostile_name(tmp_path: Path) -> None:
    disk = disk_with(tmp_path, "./../001.full")
    assert kept(disk, tmp_path, TestId(section="", test="../001")) == ()


def test_large_files_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "MOST_FILE", 10)
    disk = disk_with(tmp_path, "./generic/001.full", data=b"y" * 100)
    kept(disk, tmp_path)
    assert (tmp_path / "results/0003/generic/001.full").stat().st_size == 10


@pytest.mark.parametrize("junk", [b"", b"\0" * 512, b"not a tar" * 1000, b"\xff" * 4096])
def test_what_is_no_archive_gives_nothing(tmp_path: Path, junk: bytes) -> None:
    disk = tmp_path / "results.img"
    disk.write_bytes(junk)
    assert kept(disk, tmp_path) == ()
