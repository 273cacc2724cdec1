"""Which of Debian's kernels to use: one version, complete for every architecture, in any suite."""

from __future__ import annotations

import asyncio
import lzma
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pytest

from anyclue.model.debian import RELEASES, DebianRelease, release_of
from anyclue.model.errors import AnyclueError, InfrastructureError, RequestError
from anyclue.model.scenario import Arch, DebianKernel, Kernel, KernelFiles
from anyclue.system.apt import Offer, Package, PackageRecord
from anyclue.system.debian_archive import DebianArchive, Mirror, chosen_mirror
from anyclue.system.processes import Completed
from anyclue.system.store import Store
from anyclue.trial.filesystems.btrfs import BTRFS
from anyclue.trial.kernels import debian
from anyclue.trial.kernels.catalogue import catalogue
from anyclue.trial.kernels.debian import DebianKernels, KernelPackages, headers_tree
from anyclue.trial.kernels.layout import LAYOUT, TrialSubject, layout_of
from anyclue.trial.kernels.make import DoesNotBuildError
from anyclue.trial.kernels.preparation import Kernels
from anyclue.trial.kernels.toolchain import HostToolchain

BOTH = (Arch.I386, Arch.X86_64)
SUBJECT = TrialSubject(file_system=BTRFS)
FLAVOURS = {"i386": "686-pae", "amd64": "cloud-amd64"}


class FakeApt:
    """A release for one architecture, as a mapping of records to the suites that have them."""

    def __init__(self, release: DebianRelease, arch: str) -> None:
        self.release = release
        self.arch = arch
        self.there: dict[PackageRecord, list[str]] = {}
        self.unpacked: list[Package] = []
        self.missing: tuple[str, ...] = ()

    def missing_suites(self) -> tuple[str, ...]:
        return self.missing

    def add(
        self,
        name: str,
        version: str,
        suite: str,
        *depends: str,
        arch: str | None = None,
        foreign: bool = False,
    ) -> None:
        record = PackageRecord(
            name=name,
            version=version,
            arch=arch or self.arch,
            depends=tuple(tuple(one.split("|")) for one in depends),
            foreign=foreign,
        )
        self.there.setdefault(record, []).append(suite)

    async def names(self, prefix: str) -> tuple[str, ...]:
        return tuple(sorted({one.name for one in self.there if one.name.startswith(prefix)}))

    async def offers(self, names: Sequence[str]) -> dict[str, tuple[Offer, ...]]:
        return {
            name: tuple(
                Offer(version=one.version, suite=suite)
                for one, suites in self.there.items()
                if one.name == name
                for suite in suites
            )
            for name in names
        }

    async def records(self, names: Sequence[str]) -> tuple[PackageRecord, ...]:
        return tuple(one for one in self.there if one.name in names)

    async def unpack(self, package: Package, into: Path) -> None:
        self.unpacked.append(package)
        for name, content in FILES.get(package.name, {}).items():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            (into / name).write_bytes(content)


FILES: dict[str, dict[str, bytes]] = {}


