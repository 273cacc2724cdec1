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

from anyclue.model.debian import release_of
from anyclue.model.errors import InfrastructureError
from anyclue.system.apt import Apt, Offer, Package, PackageVersion
from anyclue.system.processes import CommandError
from anyclue.system.store import Artifact, Store

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


SOURCE = "deb http://deb.example.org/debian {} main"
RELEASE = release_of("bookworm")


@pytest.fixture
def apt(tmp_path: Path) -> Apt:
    return Apt(
        tmp_path / "cache/apt",
        Store(tmp_path / "cache/store"),
        release=RELEASE,
        arch="amd64",
        sources=[SOURCE.format(suite) for suite in RELEASE.suites],
    )


def lists(apt: Apt, *suites: str, mirror: str = "deb.example.org_debian") -> str:
    """Return a script that fetches lists of these suites."""
    directory = f"{apt.root}/state/lists"
    return "; ".join(
        f"echo x >'{directory}/{mirror}_dists_{suite}_main_binary-amd64_Packages'"
        for suite in suites
    )


def test_lists_are_fetched_once(apt: Apt, programs: Path) -> None:
    program(programs, "apt-get", lists(apt, *RELEASE.suites))

    async def twice() -> None:
        await asyncio.gather(apt.refresh(), apt.refresh())

    asyncio.run(twice())
    asyncio.run(apt.refresh())
    assert calls(programs) == ["apt-get update -qq"]
    configuration = (apt.root / "apt.conf").read_text()
    assert f'Dir::State "{apt.root}/state"' in configuration
    assert (apt.root / "sources.list").read_text().splitlines() == list(apt.sources)
    assert apt.missing_suites() == ()


def test_lists_of_another_mirror_are_fetched_anew(apt: Apt, programs: Path) -> None:
    program(programs, "apt-get", lists(apt, "bookworm"))
    asyncio.run(apt.refresh())
    moved = [line.replace("deb.example.org", "mirror.example.org") for line in apt.sources]
    other = Apt(apt.root, Store(apt.root), release=RELEASE, arch="amd64", sources=moved)
    program(programs, "apt-get", lists(apt, "bookworm", mirror="mirror.example.org_debian"))
    asyncio.run(other.refresh())
    assert len(calls(programs)) == 2
    assert "mirror.example.org" in (apt.root / "sources.list").read_text()


def test_lists_of_the_mirror_before_are_no_lists_of_this_one(apt: Apt, programs: Path) -> None:
    program(programs, "apt-get", lists(apt, *RELEASE.suites))
    asyncio.run(apt.refresh())
    moved = [line.replace("deb.example.org", "gone.example.org") for line in apt.sources]
    other = Apt(apt.root, Store(apt.root), release=RELEASE, arch="amd64", sources=moved)
    program(programs, "apt-get", "echo 'E: Could not connect' >&2; exit 100")
    with pytest.raises(InfrastructureError, match="no package lists of bookworm"):
        asyncio.run(other.refresh())
    assert other.missing_suites() == RELEASE.suites
    assert apt.missing_suites() == ()
    asyncio.run(apt.refresh())  # back again: offline, with the lists from before
    assert (apt.root / "sources.list").read_text().splitlines() == list(apt.sources)
    assert len(calls(programs)) == 3


# What apt 2.6 calls them.
@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("https://me:secret@deb.example.org:8080/a_b/~c", "deb.example.org:8080_a%5fb_%7ec"),
        ("file:/srv/debian", "_srv_debian"),
        ("copy:/srv/debian+x", "_srv_debian+x"),
    ],
)
def test_lists_are_known_by_what_apt_calls_them(
    tmp_path: Path, programs: Path, uri: str, name: str
) -> None:
    sources = [f"deb [signed-by=/k.gpg] {uri} {suite} main" for suite in RELEASE.suites]
    apt = Apt(tmp_path, Store(tmp_path), release=RELEASE, arch="amd64", sources=sources)
    program(programs, "apt-get", lists(apt, *RELEASE.suites, mirror=name))
    asyncio.run(apt.refresh())
    assert apt.missing_suites() == ()


