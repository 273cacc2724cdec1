"""Debian's kernels: which versions go together, and their files, without installing anything.

The archive's newest image of one architecture and its newest source may differ in point release,
so the version to use is found by asking: the newest for which image, headers and source are all
there, for every architecture of the scenario. Which packages hold them is asked too, since that
changes: what an image or its headers depend on in their own version is part of the kernel, and what
the headers need beside is what modules are built with.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from anyclue.model.debian import RELEASES, DebianRelease, release_of
from anyclue.model.errors import InfrastructureError, Problem, RequestError
from anyclue.model.scenario import Arch, DebianKernel
from anyclue.system.apt import Apt, Offer, Package, PackageRecord, PackageVersion
from anyclue.system.debian_archive import DebianArchive
from anyclue.system.files import check_space, staging
from anyclue.system.processes import CommandError, run
from anyclue.system.store import Artifact, Recipe, Store
from anyclue.trial.kernels.layout import LAYOUT, TrialSubject, layout_of
from anyclue.trial.kernels.modules import COLLECTED, collect_modules
from anyclue.trial.kernels.source_builds import (
    BUILD_PACKAGES,
    BUILD_PROGRAMS,
    SPACE_MIB,
    build_source,
    say_what_it_takes,
    source_recipe,
)
from anyclue.trial.kernels.toolchain import toolchain_of
from anyclue.trial.kernels.whole_builds import unpack_devel

IMAGE = "linux-image-"
HEADERS = "linux-headers-"
SOURCE = "linux-source-"
BUILD_ARCH = "amd64"
# Only maintainer scripts use it, and those are not run.
_SCRIPTS_ONLY = "linux-base"
_OF_KERNEL = "linux-"
_COMPILER_PREFIX = "x86_64-linux-gnu-"
_NEAREST = 3


@dataclass(frozen=True, kw_only=True)
class Flavour:
    """Which of Debian's kernels stands for an architecture, and Debian's name for the latter."""

    arch: Arch
    debian_arch: str
    name: str


FLAVOURS = {
    Arch.I386: Flavour(arch=Arch.I386, debian_arch="i386", name="686-pae"),
    Arch.X86_64: Flavour(arch=Arch.X86_64, debian_arch="amd64", name="cloud-amd64"),
}
"""The flavour of each architecture that takes least, where it has what is tested as modules."""

LARGER_FLAVOURS = {Arch.X86_64: replace(FLAVOURS[Arch.X86_64], name="amd64")}
"""And that which has more as modules, where there is one: ext4, which the other has built in."""


@dataclass(frozen=True, kw_only=True)
class KernelPackages:
    """The packages of one kernel, all of one version.

    Attributes:
        series: as ``6.1``.
        release: what ``uname -r`` says in the guest.
        suite: one that has them, of ``debian``.
        boot: the image first, and what it depends on: the kernel and its modules; nothing, where
            Debian has none for the architecture, and it is built from ``source``.
        headers: all that building an external module takes, but for programs; nothing likewise.
        source: the source with Debian's patches.
        needs: names of packages that the headers need beside: compiler and the like.
    """

    series: str
    release: str
    version: str
    flavour: Flavour
    suite: str
    boot: tuple[Package, ...]
    headers: tuple[Package, ...]
    source: Package
    needs: tuple[str, ...]

    @property
    def image(self) -> Package:
        """The package that a user would install, or build from."""
        return self.boot[0] if self.boot else self.source

    @property
    def from_source(self) -> bool:
        """Whether the kernel has to be built."""
        return not self.boot

    @property
    def debian(self) -> DebianRelease:
        """The release of Debian that they are of: its compiler built them."""
        return release_of(self.suite)

    @property
    def compilers(self) -> tuple[str, ...]:
        """The compilers among what the headers need, as ``gcc-12``."""
        named = (name.removesuffix("-for-host") for name in self.needs if name.startswith("gcc-"))
        return tuple(named)


@dataclass(frozen=True, kw_only=True)
class KernelOffer:
    """One version of a series, as `DebianKernels.offered` found it.

    ``complete`` has the packages of each architecture for which nothing is missing; ``images`` are
    all architectures that there is an image for.
    """

    series: str
    version: str
    suites: tuple[str, ...]
    images: frozenset[Arch]
    complete: Mapping[Arch, KernelPackages]


@dataclass(frozen=True, kw_only=True)
class _Found:
    """One image on offer: ``packages`` is None where something of it is missing."""

    series: str
    offer: Offer
    packages: KernelPackages | None


class DebianKernels:
    """Debian's kernels as artifacts of the cache."""

    def __init__(self, archive: DebianArchive, store: Store, workbenches: Path) -> None:
        self._archive = archive
        self._store = store
        self._workbenches = workbenches
        self._resolving = asyncio.Lock()
        self._resolved: dict[
            tuple[DebianKernel, frozenset[Flavour]], dict[Arch, KernelPackages]
        ] = {}

    async def with_modules(
        self, wanted: DebianKernel, arches: Iterable[Arch], subject: TrialSubject
    ) -> dict[Arch, KernelPackages]:
        """Return the packages to use, as `resolve`, with what is tested as modules.

        Of each architecture it is the smallest flavour that has them.

        Raises:
            RequestError: as `resolve`; or no flavour has the file system as modules.
            InfrastructureError: as `resolve`.
        """
        found = await self.resolve(wanted, arches)
        lacking = [arch for arch, one in found.items() if not await self._is_modular(one, subject)]
        if not lacking:
            return found
        found = await self.resolve(wanted, found, larger=lacking)
        still = [found[arch] for arch in sorted(lacking)]
        if still := [one for one in still if not await self._is_modular(one, subject)]:
            raise await self._not_modular(still, subject)
        return found

    async def resolve(
        self, wanted: DebianKernel, arches: Iterable[Arch], larger: Iterable[Arch] = ()
    ) -> dict[Arch, KernelPackages]:
        """Return the packages to use: one version, the newest that is complete for ``arches``.

        They are of the smallest flavour; for those of ``larger`` of the larger one.

        Raises:
            RequestError: there is no such series or version, or no complete one.
            InfrastructureError: it may be in a release that cannot be asked.
        """
        flavours = frozenset(
            LARGER_FLAVOURS.get(arch, FLAVOURS[arch]) if arch in {*larger} else FLAVOURS[arch]
            for arch in arches
        )
        async with self._resolving:
            if (wanted, flavours) not in self._resolved:
                self._resolved[wanted, flavours] = await self._resolve(wanted, flavours)
        return self._resolved[wanted, flavours]

    async def _is_modular(self, packages: KernelPackages, subject: TrialSubject) -> bool:
        return layout_of((await self.image(packages)).file(LAYOUT)).is_modular(subject)

    async def _not_modular(
        self, kernels: Iterable[KernelPackages], subject: TrialSubject
    ) -> RequestError:
        name = subject.file_system.name
        problems = []
        for packages in kernels:
            layout = layout_of((await self.image(packages)).file(LAYOUT))
            lost = [root for root in subject.file_system.modules if not layout.order([root])]
            how = [f"{one} ({'built in' if one in layout.builtin else 'absent'})" for one in lost]
            problems.append(
                Problem(
                    what=f"this kernel does not have {name} as modules: {', '.join(how)}",
                    where=str(packages.image),
                    next_step="use another series, or a kernel that you built",
                )
            )
        return RequestError(problems)

    async def _resolve(
        self, wanted: DebianKernel, flavours: frozenset[Flavour]
    ) -> dict[Arch, KernelPackages]:
        releases = RELEASES if wanted.suite is None else (release_of(wanted.suite),)
        arches = frozenset(flavour.arch for flavour in flavours)
        in_order = sorted(flavours, key=lambda flavour: flavour.arch)
        offers, failures = await self.offered(releases, in_order, wanted.series)
        fitting = [
            offer
            for offer in offers
            if offer.complete.keys() >= arches
            and wanted.version in (None, offer.version)
            and wanted.suite in (None, *offer.suites)
        ]
        if fitting:
            newest = max(fitting, key=lambda offer: PackageVersion(offer.version))
            return {arch: newest.complete[arch] for arch in arches}
        if failures:
            states, _ = await self._archive.asked(releases, BUILD_ARCH)
            asked = [apt.release.name for apt in states]
            raise _unasked(wanted, asked, failures, (await self._archive.mirror()).main)
        await self._check_suite(wanted.suite)
        raise RequestError([await self._nothing(wanted, arches, offers)])

    async def offered(
        self, releases: Iterable[DebianRelease], flavours: Iterable[Flavour], series: str = ""
    ) -> tuple[tuple[KernelOffer, ...], tuple[InfrastructureError, ...]]:
        """Return what there is of a series (of all, when none is named), the newest last.

        Second: why releases cannot be asked. A series that Debian has nowhere for an architecture
        can be built for it.
        """
        states, failures = await self._archive.asked(releases, BUILD_ARCH)
        images: dict[Arch, list[_Found]] = {}
        for flavour in flavours:
            of_arch: Iterable[Apt] = states
            failed: tuple[InfrastructureError, ...] = ()
            if flavour.debian_arch != BUILD_ARCH:
                # A release without the source has no whole kernel: its lists need not be fetched.
                having = [one.release for one in states if await _has_source(one, series)]
                of_arch, failed = await self._archive.asked(having, flavour.debian_arch)
                failures += failed
            images[flavour.arch] = await self._images(of_arch, flavour, series)
            if flavour.debian_arch != BUILD_ARCH and not failed:
                images[flavour.arch] += await self._to_build(
                    *(states, flavour, series, images[flavour.arch])
                )
        found: dict[tuple[str, str], dict[Arch, list[_Found]]] = {}
        for arch, ones in images.items():
            for one in ones:
                by_arch = found.setdefault((one.series, one.offer.version), {})
                by_arch.setdefault(arch, []).append(one)
        offers = [_offer(*key, versions) for key, versions in found.items()]
        return tuple(sorted(offers, key=lambda one: PackageVersion(one.version))), failures

    async def _images(self, states: Iterable[Apt], flavour: Flavour, series: str) -> list[_Found]:
        return [one for apt in states for one in await self._in_release(apt, flavour, series)]

    async def _to_build(
        self,
        states: Iterable[Apt],
        flavour: Flavour,
        series: str,
        there: Iterable[_Found],
    ) -> list[_Found]:
        """Return what can be built of series of which an architecture has nothing.

        That is what is complete for the architecture that builds.
        """
        known = {one.series for one in there}
        return [
            replace(one, packages=_to_build(one.packages, flavour))
            for one in await self._images(states, FLAVOURS[Arch.X86_64], series)
            if one.series not in known and one.packages is not None and one.packages.compilers
        ]

    async def _in_release(self, apt: Apt, flavour: Flavour, series: str) -> list[_Found]:
        """Return the images of a flavour in one release, with their packages."""
        of_series = re.escape(series) if series else r"\d+\.\d+"
        image = re.compile(rf"{IMAGE}(({of_series})(?!\d).*)-{re.escape(flavour.name)}$")
        matched = [
            match for name in await apt.names(f"{IMAGE}{series}") if (match := image.match(name))
        ]
        offers = await apt.offers([match[0] for match in matched])
        headers = [match[0].replace(IMAGE, HEADERS, 1) for match in matched]
        sources = {f"{SOURCE}{match[2]}" for match in matched}
        known = await _related(apt, [*offers, *headers, *sources])
        programs = await self._programs(apt, known)
        found = []
        for match, header in zip(matched, headers, strict=True):
            for offer in offers[match[0]]:
                boot = _same_version(match[0], offer.version, known)
                if any(one.name.startswith(IMAGE) for one in boot[1:]):
                    continue  # a package that only names the newest
                build = _same_version(header, offer.version, known)
                source = known.get((f"{SOURCE}{match[2]}", offer.version))
                packages = None
                if boot and build and source and _whole([*boot, *build], known, programs):
                    packages = KernelPackages(
                        series=match[2],
                        release=match[0].removeprefix(IMAGE),
                        version=offer.version,
                        flavour=flavour,
                        suite=offer.suite,
                        boot=tuple(_package(one, programs) for one in boot),
                        headers=tuple(_package(one, programs) for one in build if one not in boot),
                        source=_package(source, programs),
                        needs=_needs(build, known),
                    )
                found.append(_Found(series=match[2], offer=offer, packages=packages))
        return found

    async def _programs(
        self, apt: Apt, known: Mapping[tuple[str, str], PackageRecord]
    ) -> dict[tuple[str, str], PackageRecord]:
        """Return, of packages that serve every architecture, those of the one that builds."""
        if apt.arch == BUILD_ARCH:
            return dict(known)
        states, _ = await self._archive.asked([apt.release], BUILD_ARCH)
        names = sorted({one.name for one in known.values() if one.foreign})
        return {
            (one.name, one.version): one for state in states for one in await state.records(names)
        }

    async def _check_suite(self, suite: str | None) -> None:
        """Make sure that there are lists of a suite.

        Raises:
            InfrastructureError: it is not on the mirror, or could not be had.
        """
        if suite is None:
            return
        apt = await self._archive.apt(release_of(suite), BUILD_ARCH)
        if suite in apt.missing_suites():
            raise InfrastructureError(
                f"the mirror has no {suite}, or it could not be had",
                where=(await self._archive.mirror()).main,
                next_step="anyclue kernels lists the suites that are there; or leave `suite` out",
            )

    async def _nothing(
        self, wanted: DebianKernel, arches: frozenset[Arch], offers: Sequence[KernelOffer]
    ) -> Problem:
        """Return what to say when nothing fits: what there is of the series, and near to it."""
        said = []
        for arch in sorted(arches):
            complete = [_with_suites(offer) for offer in offers if arch in offer.complete]
            partial = [_with_suites(offer) for offer in offers if arch in offer.images]
            text = ", ".join(complete) or (
                f"without headers or source {', '.join(partial)}" if partial else "none"
            )
            said.append(f"{FLAVOURS[arch].debian_arch}: {text}")
        series = await self._series()
        near = sorted(series, key=lambda name: _distance(name, wanted.series))[:_NEAREST]
        listed = "; ".join(f"{name} ({', '.join(sorted(series[name]))})" for name in near)
        in_suite = f" in {wanted.suite}" if wanted.suite else ""
        what = f"Debian has no complete kernel {wanted.version or wanted.series}{in_suite}"
        return Problem(
            what=f"{what} (complete versions: {'; '.join(said)})",
            where="kernels",
            next_step=f"nearest series for {' and '.join(sorted(arches))}: {listed or 'none'}; "
            "all are listed by: anyclue kernels",
        )

    async def _series(self) -> dict[str, set[str]]:
        """Return the suites of each series that has a source and an image, of any architecture."""
        found: dict[str, set[str]] = {}
        states, _ = await self._archive.asked(RELEASES, BUILD_ARCH)
        for apt in states:
            images = await apt.names(IMAGE)
            for name, offers in (await apt.offers(await apt.names(SOURCE))).items():
                series = name.removeprefix(SOURCE)
                image = re.compile(rf"{IMAGE}{re.escape(series)}\b")
                if re.fullmatch(r"\d+\.\d+", series) and any(map(image.match, images)):
                    found.setdefault(series, set()).update(one.suite for one in offers)
        return found

    async def image(self, packages: KernelPackages) -> Artifact:
        """Return ``vmlinuz``, ``config`` and the modules that guests load.

        Raises:
            DoesNotBuildError: it has to be built, and make failed.
            InfrastructureError: a package is of a new form, or there is no space.
        """
        if packages.from_source:
            return await self._built(packages)

        async def build(directory: Path) -> None:
            tree = directory / "tree"
            for package in packages.boot:
                await self._unpack(packages, package, tree)
            if not (tree / "lib").exists():
                (tree / "lib").symlink_to("usr/lib")
            modules = tree / "lib/modules" / packages.release
            for name in ("vmlinuz", "config"):
                places = (tree / "boot" / f"{name}-{packages.release}", modules / name)
                file = next((place for place in places if place.is_file()), None)
                if file is None:
                    raise InfrastructureError(
                        f"no {name} of {packages.release} is in Debian's packages",
                        where=", ".join(map(str, packages.boot)),
                        next_step="please report it: their form is new",
                    )
                file.rename(directory / name)
            await collect_modules(tree, packages.release, directory)
            shutil.rmtree(tree)

        return await self._store.make(_recipe(packages), build)

    async def _built(self, packages: KernelPackages) -> Artifact:
        """Return the same, built, with ``devel.tar`` to build modules with."""
        arch = packages.flavour.arch

        async def build(directory: Path) -> None:
            check_space(directory, SPACE_MIB, "building a kernel")
            say_what_it_takes(packages.version, arch)
            toolchain = await toolchain_of(
                *(self._archive, packages.debian, f"{_COMPILER_PREFIX}{packages.compilers[0]}"),
                *((*packages.needs, *BUILD_PACKAGES), BUILD_ARCH),
                programs=BUILD_PROGRAMS,
            )
            with staging(directory, "source") as unpacked:
                archive = await self._source_archive(packages, unpacked)
                await build_source(
                    *(archive, arch, toolchain, directory),
                    of=f"{packages.source.name} {packages.version}",
                    failed=self._workbenches / f"linux-{packages.version}-{arch}.log",
                )

        return await self._store.make(_recipe(packages), build)

    async def unpack_headers(self, packages: KernelPackages, into: Path) -> None:
        """Unpack all that building external modules takes; see `headers_tree`."""
        if packages.from_source:
            await asyncio.to_thread(unpack_devel, await self.image(packages), into)
            return
        for package in packages.headers:
            await self._unpack(packages, package, into)
        # The packages name their places absolutely, for /usr/src.
        makefile = headers_tree(into, packages) / "Makefile"
        here = "HERE := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))\n"
        makefile.write_text(here + makefile.read_text().replace("/usr/src/", "$(HERE)/../"))

    async def source(self, packages: KernelPackages, subdirectory: str) -> Artifact:
        """Return one directory of the kernel source, at its place below ``linux``.

        Raises:
            RequestError: there is no such directory.
        """
        return await self._from_source(packages, subdirectory, "")

    async def headers_beside(self, packages: KernelPackages, subdirectory: str) -> Artifact:
        """Return the headers below the parent of a directory, at their places below ``linux``."""
        return await self._from_source(packages, str(PurePosixPath(subdirectory).parent), "/*.h")

    async def _from_source(
        self, packages: KernelPackages, subdirectory: str, files: str
    ) -> Artifact:
        async def build(directory: Path) -> None:
            archive = await self._source_archive(packages, directory)
            (directory / "linux").mkdir()
            wanted = f"{packages.source.name}/{subdirectory}{files}"
            argv = (
                *("tar", "-xf", str(archive), "-C", str(directory / "linux")),
                *("--strip-components=1", *(("--wildcards",) if files else ()), wanted),
            )
            try:
                await run(argv, deadline_s=600)
            except CommandError as error:
                if "Not found in archive" not in error.output:
                    raise
                raise RequestError.of(
                    f"the kernel's source has no directory {subdirectory!r}",
                    where=str(packages.source),
                    next_step='name one that it has, for example module = "fs/ext4"',
                ) from error
            shutil.rmtree(directory / "usr")

        inputs = {"package": str(packages.source), "directory": f"{subdirectory}{files}"}
        return await self._store.make(Recipe(kind="source", inputs={**inputs, "format": 1}), build)

    async def _source_archive(self, packages: KernelPackages, into: Path) -> Path:
        await self._unpack(packages, packages.source, into)
        (archive,) = (into / "usr/src").glob(f"{packages.source.name}.tar.*")
        return archive

    async def _unpack(self, packages: KernelPackages, package: Package, into: Path) -> None:
        arch = package.arch
        if arch == "all":
            arch = BUILD_ARCH if packages.from_source else packages.flavour.debian_arch
        await (await self._archive.apt(packages.debian, arch)).unpack(package, into)

    def cached(self, packages: KernelPackages) -> bool:
        """Return whether the kernel itself is in the cache."""
        recipe = _recipe(packages)
        return (self._store.root / recipe.kind / recipe.key).is_dir()


