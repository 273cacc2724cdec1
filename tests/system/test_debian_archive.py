"""Which mirror is asked: that of the host's sources, one that is given, or Debian's."""

from __future__ import annotations

import asyncio
import json
import platform
from pathlib import Path

import pytest

from anyclue.model.debian import RELEASES, release_of
from anyclue.model.errors import InfrastructureError, RequestError
from anyclue.system import debian_archive
from anyclue.system.apt import Apt
from anyclue.system.debian_archive import (
    DebianArchive,
    Mirror,
    MirrorOrigin,
    chosen_mirror,
    host_release,
)
from anyclue.system.store import Store

# As `apt-get indextargets` of a fresh Debian 13 says it, and of hosts with more sources.
FRESH = """\
http://deb.debian.org/debian/|trixie|main|$(ORIGIN)
http://deb.debian.org/debian/|trixie-updates|main|
http://deb.debian.org/debian-security/|trixie-security|main|
"""
OTHERS = """\
https://download.docker.com/linux/debian/|bookworm|stable|Docker
https://apt.postgresql.org/pub/repos/apt/|bookworm-pgdg|main|apt.postgresql.org
https://www.example.org/|bookworm|main|
https://mirror.example.org/os/|bookworm|main|Debian
odd line
"""


@pytest.mark.parametrize(
    ("listed", "main", "security", "origin"),
    [
        (
            FRESH,
            "http://deb.debian.org/debian",
            "http://deb.debian.org/debian-security",
            MirrorOrigin.HOST,
        ),
        (
            OTHERS,
            "https://mirror.example.org/os",
            "https://mirror.example.org/os-security",
            MirrorOrigin.HOST,
        ),
        (
            "",
            "http://deb.debian.org/debian",
            "http://deb.debian.org/debian-security",
            MirrorOrigin.DEFAULT,
        ),
        (
            "file:/srv/debian/|stable|main|\n",
            "file:/srv/debian",
            "file:/srv/debian-security",
            MirrorOrigin.HOST,
        ),
    ],
)
def test_the_hosts_mirror(listed: str, main: str, security: str, origin: MirrorOrigin) -> None:
    assert chosen_mirror(listed) == Mirror(main=main, security=security, origin=origin)


def test_every_suite_is_asked_with_the_archives_keyring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring = tmp_path / "keyring.gpg"
    monkeypatch.setattr(debian_archive, "KEYRINGS", (tmp_path / "no.gpg", keyring))
    mirror = chosen_mirror(FRESH)
    assert mirror.sources(release_of("sid")) == ("deb http://deb.debian.org/debian sid main",)
    keyring.touch()
    option = f"[signed-by={keyring}]"
    assert mirror.sources(release_of("trixie")) == (
        f"deb {option} http://deb.debian.org/debian trixie main",
        f"deb {option} http://deb.debian.org/debian trixie-updates main",
        f"deb {option} http://deb.debian.org/debian-security trixie-security main",
        f"deb {option} http://deb.debian.org/debian trixie-backports main",
    )


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DebianArchive:
    async def host() -> Mirror:
        return chosen_mirror(FRESH)

    monkeypatch.setattr(debian_archive, "host_mirror", host)
    return DebianArchive(tmp_path / "apt", Store(tmp_path / "store"))


def test_a_mirror_that_is_given_is_kept(archive: DebianArchive, tmp_path: Path) -> None:
    assert asyncio.run(archive.mirror()).origin is MirrorOrigin.HOST
    archive.give_mirror("http://mirror.example.org/debian/")
    another = DebianArchive(tmp_path / "apt", Store(tmp_path / "store"))
    for one in (archive, another):
        assert asyncio.run(one.mirror()) == Mirror(
            main="http://mirror.example.org/debian",
            security="http://mirror.example.org/debian-security",
            origin=MirrorOrigin.GIVEN,
        )
    archive.give_mirror(None)
    assert asyncio.run(archive.mirror()).origin is MirrorOrigin.HOST


@pytest.mark.parametrize("uri", ["", "mirror", "ftp://x/debian", "http://x/a b", "http:///x", "-o"])
def test_what_is_no_mirror(archive: DebianArchive, uri: str) -> None:
    with pytest.raises(RequestError, match="no address of a mirror"):
        archive.give_mirror(uri)
    assert asyncio.run(archive.mirror()).origin is MirrorOrigin.HOST


@pytest.mark.parametrize("content", ["", "[]", "{}", json.dumps({"main": 5})])
def test_a_damaged_choice_is_none(archive: DebianArchive, tmp_path: Path, content: str) -> None:
    (tmp_path / "apt").mkdir()
    (tmp_path / "apt/mirror.json").write_text(content)
    assert asyncio.run(archive.mirror()).origin is MirrorOrigin.HOST


def test_a_release_that_cannot_be_asked_takes_no_other_with_it(
    archive: DebianArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refresh(apt: Apt) -> None:
        if apt.release.name == "forky":
            raise InfrastructureError("no lists")

    monkeypatch.setattr(Apt, "refresh", refresh)
    states, failures = asyncio.run(archive.asked(RELEASES, "amd64"))
    assert [one.release.name for one in states] == ["bookworm", "trixie", "sid"]
    assert [str(one) for one in failures] == ["no lists"]
    assert len({one.root for one in states}) == 3


@pytest.mark.parametrize(
    ("codename", "name"),
    [("trixie", "trixie"), ("jammy", "bookworm"), (None, "bookworm")],
)
def test_the_hosts_release(
    codename: str | None, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"VERSION_CODENAME": codename} if codename else {}
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: said)
    assert host_release().name == name
