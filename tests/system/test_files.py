"""Files that are whole or absent."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.model.errors import InfrastructureError
from anyclue.system.files import move_whole, sha256, staging, write_whole


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    place = tmp_path / "tiny"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("a tmpfs can only be mounted as root")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def read_only(tiny: Path) -> Path:
    done = subprocess.run(["mount", "-o", "remount,ro", str(tiny)], check=False)
    assert done.returncode == 0
    return tiny


def test_written_whole(tmp_path: Path) -> None:
    file = tmp_path / "a/b/c.json"
    write_whole(file, "é")
    assert file.read_bytes() == "é".encode()
    write_whole(file, b"\0new")
    assert file.read_bytes() == b"\0new"
    assert file.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in file.parent.iterdir()] == ["c.json"]


@given(st.binary(max_size=100))
def test_digests(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "digest"
    file.write_bytes(data)
    shown = subprocess.run(["sha256sum"], input=data, capture_output=True, check=True)
    assert sha256(file) == shown.stdout.split()[0].decode()


def test_a_full_disk_keeps_what_was_there(tiny: Path) -> None:
    file = tiny / "verdicts.json"
    write_whole(file, "before")
    with pytest.raises(
        InfrastructureError, match="cannot write: No space left on device"
    ) as caught:
        write_whole(file, b"x" * 200_000)
    assert str(file) in str(caught.value)
    assert "--resume" in str(caught.value)
    assert file.read_text() == "before"
    assert [path.name for path in tiny.iterdir()] == ["verdicts.json"]


def test_a_read_only_place(read_only: Path) -> None:
    with pytest.raises(InfrastructureError, match="Read-only file system"):
        write_whole(read_only / "x", "y")
    with (
        pytest.raises(InfrastructureError, match="Read-only file system"),
        staging(read_only, "x"),
    ):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_place_of_somebody_else(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InfrastructureError, match="Permission denied"):
        write_whole(tmp_path / "x", "y")


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InfrastructureError, match="cannot write"):
        write_whole(tmp_path / "file" / "below", "y")


def test_staging_is_moved_or_removed(tmp_path: Path) -> None:
    target = tmp_path / "deep/final"
    with staging(tmp_path, "trial-1") as directory:
        assert directory.parent == tmp_path
        assert directory.name.startswith(".trial-1.")
        (directory / "a").write_text("1")
        asyncio.run(move_whole(directory, target))
    assert (target / "a").read_text() == "1"
    assert target.stat().st_mode & 0o777 == 0o755  # others may read a run
    with contextlib.suppress(ZeroDivisionError), staging(tmp_path, "x") as directory:
        (directory / "b").mkdir()
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]


def test_a_target_that_is_there_stays(tmp_path: Path) -> None:
    target = tmp_path / "final"
    target.mkdir()
    (target / "mine").write_text("x")
    with staging(tmp_path, "new") as directory:
        (directory / "a").write_text("1")
        with pytest.raises(InfrastructureError, match="cannot write"):
            asyncio.run(move_whole(directory, target))
    assert [path.name for path in target.iterdir()] == ["mine"]
    shutil.rmtree(target)
