"""Versions in Debian's order (checked by dpkg), and apt by way of programs that stand in for it."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyclue.model.errors import InfrastructureError
from anyclue.system.apt import Apt, Package, PackageVersion
from anyclue.system.processes import CommandError
from anyclue.system.store import Store

VERSIONS = (
    *("6.1.176-1", "6.1.99-1", "6.1.99-1+b1", "6.1.99-1~bpo11+1", "6.12.9-1", "6.12~rc7-1~exp1"),
    *("1:0.1", "0.9", "0:0.9", "1.0", "1.0-0", "1.0-1", "1.0.0", "1.0a", "1.0+b", "1.0~", "1.0~~"),
    *("1.0~a", "1.0-1.1", "1.00", "1.0-a", "2a", "2-1", "10", "7.2+dfsg-7+deb12u18+b3", "1.0-1~"),
    *("1.0-1-1", "0", "0~", "1a1", "1a10", "1a9", "1.a", "1.+"),
)


def dpkg_before(pairs: list[tuple[str, str]]) -> list[bool]:
    """Ask dpkg for all pairs in one shell."""
    lines = "".join(
        f"dpkg --compare-versions '{a}' lt '{b}' 2>/dev/null && echo 1 || echo 0\n"
        for a, b in pairs
    )
    shown = subprocess.run(["sh"], input=lines, capture_output=True, text=True, check=True)
    return [line == "1" for line in shown.stdout.split()]


needs_dpkg = pytest.mark.skipif(not shutil.which("dpkg"), reason="no dpkg to compare with")


@needs_dpkg
def test_debians_order() -> None:
    pairs = list(itertools.pairwise(VERSIONS)) + list(zip(VERSIONS, VERSIONS[7:], strict=False))
    pairs += [(b, a) for a, b in pairs]
    ours = [PackageVersion(a) < PackageVersion(b) for a, b in pairs]
    wrong = [
        pair
        for pair, mine, dpkgs in zip(pairs, ours, dpkg_before(pairs), strict=True)
        if mine != dpkgs
    ]
    assert wrong == []


part = st.text("019aZ.+~", min_size=1, max_size=6)
version = st.builds(
    lambda epoch, upstream, revision: f"{epoch}1{upstream}{revision}",
    st.sampled_from(["", "", "1:"]),
    part,
    st.just("") | part.map(lambda text: f"-{text}"),
)


@needs_dpkg
@settings(max_examples=8)
@given(st.lists(st.tuples(version, version), min_size=15, max_size=25))
def test_debians_order_of_anything(pairs: list[tuple[str, str]]) -> None:
    assert [PackageVersion(a) < PackageVersion(b) for a, b in pairs] == dpkg_before(pairs)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory in front of PATH."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", f"{directory}:{os.environ['PATH']}")
    return directory


def program(directory: Path, name: str, script: str) -> None:
    file = directory / name
    file.write_text(f'#!/bin/sh\necho "{name} $*" >>"{directory}/calls"\n{script}\n')
    file.chmod(0o755)


def calls(directory: Path) -> list[str]:
    """What was called, without ``-o`` options."""
    return re.sub(r" -o \S+", "", (directory / "calls").read_text()).splitlines()


@pytest.fixture
def apt(tmp_path: Path) -> Apt:
    return Apt(tmp_path / "cache/apt", Store(tmp_path / "cache/store"))


def test_lists_are_fetched_once(apt: Apt, programs: Path) -> None:
    program(programs, "apt-get", f"echo x >'{apt.root}/state/lists/d_Packages.lz4'")

    async def twice() -> None:
        await asyncio.gather(apt.refresh(), apt.refresh())

    asyncio.run(twice())
    asyncio.run(apt.refresh())
    assert calls(programs) == ["apt-get update -qq"]
    configuration = (apt.root / "apt.conf").read_text()
    assert f'Dir::State "{apt.root}/state"' in configuration


def test_lists_that_fail_in_part_are_gone_on_with(
    apt: Apt, programs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    failing = f"echo x >'{apt.root}/state/lists/d_Packages'; echo 'E: one failed' >&2; exit 100"
    program(programs, "apt-get", failing)
    asyncio.run(apt.refresh())
    assert "some package lists could not be updated" in caplog.text


def test_no_lists_at_all(apt: Apt, programs: Path) -> None:
    program(
        programs, "apt-get", "echo 'E: Temporary failure resolving deb.debian.org' >&2; exit 100"
    )
    for _ in range(2):  # it is tried again, not remembered
        with pytest.raises(InfrastructureError, match="no package lists could be had") as caught:
            asyncio.run(apt.refresh())
        assert "Temporary failure resolving" in str(caught.value)
        assert "sources.list" in str(caught.value)
    assert len(calls(programs)) == 2


def test_offline_with_old_lists(apt: Apt, programs: Path) -> None:
    program(programs, "apt-get", f"echo x >'{apt.root}/state/lists/d_Packages'")
    asyncio.run(apt.refresh())
    os.utime(apt.root / "lists-stamp", (1, 1))
    program(programs, "apt-get", "exit 100")
    asyncio.run(apt.refresh())
    assert len(calls(programs)) == 2


MADISON = """\
linux-source-6.1 |  6.1.176-1 | http://deb.debian.org/debian bookworm/main amd64 Packages
linux-source-6.1 |  6.1.170-3 | http://security.debian.org bookworm-security/main amd64 Packages
linux-image-6.1.0-50-686-pae:i386 | 6.1.176-1 | http://deb.debian.org bookworm/main i386 Packages
linux-source-6.1 | 6.1.176-1 | http://deb.debian.org/debian bookworm/main Sources
N: Unable to locate package nothing
odd | line
"""


def test_versions(apt: Apt, programs: Path) -> None:
    program(programs, "apt-cache", f"cat <<'E'\n{MADISON}E")
    names = ["linux-source-6.1", "linux-image-6.1.0-50-686-pae:i386", "nothing"]
    assert asyncio.run(apt.versions(names)) == {
        "linux-source-6.1": {"6.1.176-1", "6.1.170-3"},
        "linux-image-6.1.0-50-686-pae:i386": {"6.1.176-1"},
        "nothing": set(),
    }
    assert calls(programs) == [f"apt-cache madison {' '.join(names)}"]


def test_names(apt: Apt, programs: Path) -> None:
    program(programs, "apt-cache", "printf 'b\\na\\na\\n'")
    assert asyncio.run(apt.names("linux-")) == ("a", "b")
    program(programs, "apt-cache", "echo 'E: broken' >&2; exit 100")
    with pytest.raises(CommandError, match="broken"):
        asyncio.run(apt.names("linux-"))


def test_a_download_that_fails(apt: Apt, programs: Path, tmp_path: Path) -> None:
    program(programs, "apt-get", "echo 'E: Failed to fetch x.deb  404  Not Found' >&2; exit 100")
    package = Package(name="linux-source-6.1", arch="all", version="6.1.176-1")
    with pytest.raises(CommandError, match="404  Not Found") as caught:
        asyncio.run(apt.unpack(package, tmp_path / "into"))
    assert "linux-source-6.1=6.1.176-1" in str(caught.value)
    assert not (tmp_path / "into").exists()
    assert list((apt.root / "cache").iterdir()) == []


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="no dpkg-deb")
def test_a_package_is_unpacked_not_installed(apt: Apt, programs: Path, tmp_path: Path) -> None:
    tree = tmp_path / "package"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "usr").mkdir()
    (tree / "usr/file").write_text("from the package")
    fields = "Package: x\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.org>\n"
    (tree / "DEBIAN/control").write_text(f"{fields}Description: x\n")
    script = tree / "DEBIAN/postinst"
    script.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    script.chmod(0o755)
    deb = tmp_path / "x.deb"
    subprocess.run(["dpkg-deb", "-b", str(tree), str(deb)], check=True, capture_output=True)
    program(programs, "apt-get", f"cp '{deb}' .")
    into = tmp_path / "into"
    asyncio.run(apt.unpack(Package(name="x", arch="i386", version="1"), into))
    assert (into / "usr/file").read_text() == "from the package"
    assert not (tmp_path / "ran").exists()
    assert calls(programs) == ["apt-get download -qq x:i386=1"]


def test_the_release_and_its_sources(apt: Apt, programs: Path) -> None:
    lines = (
        "http://deb.debian.org/debian|bookworm|main|Debian|/usr/share/keyrings/d.gpg\n"
        "http://deb.debian.org/debian|bookworm-updates|main|Debian|\n"
        "http://packages.example.org|stable|main|Somebody|\n"
    )
    program(programs, "apt-get", f"cat <<'E'\n{lines}E")
    release = asyncio.run(apt.release())
    assert release.name == "bookworm"
    first = "deb [signed-by=/usr/share/keyrings/d.gpg] http://deb.debian.org/debian bookworm main"
    assert release.sources == (first, "deb http://deb.debian.org/debian bookworm-updates main")
    program(programs, "apt-get", "true")
    with pytest.raises(InfrastructureError, match="name no Debian archive"):
        asyncio.run(apt.release())


SIMULATED = """\
NOTE: This is only a simulation!
Inst libc6:i386 (2.36-9+deb12u10 Debian:12.10/stable [i386])
Inst busybox-static:i386 (1:1.35.0-4+b7 Debian:12.10/stable [i386])
Conf libc6:i386 (2.36-9+deb12u10 Debian:12.10/stable [i386])
"""


def test_a_closure_is_one_artifact_by_versions(apt: Apt, programs: Path) -> None:
    script = f"case \"$*\" in *--simulate*) cat <<'E'\n{SIMULATED}E\n;; esac"
    program(programs, "apt-get", script)
    apt.root.mkdir(parents=True)
    (apt.root / "cache").mkdir()
    first = asyncio.run(apt.closure(["busybox-static"], "i386"))
    second = asyncio.run(apt.closure(["busybox-static"], "i386"))
    assert first == second
    assert sum("--download-only" in call for call in calls(programs)) == 1
    manifest = first.file("manifest.json").read_text()
    assert '"busybox-static=1:1.35.0-4+b7"' in manifest
    program(programs, "apt-get", "echo nothing to do")
    with pytest.raises(CommandError, match="apt named no packages"):
        asyncio.run(apt.closure(["another"], "i386"))