def _recipe(packages: KernelPackages) -> Recipe:
    if packages.from_source:
        return source_recipe(
            *(str(packages.source), packages.flavour.arch),
            release=packages.debian.name,
            compiler=packages.compilers[0],
        )
    inputs = {"package": str(packages.image), "modules": COLLECTED, "format": 3}
    return Recipe(kind="kernel", inputs=inputs)


def headers_tree(unpacked: Path, packages: KernelPackages) -> Path:
    """Return where, in unpacked headers, ``make -C`` has to start."""
    if packages.from_source:
        return unpacked
    return unpacked / "usr/src" / f"{HEADERS}{packages.release}"


async def _has_source(apt: Apt, series: str) -> bool:
    names = await apt.names(f"{SOURCE}{series}")
    return f"{SOURCE}{series}" in names if series else bool(names)


async def _related(apt: Apt, names: Iterable[str]) -> dict[tuple[str, str], PackageRecord]:
    """Return what is known of packages, and of all that they depend on in their own version."""
    # apt takes a name that it does not know for a pattern, which costs a tenth of a second each.
    there = set(await apt.names(_OF_KERNEL))
    known: dict[tuple[str, str], PackageRecord] = {}
    asked: set[str] = set()
    todo = there & set(names)
    while todo:
        new = await apt.records(sorted(todo))
        asked |= todo
        known |= {(one.name, one.version): one for one in new}
        named = {name for one in new for group in one.depends for name in group}
        todo = (there & named) - asked
    return known