class FakeArchive:
    """Debian's releases, those that ``fail`` aside."""

    async def mirror(self) -> Mirror:
        return chosen_mirror("")

    def __init__(self) -> None:
        self.states: dict[tuple[str, str], FakeApt] = {}
        self.fail: set[str] = set()
        self.because = ""
        self.used: list[tuple[str, str]] = []

    def of(self, suite: str, arch: str) -> FakeApt:
        release = release_of(suite)
        return self.states.setdefault((release.name, arch), FakeApt(release, arch))

    async def apt(self, release: DebianRelease, arch: str) -> FakeApt:
        self.used.append((release.name, arch))
        if self.fail & {release.name, f"{release.name} {arch}"}:
            what = self.because or f"no package lists of {release.name}"
            raise InfrastructureError(what, next_step="wait")
        return self.of(release.name, arch)

    async def asked(
        self, releases: Iterable[DebianRelease], arch: str
    ) -> tuple[tuple[FakeApt, ...], tuple[InfrastructureError, ...]]:
        found, failed = [], []
        for release in releases:
            try:
                found.append(await self.apt(release, arch))
            except InfrastructureError as error:
                failed.append(error)
        return tuple(found), tuple(failed)

    def add(
        self,
        abi: str,
        version: str,
        *,
        suite: str = "bookworm",
        arches: Sequence[str] = ("i386", "amd64"),
        series: str = "6.1",
        parts: bool = False,
        without: str = "",
    ) -> None:
        """Add a kernel as Debian packs it: ``parts`` as since 6.19, else as up to then."""
        common, kbuild = f"linux-headers-{abi}-common", f"linux-kbuild-{abi if parts else series}"
        for arch in ("i386", "amd64"):
            apt = self.of(suite, arch)
            release = f"{abi}-{FLAVOURS[arch]}"
            image, headers = f"linux-image-{release}", f"linux-headers-{release}"
            packages = {
                common: ((), {"arch": "all", "foreign": True}),
                kbuild: (("libc6", "pahole"), {"foreign": True}),
                f"linux-source-{series}": (("xz-utils",), {"arch": "all"}),
            }
            if arch in arches:
                pieces = [f"linux-{part}-{release}" for part in ("base", "binary", "modules")]
                packages |= {
                    image: (("kmod", *(pieces if parts else ())), {}),
                    headers: (
                        (*("linux-base", common, kbuild), f"{image}|{image}-unsigned", "gcc-12"),
                        {},
                    ),
                    **{piece: ((pieces[0],), {}) for piece in (pieces if parts else ())},
                }
            for name, (depends, fields) in packages.items():
                if name != without:
                    apt.add(name, version, suite, *depends, **fields)  # type: ignore[arg-type]


@pytest.fixture
def archive() -> FakeArchive:
    return FakeArchive()


def kernels(archive: FakeArchive, store: Path = Path("/nowhere")) -> DebianKernels:
    return DebianKernels(cast(DebianArchive, archive), Store(store), store.parent / "workbenches")


def resolve(
    archive: FakeArchive, wanted: DebianKernel | None = None, arches: Sequence[Arch] = BOTH
) -> dict[Arch, KernelPackages]:
    made = kernels(archive)
    question = wanted or DebianKernel(series="6.1")

    async def twice() -> dict[Arch, KernelPackages]:
        first = await made.resolve(question, arches)
        assert await made.resolve(question, arches) is first
        return first

    return asyncio.run(twice())


def test_the_newest_in_debians_order(archive: FakeArchive) -> None:
    for abi, version in (("9", "6.1.99-1"), ("50", "6.1.176-1"), ("49", "6.1.170-3")):
        archive.add(f"6.1.0-{abi}", version)
    found = resolve(archive)
    assert {packages.version for packages in found.values()} == {"6.1.176-1"}
    assert found[Arch.I386].release == "6.1.0-50-686-pae"
    assert found[Arch.X86_64].release == "6.1.0-50-cloud-amd64"
    assert str(found[Arch.I386].image) == "linux-image-6.1.0-50-686-pae:i386=6.1.176-1"
    assert str(found[Arch.I386].source) == "linux-source-6.1=6.1.176-1"
    assert [package.arch for package in found[Arch.I386].headers] == ["i386", "all", "amd64"]
    assert found[Arch.I386].needs == ("gcc-12", "libc6", "pahole")
    assert found[Arch.I386].suite == "bookworm"


def test_a_kernel_in_parts(archive: FakeArchive) -> None:
    abi, suite = "7.3.4+deb13", "trixie-backports"
    archive.add(abi, "7.3.4-1~bpo13+1", suite=suite, arches=("amd64",), series="7.3", parts=True)
    packages = resolve(archive, DebianKernel(series="7.3"), [Arch.X86_64])[Arch.X86_64]
    parts = ("image", "base", "binary", "modules")
    assert [one.name for one in packages.boot] == [
        f"linux-{part}-{abi}-cloud-amd64" for part in parts
    ]
    assert [one.name for one in packages.headers] == [
        *(f"linux-headers-{abi}-cloud-amd64", f"linux-headers-{abi}-common"),
        f"linux-kbuild-{abi}",
    ]
    assert (packages.suite, packages.debian.name) == (suite, "trixie")


