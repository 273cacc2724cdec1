"""apt itself on a mirror of one package: what is wrong with it, and what is said of that."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import shutil
import subprocess
import time
from email.utils import formatdate
from pathlib import Path

import pytest

from anyclue.model.debian import release_of
from anyclue.model.errors import InfrastructureError
from anyclue.system import apt as apt_module
from anyclue.system.apt import Apt, Package
from anyclue.system.store import Store

pytestmark = pytest.mark.skipif(
    not (shutil.which("apt-get") and shutil.which("dpkg-deb")), reason="no apt"
)

RELEASE = release_of("sid")
PACKAGE = Package(name="thing", arch="amd64", version="1-1")
DAY_S = 86400


class LocalMirror:
    """An archive with the suite sid, in a directory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.deb = path / "pool/thing_1-1_amd64.deb"
        tree = path.parent / "thing"
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "DEBIAN/control").write_text(
            "Package: thing\nVersion: 1-1\nArchitecture: amd64\nMaintainer: n <e@x>\n"
            "Description: a thing\n"
        )
        (tree / "usr/share/thing").mkdir(parents=True)
        (tree / "usr/share/thing/file").write_text("content\n")
        self.deb.parent.mkdir(parents=True)
        argv = ["dpkg-deb", "--root-owner-group", "-b", str(tree), str(self.deb)]
        subprocess.run(argv, check=True, capture_output=True)
        self.publish()

    def publish(self, *, valid_s: float = DAY_S) -> None:
        """Write the indices, valid for so many seconds from now."""
        control = subprocess.run(
            ["dpkg-deb", "-f", self.deb], check=True, capture_output=True, text=True
        ).stdout
        content = self.deb.read_bytes()
        listed = (
            f"{control}Filename: pool/{self.deb.name}\nSize: {len(content)}\n"
            f"SHA256: {hashlib.sha256(content).hexdigest()}\n"
        )
        plain = listed.encode()
        index = gzip.compress(plain, mtime=0)
        suite = self.path / "dists/sid"
        (suite / "main/binary-amd64").mkdir(parents=True, exist_ok=True)
        (suite / "main/binary-amd64/Packages.gz").write_bytes(index)
        now = time.time()
        (suite / "Release").write_text(
            "Origin: Debian\nSuite: unstable\nCodename: sid\nArchitectures: amd64\n"
            f"Components: main\nDate: {formatdate(now + min(valid_s, 0) - DAY_S, usegmt=True)}\n"
            f"Valid-Until: {formatdate(now + valid_s, usegmt=True)}\nSHA256:\n"
            f" {hashlib.sha256(index).hexdigest()} {len(index)} main/binary-amd64/Packages.gz\n"
            f" {hashlib.sha256(plain).hexdigest()} {len(plain)} main/binary-amd64/Packages\n"
        )

    def unpublish(self) -> None:
        shutil.rmtree(self.path / "dists")


@pytest.fixture
def mirror(tmp_path: Path) -> LocalMirror:
    return LocalMirror(tmp_path / "mirror")


@pytest.fixture
def apt(mirror: LocalMirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Apt:
    # The host may have switched that off.
    checked = ("-o", "Acquire::Check-Valid-Until=true", "-o", "Acquire::Check-Date=true")
    monkeypatch.setattr(apt_module, "OPTIONS", (*apt_module.OPTIONS, *checked))
    return Apt(
        tmp_path / "apt",
        Store(tmp_path / "store"),
        release=RELEASE,
        arch="amd64",
        sources=[f"deb [trusted=yes] file:{mirror.path} sid main"],
    )


def expire_lists(apt: Apt) -> None:
    (apt.root / "lists-stamp").unlink()


def test_a_package_is_unpacked(apt: Apt, tmp_path: Path) -> None:
    asyncio.run(apt.refresh())
    asyncio.run(apt.unpack(PACKAGE, tmp_path / "tree"))
    assert (tmp_path / "tree/usr/share/thing/file").read_text() == "content\n"
    tree = asyncio.run(apt.closure(["thing"]))
    assert tree.file("tree/usr/share/thing/file").is_file()


def test_a_release_file_that_is_too_old(apt: Apt, mirror: LocalMirror) -> None:
    mirror.publish(valid_s=-DAY_S)
    with pytest.raises(InfrastructureError, match="no package lists of sid") as caught:
        asyncio.run(apt.refresh())
    assert "is expired" in str(caught.value)


def test_a_release_file_that_is_too_old_by_now(
    apt: Apt, mirror: LocalMirror, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asyncio.run(apt.refresh())
    mirror.publish(valid_s=-DAY_S)
    expire_lists(apt)
    with caplog.at_level("INFO"):
        asyncio.run(apt.refresh())
    assert "is expired" in caplog.text
    asyncio.run(apt.unpack(PACKAGE, tmp_path / "tree"))


def test_a_suite_that_vanished(
    apt: Apt, mirror: LocalMirror, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asyncio.run(apt.refresh())
    mirror.unpublish()
    expire_lists(apt)
    with caplog.at_level("INFO"):
        asyncio.run(apt.refresh())
    assert "going on with the lists that are there: sid" in caplog.text
    asyncio.run(apt.unpack(PACKAGE, tmp_path / "tree"))


@pytest.mark.parametrize("left", [0, 300, None])
def test_a_package_that_comes_in_part_or_not_at_all(
    apt: Apt, mirror: LocalMirror, tmp_path: Path, left: int | None
) -> None:
    asyncio.run(apt.refresh())
    content = mirror.deb.read_bytes()
    mirror.deb.unlink() if left is None else mirror.deb.write_bytes(content[:left])
    with pytest.raises(InfrastructureError) as caught:
        asyncio.run(apt.unpack(PACKAGE, tmp_path / "tree"))
    assert "thing:amd64=1-1 of sid (amd64) could not be downloaded: " in str(caught.value)
    assert not (tmp_path / "tree").exists()
    with pytest.raises(InfrastructureError, match="could not be downloaded"):
        asyncio.run(apt.closure(["thing"]))
    assert not list((tmp_path / "store/packages").iterdir())
    mirror.deb.write_bytes(content)
    asyncio.run(apt.refresh())
    asyncio.run(apt.unpack(PACKAGE, tmp_path / "tree"))
    assert (tmp_path / "tree/usr/share/thing/file").is_file()


def test_no_room(
    apt: Apt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    usage = shutil.disk_usage(tmp_path)
    full = usage._replace(free=5 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    with pytest.raises(InfrastructureError, match="and 5 MiB are free") as caught:
        asyncio.run(apt.refresh())
    assert "fetching package lists takes up to" in str(caught.value)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    asyncio.run(apt.refresh())
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    expire_lists(apt)
    with caplog.at_level("INFO"):
        asyncio.run(apt.refresh())
    assert "5 MiB are free; going on with the lists that are there: sid" in caplog.text
    with pytest.raises(InfrastructureError, match="downloading packages takes up to"):
        asyncio.run(apt.unpack(PACKAGE, tmp_path / "tree"))
    assert not (tmp_path / "tree").exists()