def _same_version(
    name: str, version: str, known: Mapping[tuple[str, str], PackageRecord]
) -> list[PackageRecord]:
    """Return a package and what it depends on in its own version; nothing, if it is not there."""
    found: dict[str, PackageRecord] = {}
    todo = [name]
    while todo:
        record = known.get((todo.pop(0), version))
        if record is None or record.name in found:
            continue
        found[record.name] = record
        for group in record.depends:
            todo += [one for one in group if (one, version) in known][:1]
    return list(found.values())


def _needs(
    records: Iterable[PackageRecord], known: Mapping[tuple[str, str], PackageRecord]
) -> tuple[str, ...]:
    """Return the packages of other versions that these depend on."""
    return tuple(
        sorted(
            {
                group[0]
                for record in records
                if not record.name.startswith(IMAGE)
                for group in record.depends
                if not any((name, record.version) in known for name in group)
                and group[0] != _SCRIPTS_ONLY
            }
        )
    )


def _package(record: PackageRecord, programs: Mapping[tuple[str, str], PackageRecord]) -> Package:
    """Return the package to fetch: one that serves every architecture is that which runs here."""
    key = (record.name, record.version)
    arch = programs[key].arch if record.foreign and key in programs else record.arch
    return Package(name=record.name, arch=arch, version=record.version)