def test_a_package_that_only_names_the_newest(archive: FakeArchive) -> None:
    archive.add("6.12.9+deb13", "6.12.9-1", suite="trixie", series="6.12", arches=("amd64",))
    image = "linux-image-6.12-cloud-amd64"
    archive.of("trixie", "amd64").add(
        image, "6.12.9-1", "trixie", "linux-image-6.12.9+deb13-cloud-amd64"
    )
    found = resolve(archive, DebianKernel(series="6.12"), [Arch.X86_64])
    assert found[Arch.X86_64].release == "6.12.9+deb13-cloud-amd64"


def test_a_series_is_looked_up_in_all_suites_or_in_one(archive: FakeArchive) -> None:
    amd64 = ("amd64",)
    archive.add("6.12.8+deb12", "6.12.8-1~bpo12+1", suite="bookworm-backports", series="6.12")
    archive.add("6.12.9+deb13", "6.12.9-1", suite="trixie-security", series="6.12", arches=amd64)
    one = [Arch.X86_64]
    assert resolve(archive, DebianKernel(series="6.12"), one)[Arch.X86_64].suite == (
        "trixie-security"
    )
    narrow = DebianKernel(series="6.12", suite="bookworm-backports")
    assert resolve(archive, narrow, one)[Arch.X86_64].version == "6.12.8-1~bpo12+1"
    with pytest.raises(RequestError, match=r"6\.12 in bookworm "):
        resolve(archive, replace(narrow, suite="bookworm"), one)


def test_lists_of_another_architecture_are_fetched_only_where_the_series_is(
    archive: FakeArchive,
) -> None:
    archive.add("6.1.0-50", "6.1.176-1")
    archive.add("6.12.9+deb13", "6.12.9-1", suite="trixie", series="6.12", arches=("amd64",))
    resolve(archive)
    assert {of for of in archive.used if of[1] == "i386"} == {("bookworm", "i386")}
    assert {of[0] for of in archive.used if of[1] == "amd64"} == {one.name for one in RELEASES}


@pytest.mark.parametrize(
    "without", ["linux-source-6.1", "linux-kbuild-6.1", "linux-headers-6.1.0-50-common"]
)
def test_an_image_newer_than_the_rest_is_passed_over(archive: FakeArchive, without: str) -> None:
    archive.add("6.1.0-49", "6.1.170-3")
    archive.add("6.1.0-50", "6.1.176-1", without=without)
    assert resolve(archive)[Arch.I386].version == "6.1.170-3"


def test_one_version_for_all_architectures(archive: FakeArchive) -> None:
    archive.add("6.1.0-49", "6.1.170-3")
    archive.add("6.1.0-50", "6.1.176-1", arches=("amd64",))
    assert resolve(archive)[Arch.X86_64].version == "6.1.170-3"
    assert resolve(archive, arches=(Arch.X86_64,))[Arch.X86_64].version == "6.1.176-1"


def test_an_exact_version(archive: FakeArchive) -> None:
    archive.add("6.1.0-49", "6.1.170-3")
    archive.add("6.1.0-50", "6.1.176-1")
    wanted = DebianKernel(series="6.1", version="6.1.170-3")
    assert resolve(archive, wanted)[Arch.I386].release == "6.1.0-49-686-pae"


