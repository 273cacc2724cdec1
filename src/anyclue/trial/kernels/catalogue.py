"""What Debian offers to run: kernels by series, with what each needs and what is here already."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from anyclue.model.debian import RELEASES
from anyclue.model.scenario import Arch
from anyclue.system.debian_archive import DebianArchive, Mirror, host_release
from anyclue.trial.kernels.debian import BUILD_ARCH, FLAVOURS, DebianKernels, KernelOffer


@dataclass(frozen=True, kw_only=True)
class CatalogueEntry:
    """One version: the ``arches`` it is complete for, those ``cached``, what its modules need.

    ``from_source`` are architectures that it can be had for only by building it.

    ``of`` is the release of Debian whose compiler and user space go with it; None where it is
    complete for no architecture. ``newest`` says that for one of its architectures that release
    has none newer of the series.
    """

    series: str
    version: str
    suites: tuple[str, ...]
    arches: tuple[Arch, ...]
    from_source: tuple[Arch, ...]
    cached: tuple[Arch, ...]
    of: str | None
    compilers: tuple[str, ...]
    newest: bool = False


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """All of that, and what could not be asked; series and versions in order.

    ``host`` is the release whose compiler is the host's own.
    """

    mirror: Mirror
    host: str
    entries: tuple[CatalogueEntry, ...]
    missing_suites: tuple[str, ...]
    failures: tuple[str, ...]


async def catalogue(
    archive: DebianArchive, kernels: DebianKernels, arches: Iterable[Arch]
) -> Catalogue:
    """Ask Debian's archive for every kernel."""
    flavours = [FLAVOURS[arch] for arch in sorted(arches)]
    offers, failures = await kernels.offered(RELEASES, flavours)
    states, _ = await archive.asked(RELEASES, BUILD_ARCH)
    entries = [_entry(kernels, offer) for offer in offers]
    newest = {
        (one.series, one.of, arch): one
        for one in entries
        for arch in (*one.arches, *one.from_source)
    }
    return Catalogue(
        mirror=await archive.mirror(),
        host=host_release().name,
        entries=tuple(replace(entry, newest=entry in newest.values()) for entry in entries),
        missing_suites=tuple(suite for apt in states for suite in apt.missing_suites()),
        failures=tuple(dict.fromkeys(failure.problem.what for failure in failures)),
    )


def _entry(kernels: DebianKernels, offer: KernelOffer) -> CatalogueEntry:
    packages = offer.complete
    built = {arch for arch, one in packages.items() if one.from_source}
    return CatalogueEntry(
        series=offer.series,
        version=offer.version,
        suites=offer.suites,
        arches=tuple(sorted(packages.keys() - built)),
        from_source=tuple(sorted(built)),
        cached=tuple(sorted(arch for arch, one in packages.items() if kernels.cached(one))),
        of=next((one.debian.name for one in packages.values()), None),
        compilers=tuple(sorted({name for one in packages.values() for name in one.compilers})),
    )
