"""Which of Debian's kernels to use: one version, complete for every architecture."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

from anyclue.model.errors import RequestError
from anyclue.model.scenario import Arch, DebianKernel, Kernel, KernelFiles
from anyclue.system.apt import Apt
from anyclue.system.store import Store
from anyclue.trial.kernels.debian import DebianKernels, KernelPackages
from anyclue.trial.kernels.preparation import Kernels

BOTH = (Arch.I386, Arch.X86_64)
FLAVOURS = {"i386": "686-pae", "amd64": "cloud-amd64"}


def archive(
    *versions: tuple[str, str], arches: Sequence[str] = ("i386", "amd64"), series: str = "6.1"
) -> dict[str, set[str]]:
    """Return an archive with complete kernels of (abi, version), as madison spells packages."""
    offers: dict[str, set[str]] = {}
    for abi, version in versions:
        names = [f"linux-headers-{abi}-common", f"linux-kbuild-{series}", f"linux-source-{series}"]
        for arch in arches:
            suffix = ":i386" if arch == "i386" else ""
            release = f"{abi}-{FLAVOURS[arch]}{suffix}"
            names += [f"linux-image-{release}", f"linux-headers-{release}"]
        for name in names:
            offers.setdefault(name, set()).add(version)
    return offers


class FakeApt:
    def __init__(self, offers: dict[str, set[str]]) -> None:
        self.offers = offers
        self.refreshed = 0

    async def refresh(self) -> None:
        self.refreshed += 1

    async def names(self, prefix: str) -> tuple[str, ...]:
        plain = {name.split(":")[0] for name in self.offers}
        return tuple(sorted(name for name in plain if name.startswith(prefix)))

    async def versions(self, names: Sequence[str]) -> dict[str, set[str]]:
        return {name: self.offers.get(name, set()) for name in names}


def resolve(
    offers: dict[str, set[str]],
    wanted: DebianKernel | None = None,
    arches: Sequence[Arch] = BOTH,
) -> dict[Arch, KernelPackages]:
    apt = FakeApt(offers)
    kernels = DebianKernels(cast(Apt, apt), Store(Path("/nowhere")))
    question = wanted or DebianKernel(series="6.1")

    async def twice() -> dict[Arch, KernelPackages]:
        first = await kernels.resolve(question, arches)
        assert await kernels.resolve(question, arches) is first
        return first

    found = asyncio.run(twice())
    assert apt.refreshed == 1
    return found


def test_the_newest_in_debians_order() -> None:
    offers = archive(("6.1.0-9", "6.1.99-1"), ("6.1.0-50", "6.1.176-1"), ("6.1.0-49", "6.1.170-3"))
    found = resolve(offers)
    assert {packages.version for packages in found.values()} == {"6.1.176-1"}
    assert found[Arch.I386].release == "6.1.0-50-686-pae"
    assert found[Arch.X86_64].release == "6.1.0-50-cloud-amd64"
    assert str(found[Arch.I386].image) == "linux-image-6.1.0-50-686-pae:i386=6.1.176-1"
    assert str(found[Arch.I386].source) == "linux-source-6.1=6.1.176-1"
    assert [package.arch for package in found[Arch.I386].headers] == ["i386", "all", "amd64"]


def test_an_image_newer_than_the_source_is_passed_over() -> None:
    offers = archive(("6.1.0-49", "6.1.170-3"), ("6.1.0-50", "6.1.176-1"))
    offers["linux-source-6.1"] = {"6.1.170-3"}
    assert resolve(offers)[Arch.I386].version == "6.1.170-3"


def test_one_version_for_all_architectures() -> None:
    offers = archive(("6.1.0-49", "6.1.170-3"))
    for name, versions in archive(("6.1.0-50", "6.1.176-1"), arches=("amd64",)).items():
        offers.setdefault(name, set()).update(versions)
    assert resolve(offers)[Arch.X86_64].version == "6.1.170-3"
    assert resolve(offers, arches=(Arch.X86_64,))[Arch.X86_64].version == "6.1.176-1"


def test_an_exact_version() -> None:
    offers = archive(("6.1.0-49", "6.1.170-3"), ("6.1.0-50", "6.1.176-1"))
    wanted = DebianKernel(series="6.1", version="6.1.170-3")
    assert resolve(offers, wanted)[Arch.I386].abi == "6.1.0-49"


@pytest.mark.parametrize(
    ("offers", "wanted"),
    [
        ({}, DebianKernel(series="6.1")),
        (archive(("6.1.0-50", "6.1.176-1")), DebianKernel(series="6.1", version="6.1.1-1")),
        (archive(("6.1.0-50", "6.1.176-1")), DebianKernel(series="5.10")),
        (archive(("6.1.0-50", "6.1.176-1"), arches=("amd64",)), DebianKernel(series="6.1")),
        (archive(("6.12.9+deb13-1", "6.12.9-1"), series="6.12"), DebianKernel(series="6.1")),
    ],
)
def test_nothing_complete_is_one_error_with_what_there_is(
    offers: dict[str, set[str]], wanted: DebianKernel
) -> None:
    with pytest.raises(RequestError) as caught:
        resolve(offers, wanted)
    (problem,) = caught.value.problems
    assert f"no complete kernel {wanted.version or wanted.series}" in problem.what
    assert "amd64: " in problem.what
    assert "i386: " in problem.what
    assert problem.next_step.startswith("series on offer here: ")


def test_files_that_are_not_there_are_all_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    kernels = Kernels(Apt(tmp_path, store), store, tmp_path)
    source = KernelFiles(image="/nowhere/bzImage", modules="/nowhere/modules/6.12.0")
    with pytest.raises(RequestError) as caught:
        asyncio.run(kernels.base(Kernel(name="mine", source=source), Arch.I386, ()))
    assert [problem.where for problem in caught.value.problems] == [source.image, source.modules]
    assert {problem.next_step for problem in caught.value.problems} == {"see kernels.mine"}


def test_an_image_without_modules(tmp_path: Path) -> None:
    (tmp_path / "bzImage").write_bytes(b"kernel")
    store = Store(tmp_path / "store")
    kernels = Kernels(Apt(tmp_path, store), store, tmp_path)
    kernel = Kernel(name="mine", source=KernelFiles(image=str(tmp_path / "bzImage")))
    base = asyncio.run(kernels.base(kernel, Arch.I386, ()))
    assert store.find(base.boot.kind, base.boot.key).file("vmlinuz").read_bytes() == b"kernel"
    full = asyncio.run(kernels.with_payload(base, kernel, Arch.I386, ()))
    assert full.payload is None