@pytest.mark.parametrize(
    ("there", "wanted", "near"),
    [
        ([], DebianKernel(series="6.1"), "none"),
        (["6.1"], DebianKernel(series="6.1", version="6.1.1-1"), "6.1 (bookworm)"),
        (["6.1"], DebianKernel(series="5.10"), "6.1 (bookworm)"),
        (["6.12"], DebianKernel(series="6.1"), "6.12 (bookworm)"),
        (["6.1", "6.12", "7.2", "7.3"], DebianKernel(series="7.1"), "7.2 (bookworm); 7.3 (book"),
        (
            ["6.1", "6.12", "7.2", "7.3"],
            DebianKernel(series="6.5"),
            "6.1 (bookworm); 6.12 (bookworm)",
        ),
        (["6.1", "6.12", "7.2", "7.3"], DebianKernel(series="5.10"), "6.1 (bookworm); 6.12 (book"),
        (["6.1", "6.12"], DebianKernel(series="7.0"), "6.12 (bookworm); 6.1 (bookworm)"),
    ],
)
def test_nothing_complete_is_one_error_with_what_there_is(
    archive: FakeArchive, there: Sequence[str], wanted: DebianKernel, near: str
) -> None:
    for series in there:
        archive.add(f"{series}.9+deb13", f"{series}.9-1", series=series)
    with pytest.raises(RequestError) as caught:
        resolve(archive, wanted)
    (problem,) = caught.value.problems
    assert f"no complete kernel {wanted.version or wanted.series}" in problem.what
    assert "amd64: " in problem.what
    assert "i386: " in problem.what
    assert problem.next_step.startswith(f"nearest series for i386 and x86_64: {near}")


def test_an_architecture_that_has_none_of_this_version_says_so(archive: FakeArchive) -> None:
    archive.add("6.1.0-49", "6.1.170-3", without="linux-headers-6.1.0-49-common")
    archive.add("6.1.0-50", "6.1.176-1", arches=("amd64",))
    with pytest.raises(RequestError, match=r"amd64: 6\.1\.176-1 \(bookworm\)") as caught:
        resolve(archive)
    assert "i386: without headers or source 6.1.170-3 (bookworm)" in str(caught.value)


def test_a_series_that_an_architecture_has_nothing_of_is_built_for_it(
    archive: FakeArchive,
) -> None:
    amd64 = ("amd64",)
    archive.add("6.12.9+deb13", "6.12.9-1", suite="trixie", series="6.12", arches=amd64)
    archive.add("6.1.0-50", "6.1.176-1")
    archive.add("6.1.0-51", "6.1.180-1", arches=amd64)
    wanted = DebianKernel(series="6.12")
    for arches in (BOTH, [Arch.I386]):
        found = resolve(archive, wanted, arches)
        packages = found[Arch.I386]
        assert packages.from_source
        assert (packages.release, packages.version) == ("6.12.9", "6.12.9-1")
        assert (packages.debian.name, packages.compilers) == ("trixie", ("gcc-12",))
    assert not resolve(archive, wanted)[Arch.X86_64].from_source
    assert resolve(archive)[Arch.I386].version == "6.1.176-1"
    assert not resolve(archive)[Arch.I386].from_source


def test_what_could_not_be_asked_is_no_reason_to_build(archive: FakeArchive) -> None:
    archive.add("6.12.9+deb13", "6.12.9-1", suite="trixie", series="6.12", arches=("amd64",))
    archive.fail = {"trixie i386"}
    with pytest.raises(InfrastructureError, match="no package lists of trixie"):
        resolve(archive, DebianKernel(series="6.12"))


@dataclass(frozen=True, kw_only=True)
class Limited(HostToolchain):
    """The host's, where make ends with what it ``says`` from the ``calls``-th call on."""

    says: str
    calls: Iterator[bool]

    async def run(self, argv: Sequence[str], *, bench: Path, deadline_s: float) -> Completed:
        if next(self.calls):
            return await super().run(argv, bench=bench, deadline_s=deadline_s)
        return Completed(argv=tuple(argv), status=2, stdout="", stderr=self.says)


Built = tuple[DebianKernels, KernelPackages]