def _whole(
    records: Iterable[PackageRecord],
    known: Mapping[tuple[str, str], PackageRecord],
    programs: Mapping[tuple[str, str], PackageRecord],
) -> bool:
    """Return whether all that these need of their kernel is on offer in their own version."""
    for record in records:
        if record.foreign and (record.name, record.version) not in programs:
            return False
        own = (one for one in record.depends if one[0].startswith(_OF_KERNEL))
        for group in own:
            there = any((name, record.version) in known for name in group)
            if not there and group[0] != _SCRIPTS_ONLY:
                return False
    return True


def _to_build(packages: KernelPackages, flavour: Flavour) -> KernelPackages:
    """Return the packages to build the same version from for another architecture."""
    release = packages.version.partition("-")[0]
    return replace(packages, release=release, flavour=flavour, boot=(), headers=())


def _offer(series: str, version: str, by_arch: Mapping[Arch, Sequence[_Found]]) -> KernelOffer:
    suites = [one.offer.suite for found in by_arch.values() for one in found]
    complete: dict[Arch, KernelPackages] = {}
    for arch, found in by_arch.items():
        for one in found:
            if one.packages is not None:
                complete.setdefault(arch, one.packages)
    return KernelOffer(
        series=series,
        version=version,
        suites=tuple(dict.fromkeys(suites)),
        images=frozenset(by_arch),
        complete=complete,
    )


def _unasked(
    wanted: DebianKernel,
    asked: Iterable[str],
    failures: Sequence[InfrastructureError],
    mirror: str,
) -> InfrastructureError:
    reasons = dict.fromkeys(failure.problem.what for failure in failures)
    there = ", ".join(asked)
    if not there and len(reasons) == 1:
        return failures[0]
    what = "none of Debian's releases could be asked"
    if there:
        kernel = wanted.version or wanted.series
        what = f"no kernel {kernel} is in {there}, and the other releases could not be asked"
    said = "".join(f"\n    {reason}" for reason in reasons)
    return InfrastructureError(
        f"{what}:{said}", where=mirror, next_step=failures[0].problem.next_step
    )


def _with_suites(offer: KernelOffer) -> str:
    return f"{offer.version} ({', '.join(offer.suites)})"


def _distance(series: str, wanted: str) -> tuple[int, int]:
    (major, minor), (of, to) = (tuple(map(int, name.split(".")[:2])) for name in (series, wanted))
    if major == of:
        return 0, abs(minor - to)
    return abs(major - of), minor if major > of else -minor