def test_suites_that_cannot_be_had_are_gone_on_without(
    apt: Apt, programs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    got = lists(apt, "bookworm", "bookworm-security")
    program(programs, "apt-get", f"{got}; echo 'E: two failed' >&2; exit 100")
    asyncio.run(apt.refresh())
    assert apt.missing_suites() == ("bookworm-updates", "bookworm-backports")
    assert "two failed; going on with the lists that are there: bookworm, bookworm-s" in caplog.text
    assert apt.present_sources() == (
        SOURCE.format("bookworm"),
        SOURCE.format("bookworm-security"),
    )


def test_no_lists_of_the_release_itself(apt: Apt, programs: Path) -> None:
    failed = "printf 'W: one\\nE: Temporary failure resolving deb.debian.org\\n' >&2; exit 100"
    program(programs, "apt-get", f"{lists(apt, 'bookworm-backports')}; {failed}")
    for _ in range(2):  # it is tried again, not remembered
        with pytest.raises(InfrastructureError, match="no package lists of bookworm") as caught:
            asyncio.run(apt.refresh())
        assert "could be had: Temporary failure resolving" in str(caught.value)
        assert SOURCE.format("bookworm") in str(caught.value)
        assert "anyclue kernels --mirror" in str(caught.value)
    assert len(calls(programs)) == 2


def test_offline_with_old_lists(apt: Apt, programs: Path) -> None:
    program(programs, "apt-get", lists(apt, "bookworm"))
    asyncio.run(apt.refresh())
    os.utime(apt.root / "lists-stamp", (1, 1))
    program(programs, "apt-get", "exit 100")
    asyncio.run(apt.refresh())
    assert len(calls(programs)) == 2


MADISON = """\
linux-source-6.1 |  6.1.176-1 | http://deb.debian.org/debian bookworm/main amd64 Packages
linux-source-6.1 |  6.1.170-3 | http://security.debian.org bookworm-security/main amd64 Packages
linux-source-6.1 | 6.1.176-1 | http://deb.debian.org/debian bookworm/main Sources
N: Unable to locate package nothing
odd | line
"""


def test_offers(apt: Apt, programs: Path) -> None:
    program(programs, "apt-cache", f"cat <<'E'\n{MADISON}E")
    assert asyncio.run(apt.offers(["linux-source-6.1", "nothing"])) == {
        "linux-source-6.1": (
            Offer(version="6.1.176-1", suite="bookworm"),
            Offer(version="6.1.170-3", suite="bookworm-security"),
        ),
        "nothing": (),
    }
    assert calls(programs) == ["apt-cache madison linux-source-6.1 nothing"]
    assert asyncio.run(apt.offers([])) == {}
    assert len(calls(programs)) == 1


# Of Debian's archive, on 2026-11-30, with most fields left out.
SHOWN = """\
Package: linux-headers-6.12.117+deb13-cloud-amd64
Source: linux
Version: 6.12.117-1
Architecture: amd64
Depends: linux-base (>= 4.12~), linux-image-6.12.117+deb13-cloud-amd64 (= 6.12.117-1) | \
linux-image-6.12.117+deb13-cloud-amd64-unsigned (= 6.12.117-1), linux-kbuild-6.12.117+deb13, gcc-14
Description: Header files
 Depends: this is none

Package: linux-kbuild-6.1
Version: 6.1.192-3
Architecture: amd64
Pre-Depends: dpkg:any
Depends: libc6 (>= 2.34)
Multi-Arch: foreign

N: Can't select versions from package 'linux-initramfs-tool' as it is purely virtual
"""


def test_records(apt: Apt, programs: Path) -> None:
    program(programs, "apt-cache", f"cat <<'E'\n{SHOWN}E\nexit 100")
    headers, kbuild = asyncio.run(apt.records(["a", "b"]))
    image = "linux-image-6.12.117+deb13-cloud-amd64"
    assert headers.depends == (
        *(("linux-base",), (image, f"{image}-unsigned")),
        *(("linux-kbuild-6.12.117+deb13",), ("gcc-14",)),
    )
    assert (headers.version, headers.arch, headers.foreign) == ("6.12.117-1", "amd64", False)
    assert kbuild.depends == (("dpkg",), ("libc6",))
    assert kbuild.foreign


def test_names(apt: Apt, programs: Path) -> None:
    program(programs, "apt-cache", "printf 'b\\na\\na\\n'")
    assert asyncio.run(apt.names("linux-")) == ("a", "b")
    program(programs, "apt-cache", "echo 'E: broken' >&2; exit 100")
    with pytest.raises(CommandError, match="broken"):
        asyncio.run(apt.names("linux-"))


def test_a_download_that_fails(apt: Apt, programs: Path, tmp_path: Path) -> None:
    program(programs, "apt-get", "echo 'E: Failed to fetch x.deb  404  Not Found' >&2; exit 100")
    package = Package(name="linux-source-6.1", arch="all", version="6.1.176-1")
    with pytest.raises(InfrastructureError, match="404  Not Found") as caught:
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


SIMULATED = """\
NOTE: This is only a simulation!
Inst libc6 (2.36-9+deb12u10 Debian:12.10/stable [amd64])
Inst busybox-static:amd64 (1:1.35.0-4+b7 Debian:12.10/stable [amd64])
Conf libc6 (2.36-9+deb12u10 Debian:12.10/stable [amd64])
"""


def install(apt: Apt) -> str:
    """Return a script that fetches lists, says what it would install, and downloads one package."""
    return f"""\
case "$*" in
*update*) {lists(apt, "bookworm")};;
*--simulate*) cat <<'E'
{SIMULATED}E
;;
*download*) : >x.deb;;
esac"""


def test_what_a_closure_is_made_of(apt: Apt, programs: Path) -> None:
    program(programs, "apt-get", install(apt))
    versions = asyncio.run(apt.resolved(["busybox-static"])).versions
    assert versions == {"libc6": "2.36-9+deb12u10", "busybox-static": "1:1.35.0-4+b7"}
    assert not any("download" in call for call in calls(programs))


def test_a_closure_is_one_artifact_with_the_links_of_its_release(apt: Apt, programs: Path) -> None:
    program(programs, "apt-get", install(apt))
    unpacked = 'mkdir -p "$3/usr/bin" "$3/lib"; echo program >"$3/usr/bin/busybox"'
    program(programs, "dpkg-deb", unpacked)

    async def twice() -> tuple[Artifact, Artifact]:
        return await apt.closure(["busybox-static"]), await apt.closure(["busybox-static"])

    first, second = asyncio.run(twice())
    assert first == second
    downloads = [call for call in calls(programs) if "apt-get download" in call]
    named = "busybox-static=1:1.35.0-4+b7 libc6=2.36-9+deb12u10"
    assert downloads == [f"apt-get download -qq {named}"]
    manifest = first.file("manifest.json").read_text()
    assert '"busybox-static=1:1.35.0-4+b7"' in manifest
    assert first.file("tree/bin/busybox").read_text() == "program\n"
    assert not first.file("tree/lib").is_symlink()
    program(programs, "apt-get", "echo nothing to do")
    with pytest.raises(CommandError, match="apt named no packages"):
        asyncio.run(apt.closure(["another"]))