@pytest.fixture
def to_build(
    archive: FakeArchive,
    kernel_sources: Mapping[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Built:
    """A kernel that has to be built for i386, with sources and a compiler that are here."""
    archive.add("6.12.9+deb13", "6.12.9-1", suite="trixie", series="6.12", arches=("amd64",))
    tree = tmp_path / "linux-source-6.12"
    for name, text in kernel_sources.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    packed = tmp_path / "linux-source-6.12.tar.xz"
    subprocess.run(["tar", "-cJf", packed, "-C", tmp_path, tree.name], check=True)
    content = {f"usr/src/{packed.name}": packed.read_bytes()}
    monkeypatch.setitem(FILES, "linux-source-6.12", content)
    compile_with(monkeypatch, HostToolchain(compiler="gcc", version="gcc-12 12.9 of trixie"))
    wanted = DebianKernel(series="6.12")
    packages = resolve(archive, wanted, [Arch.I386])[Arch.I386]
    return kernels(archive, tmp_path / "cache/store"), packages


def compile_with(monkeypatch: pytest.MonkeyPatch, toolchain: HostToolchain) -> None:
    async def chosen(*_: object, **__: object) -> HostToolchain:
        return toolchain

    monkeypatch.setattr(debian, "toolchain_of", chosen)


def test_a_kernel_is_built_once_and_modules_with_what_it_left(
    to_build: Built,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, packages = to_build
    assert not made.cached(packages)
    with caplog.at_level("INFO", "anyclue"):
        image = asyncio.run(made.image(packages))
    (said,) = [one for one in caplog.messages if "building it from source" in one]
    assert "no kernel 6.12.9-1 for i386" in said
    assert re.search(r"About \d+ minutes", said)
    there = {file.name for file in image.path.iterdir()}
    assert there >= {"vmlinuz", "config", "modules", "build.log", "devel.tar", "build.json"}
    assert not there & {"bench", "source"}
    assert made.cached(packages)
    compile_with(monkeypatch, HostToolchain(compiler="false", version="a newer one"))
    assert asyncio.run(kernels(FakeArchive(), image.path.parent.parent).image(packages)) == image
    asyncio.run(made.unpack_headers(packages, tmp_path / "headers"))
    assert (headers_tree(tmp_path / "headers", packages) / "Makefile").is_file()


@pytest.mark.parametrize(
    ("says", "error"),
    [
        ("fs/btrfs/main.c:3:1: error: 'x' undeclared", DoesNotBuildError),
        ("as: BFD: init/main.o: No space left on device", InfrastructureError),
    ],
)
def test_a_kernel_that_does_not_build_leaves_its_log_alone(
    to_build: Built,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    says: str,
    error: type[AnyclueError],
) -> None:
    made, packages = to_build
    calls = iter((True, True, False))  # configured, and not built
    compile_with(monkeypatch, Limited(compiler="gcc", version="1", says=says, calls=calls))
    with pytest.raises(error) as caught:
        asyncio.run(made.image(packages))
    assert type(caught.value) is error
    assert says in str(caught.value)
    assert list((tmp_path / "cache/store/kernel").iterdir()) == []
    (kept,) = (tmp_path / "cache/workbenches").iterdir()
    assert kept.read_text() == says


def test_no_room_to_build_is_said_before(
    to_build: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, packages = to_build
    usage = shutil.disk_usage(tmp_path)._replace(free=5 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(InfrastructureError, match="takes up to 3072 MiB, and 5 MiB are free"):
        asyncio.run(made.image(packages))
    assert list((tmp_path / "cache/store/kernel").iterdir()) == []


def test_the_report_says_how_a_kernel_was_built(
    to_build: Built, archive: FakeArchive, tmp_path: Path
) -> None:
    store = Store(tmp_path / "cache/store")
    prepared = Kernels(cast(DebianArchive, archive), store, tmp_path / "cache/workbenches")
    kernel = Kernel(name="old", source=DebianKernel(series="6.12"))
    base = asyncio.run(prepared.base(kernel, Arch.I386, [Arch.I386], SUBJECT))
    assert base.provenance["package"] == "linux-source-6.12 6.12.9-1"
    assert base.provenance["compiler"] == "gcc-12 12.9 of trixie"
    assert base.provenance["build"].startswith("Debian has none for i386; full build: ")
    assert " BTRFS_FS=m " in base.provenance["config"]
    assert base.release == to_build[1].release


def test_a_release_that_cannot_be_asked(archive: FakeArchive) -> None:
    archive.add("6.1.0-50", "6.1.176-1")
    archive.fail = {"trixie", "sid"}
    assert resolve(archive)[Arch.I386].version == "6.1.176-1"
    with pytest.raises(InfrastructureError) as caught:
        resolve(archive, DebianKernel(series="7.3"))
    said = "no kernel 7.3 is in bookworm, forky, and the other releases could not be asked:"
    for text in (said, "no package lists of trixie", "no package lists of sid"):
        assert text in str(caught.value)


def test_a_reason_that_all_releases_share_is_told_once(archive: FakeArchive) -> None:
    archive.fail = {one.name for one in RELEASES}
    with pytest.raises(InfrastructureError, match="none of Debian's releases could be asked"):
        resolve(archive)
    archive.because = "no room"
    with pytest.raises(InfrastructureError) as caught:
        resolve(archive)
    assert caught.value.problem.what == "no room"


def test_a_suite_that_vanished(archive: FakeArchive) -> None:
    archive.add("6.1.0-50", "6.1.176-1")
    archive.of("forky", "amd64").missing = ("forky-backports",)
    wanted = DebianKernel(series="6.1", suite="forky-backports")
    with pytest.raises(InfrastructureError, match="the mirror has no forky-backports"):
        resolve(archive, wanted, [Arch.X86_64])


def test_the_catalogue(archive: FakeArchive, tmp_path: Path) -> None:
    for apt in (archive.of(release.name, "amd64") for release in RELEASES):
        apt.missing = ("forky-backports",) if apt.release.name == "forky" else ()
    archive.add("6.1.0-49", "6.1.170-3")
    archive.add("6.1.0-50", "6.1.176-1", suite="bookworm-security")
    archive.add("6.1.0-51", "6.1.180-1", suite="bookworm-security", arches=("amd64",))
    archive.add("7.0.4+deb13", "7.0.4-1", suite="sid", series="7.0", without="linux-source-7.0")
    archive.fail = {"trixie"}
    made = kernels(archive, tmp_path)
    found = asyncio.run(catalogue(cast(DebianArchive, archive), made, BOTH))
    assert [(one.series, one.version, one.of, one.newest) for one in found.entries] == [
        ("6.1", "6.1.170-3", "bookworm", False),
        ("6.1", "6.1.176-1", "bookworm", True),
        ("6.1", "6.1.180-1", "bookworm", True),
        ("7.0", "7.0.4-1", None, False),
    ]
    newest = found.entries[1]
    assert (newest.suites, newest.arches, newest.cached) == (("bookworm-security",), BOTH, ())
    assert newest.compilers == ("gcc-12",)
    assert found.missing_suites == ("forky-backports",)
    assert found.failures == ("no package lists of trixie",)


def plain_module(directory: Path) -> bytes:
    """Return an object that depmod takes for a module."""
    source = directory / "m.c"
    source.write_text(
        'static const char d[] __attribute__((section(".modinfo"), used)) = "depends=";'
    )
    made = directory / "m.ko"
    subprocess.run(["gcc", "-c", "-o", made, source], check=True)
    return made.read_bytes()


def test_what_a_guest_boots_with_wherever_the_packages_have_it(
    archive: FakeArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = "7.3.4+deb13-cloud-amd64"
    archive.add("7.3.4+deb13", "7.3.4-1", suite="sid", series="7.3", arches=("amd64",), parts=True)
    modules = f"usr/lib/modules/{release}"
    module = plain_module(tmp_path)
    monkeypatch.setitem(FILES, f"linux-base-{release}", {f"{modules}/config": b"CONFIG=y"})
    monkeypatch.setitem(FILES, f"linux-binary-{release}", {f"{modules}/vmlinuz": b"kernel"})
    monkeypatch.setitem(
        FILES,
        f"linux-modules-{release}",
        {
            f"{modules}/kernel/loop.ko.xz": lzma.compress(module, check=lzma.CHECK_CRC32),
            f"{modules}/kernel/btrfs.ko": module,
        },
    )
    made = kernels(archive, tmp_path / "store")
    packages = resolve(archive, DebianKernel(series="7.3"), [Arch.X86_64])[Arch.X86_64]
    image = asyncio.run(made.image(packages))
    assert image.file("vmlinuz").read_bytes() == b"kernel"
    assert image.file("config").read_bytes() == b"CONFIG=y"
    assert image.file("modules/loop.ko").read_bytes() == module
    layout = layout_of(image.file(LAYOUT))
    assert layout.under_test(SUBJECT) == ["btrfs"]
    assert layout.before(SUBJECT) == ["loop"]
    assert made.cached(packages)


def test_packages_of_a_new_form_are_an_error(
    archive: FakeArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.add("6.1.0-50", "6.1.176-1")
    monkeypatch.setitem(FILES, "linux-image-6.1.0-50-686-pae", {"usr/share/doc/x": b""})
    made = kernels(archive, tmp_path / "store")
    with pytest.raises(InfrastructureError, match=r"no vmlinuz of 6\.1\.0-50-686-pae"):
        asyncio.run(made.image(resolve(archive)[Arch.I386]))
    assert list((tmp_path / "store/kernel").iterdir()) == []


def test_headers_work_wherever_they_are_unpacked(
    archive: FakeArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.add("7.3.4+deb13", "7.3.4-1", suite="sid", series="7.3", arches=("amd64",), parts=True)
    packages = resolve(archive, DebianKernel(series="7.3"), [Arch.X86_64])[Arch.X86_64]
    own, common = "linux-headers-7.3.4+deb13-cloud-amd64", "linux-headers-7.3.4+deb13-common"
    text = f"KBUILD_OUTPUT=/usr/src/{own}\ninclude /usr/src/{common}/Makefile\n"
    monkeypatch.setitem(FILES, own, {f"usr/src/{own}/Makefile": text.encode()})
    shown = b"all:\n\t@realpath $(KBUILD_OUTPUT)\n"
    monkeypatch.setitem(FILES, common, {f"usr/src/{common}/Makefile": shown})
    asyncio.run(kernels(archive).unpack_headers(packages, tmp_path / "staged"))
    (tmp_path / "staged").rename(tmp_path / "bench")
    tree = headers_tree(tmp_path / "bench", packages)
    made = subprocess.run(
        ["make", "-s", "--no-print-directory", "-C", tree],
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(made.stdout.strip()) == tree


def test_files_that_are_not_there_are_all_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    kernels = Kernels(DebianArchive(tmp_path, store), store, tmp_path)
    source = KernelFiles(image="/nowhere/bzImage", modules="/nowhere/modules/6.12.0")
    with pytest.raises(RequestError) as caught:
        asyncio.run(kernels.base(Kernel(name="mine", source=source), Arch.I386, (), SUBJECT))
    assert [problem.where for problem in caught.value.problems] == [source.image, source.modules]
    assert {problem.next_step for problem in caught.value.problems} == {"see kernels.mine"}


def test_an_image_without_modules(tmp_path: Path) -> None:
    (tmp_path / "bzImage").write_bytes(b"kernel")
    store = Store(tmp_path / "store")
    kernels = Kernels(DebianArchive(tmp_path, store), store, tmp_path)
    kernel = Kernel(name="mine", source=KernelFiles(image=str(tmp_path / "bzImage")))
    base = asyncio.run(kernels.base(kernel, Arch.I386, (), SUBJECT))
    assert store.find(base.boot.kind, base.boot.key).file("vmlinuz").read_bytes() == b"kernel"
    full = asyncio.run(kernels.with_payload(base, kernel, Arch.I386, (), SUBJECT))
    assert full.payload is None
