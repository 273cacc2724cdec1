"""Debian's packages, downloaded and unpacked without being installed.

apt runs on state of its own below the cache (lists, status, archives), one for each release and
architecture, with sources that say so and the archive's keyring: so the host may be of any release,
foreign architectures need no ``dpkg --add-architecture``, no root is needed, signatures are checked
by apt itself, and a list that cannot be had takes no other with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from anyclue.model.debian import DebianRelease
from anyclue.model.errors import InfrastructureError
from anyclue.system.files import check_space, disk_errors, staging, write_whole
from anyclue.system.processes import CommandError, run
from anyclue.system.store import Artifact, Recipe, Store, locked_file

log = logging.getLogger(__name__)

LISTS_FRESH_S = 12 * 3600
DOWNLOAD_S = 900
# On a full disk apt waits for ever. A state is 71 MiB at most (docs/adr/0019), more while it is
# made; the largest package, a kernel's source, is 167 MiB.
LISTS_MIB = 128
DOWNLOAD_MIB = 512
QUESTION_S = 120
# Container images often switch apt's own cache off, and every question then costs seconds; that of
# sources would take as much room again, and lists are several times as large when not compressed.
# What the host's configuration prefers says nothing of another release.
OPTIONS = (
    *("-o", "Dir::Cache::pkgcache=pkgcache.bin"),
    *("-o", "Dir::Cache::srcpkgcache="),
    *("-o", "Acquire::GzipIndexes=true"),
    *("-o", "APT::Default-Release="),
)
# What apt writes as %xx in the name of a list (URItoFileName in its strutl.cc).
QUOTED = re.compile(r"[\\|{}\[\]<>\"^~_=!@#$&*]")
# What Debian ships as a link, and only where all of the release lies below usr.
MERGED = ("bin", "sbin", "lib", "lib64")


@functools.total_ordering
@dataclass(frozen=True)
class PackageVersion:
    """A Debian version, in Debian's order (policy 5.6.12)."""

    text: str

    def __lt__(self, other: PackageVersion) -> bool:
        return _order(self.text) < _order(other.text)


def _order(version: str) -> tuple[int, tuple[object, ...], tuple[object, ...]]:
    epoch, _, rest = version.rpartition(":")
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "0")
    return int(epoch or 0), _part(upstream), _part(revision)


def _part(text: str) -> tuple[object, ...]:
    # Alternating non-digits and digits; "~" sorts before the end, letters before the rest.
    key: list[object] = []
    for other, digits in re.findall(r"(\D*)(\d*)", text):
        weights = [-1 if c == "~" else ord(c) if c.isalpha() else ord(c) + 256 for c in other]
        key.append((*weights, 0))
        key.append(int(digits or 0))
    return tuple(key)


@dataclass(frozen=True, kw_only=True)
class Package:
    """One package to fetch; ``arch`` is Debian's name (``all`` where it does not matter)."""

    name: str
    arch: str
    version: str

    def __str__(self) -> str:
        qualifier = "" if self.arch == "all" else f":{self.arch}"
        return f"{self.name}{qualifier}={self.version}"


@dataclass(frozen=True, kw_only=True)
class PackageRecord:
    """What the archive says of one version of a package.

    ``depends`` has one tuple of names for each dependency: any of them will do. A ``foreign`` one
    serves packages of every architecture.
    """

    name: str
    version: str
    arch: str
    depends: tuple[tuple[str, ...], ...]
    foreign: bool


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A version of a package, and the suite that has it."""

    version: str
    suite: str


@dataclass(frozen=True, kw_only=True)
class Closure:
    """Packages with everything that they depend on: versions by name, and what they become."""

    versions: Mapping[str, str]
    recipe: Recipe


class Apt:
    """apt with private state below ``root``, for one release and architecture (Debian's name).

    ``sources`` are lines of a sources.list, one for each suite of the release.
    """

    def __init__(
        self, root: Path, store: Store, *, release: DebianRelease, arch: str, sources: Sequence[str]
    ) -> None:
        self.root = root
        self.release = release
        self.arch = arch
        self.sources = tuple(sources)
        self._store = store
        self._env = {"APT_CONFIG": str(root / "apt.conf")}
        self._closures: dict[tuple[str, ...], asyncio.Task[Closure]] = {}

    async def refresh(self) -> None:
        """Bring the package lists up to date, when they are older than half a day.

        Without a network the lists that are there go on being used; a suite that cannot be had is
        left out (`missing_suites`).

        Raises:
            InfrastructureError: there is no list of the release itself.
        """
        if self._fresh():
            return
        async with locked_file(self.root / "lock"):
            if self._fresh():
                return
            self._stamp.unlink(missing_ok=True)  # it speaks of the sources that are replaced now
            with disk_errors(self.root):
                self._write_configuration()
            try:
                check_space(self.root, LISTS_MIB, "fetching package lists")
            except InfrastructureError as error:
                if self.release.name in self.missing_suites():
                    raise
                self._go_on(error.problem.what)
                return
            updated = await run(
                ("apt-get", *OPTIONS, "update", "-qq"),
                deadline_s=DOWNLOAD_S,
                env=self._env,
                check=False,
            )
            if self.release.name in self.missing_suites():
                raise InfrastructureError(
                    f"no package lists of {self.release.name} ({self.arch}) could be had: "
                    f"{_first_said(updated.stderr)}",
                    where=self.sources[0],
                    next_step="check the network, or name another mirror: anyclue kernels --mirror "
                    "URI; releases whose lists are here already need none of that",
                )
            write_whole(self._stamp, self._sources_text)
            if updated.status != 0:
                self._go_on(_first_said(updated.stderr))

    def _go_on(self, because: str) -> None:
        """Say that not all lists are fresh."""
        missing = self.missing_suites()
        there = ", ".join(suite for suite in self.release.suites if suite not in missing)
        log.info(
            "%s (%s): %s; going on with the lists that are there: %s",
            *(self.release.name, self.arch, because, there),
        )

    @property
    def _stamp(self) -> Path:
        return self.root / "lists-stamp"

    @property
    def _sources_text(self) -> str:
        return "".join(f"{line}\n" for line in self.sources)

    def _fresh(self) -> bool:
        try:
            age = time.time() - self._stamp.stat().st_mtime
            return age < LISTS_FRESH_S and self._stamp.read_text() == self._sources_text
        except OSError:
            return False

    def present_sources(self) -> tuple[str, ...]:
        """Return the lines of those suites of which there are lists."""
        missing = self.missing_suites()
        named = zip(self.release.suites, self.sources, strict=True)
        return tuple(line for suite, line in named if suite not in missing)

    def missing_suites(self) -> tuple[str, ...]:
        """Return the suites of which there is no list: none on the mirror, or not to be had.

        apt keeps the lists of the mirror before, as long as there are none of this one, and asks
        neither.
        """
        lists = self.root / "state/lists"
        there = [file.name for file in lists.glob("*_Packages*")]
        named = zip(self.release.suites, self.sources, strict=True)
        return tuple(
            suite
            for suite, line in named
            if not any(name.startswith(f"{_listed_as(line)}_dists_{suite}_") for name in there)
        )

    def _write_configuration(self) -> None:
        for name in ("state/lists/partial", "cache/archives/partial", "none"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        (self.root / "state/status").touch()
        write_whole(self.root / "sources.list", self._sources_text)
        write_whole(
            self.root / "apt.conf",
            f'Dir::State "{self.root}/state";\n'
            f'Dir::State::status "{self.root}/state/status";\n'
            f'Dir::Cache "{self.root}/cache";\n'
            f'Dir::Etc::sourcelist "{self.root}/sources.list";\n'
            f'Dir::Etc::sourceparts "{self.root}/none";\n'
            f'Dir::Etc::preferences "{self.root}/none/preferences";\n'
            f'Dir::Etc::preferencesparts "{self.root}/none";\n'
            f'APT::Architecture "{self.arch}";\n'
            f'APT::Architectures {{ "{self.arch}"; }};\n'
            'APT::Sandbox::User "root";\n'
            'APT::Install-Recommends "false";\n'
            'Acquire::Languages "none";\n'
            'Acquire::Retries "3";\n',
        )

    async def names(self, prefix: str) -> tuple[str, ...]:
        """Return the names of all known packages that begin with ``prefix``."""
        return tuple(sorted(set((await self._ask("pkgnames", prefix)).split())))

    async def offers(self, names: Sequence[str]) -> dict[str, tuple[Offer, ...]]:
        """Return the versions on offer of each package, each with a suite that has it."""
        found: dict[str, list[Offer]] = {name: [] for name in names}
        for line in (await self._ask("madison", *names)).splitlines() if names else ():
            fields = [field.strip() for field in line.split("|")]
            if len(fields) == 3 and fields[2].endswith("Packages"):
                suite = fields[2].split()[1].split("/")[0]
                found.setdefault(fields[0], []).append(Offer(version=fields[1], suite=suite))
        return {name: tuple(offers) for name, offers in found.items()}

    async def records(self, names: Sequence[str]) -> tuple[PackageRecord, ...]:
        """Return what is known of each version of these packages; of unknown ones, nothing."""
        return parse_records(await self._ask("show", *names)) if names else ()

    async def _ask(self, *question: str) -> str:
        # The status of `show` is that of the last name, which may be a virtual package.
        asked = await run(
            ("apt-cache", *OPTIONS, *question),
            deadline_s=QUESTION_S,
            env=self._env,
            check=question[0] != "show",
        )
        return asked.stdout

    async def unpack(self, package: Package, into: Path) -> None:
        """Download one package (signatures checked by apt) and unpack it below ``into``."""
        with staging(self.root / "cache", "download") as directory:
            await self._download([str(package)], directory)
            for deb in directory.glob("*.deb"):
                await unpack_deb(deb, into)

    async def closure(self, names: Sequence[str]) -> Artifact:
        """Return an unpacked tree of packages with everything that they depend on."""
        closure = await self.resolved(names)

        async def build(directory: Path) -> None:
            with staging(self.root / "cache", "download") as archives:
                await self._download(_named(closure.versions), archives)
                for deb in sorted(archives.glob("*.deb")):
                    await unpack_deb(deb, directory / "tree")
            for name in MERGED:
                # Already there, or a release that is not all below usr.
                with contextlib.suppress(FileExistsError):
                    (directory / "tree" / name).symlink_to(f"usr/{name}")

        return await self._store.make(closure.recipe, build)

    async def _download(self, packages: Sequence[str], into: Path) -> None:
        """Have apt put packages into a directory, those of a mirror on this machine, too.

        Raises:
            InfrastructureError: it cannot; the lists are then no longer taken to be fresh, since
                what they name may be gone.
        """
        check_space(into, DOWNLOAD_MIB, "downloading packages")
        argv = ("apt-get", *OPTIONS, "download", "-qq", *packages)
        done = await run(argv, deadline_s=DOWNLOAD_S, cwd=into, env=self._env, check=False)
        if done.status == 0:
            return
        self._stamp.unlink(missing_ok=True)
        named = packages[0] if len(packages) == 1 else f"{len(packages)} packages"
        raise InfrastructureError(
            f"{named} of {self.release.name} ({self.arch}) could not be downloaded: "
            f"{_first_said(done.stderr)}",
            where=self.sources[0],
            next_step="check the network, and the space that the cache has; package lists are "
            "fetched anew by the next run; kernels and guests that are in the cache need neither",
        )

    async def resolved(self, names: Sequence[str]) -> Closure:
        """Return which versions `closure` is made of, without making it."""
        question = tuple(names)
        if question not in self._closures:
            self._closures[question] = asyncio.create_task(self._resolved(question))
        return await asyncio.shield(self._closures[question])

    async def _resolved(self, names: tuple[str, ...]) -> Closure:
        await self.refresh()
        simulated = await run(
            ("apt-get", *OPTIONS, "install", "--simulate", "-qq", *names),
            deadline_s=QUESTION_S,
            env=self._env,
        )
        versions = {
            match[1].split(":")[0]: match[2]
            for match in re.finditer(r"^Inst (\S+) \((\S+) ", simulated.stdout, re.MULTILINE)
        }
        if not versions:
            raise CommandError(simulated.argv, "apt named no packages", simulated.stdout)
        packages = _named(versions)
        recipe = Recipe(kind="packages", inputs={"arch": self.arch, "packages": packages})
        return Closure(versions=versions, recipe=recipe)


def _named(versions: Mapping[str, str]) -> list[str]:
    """Return packages of these versions as apt is asked for them, in order."""
    return sorted(f"{name}={version}" for name, version in versions.items())


def _listed_as(source: str) -> str:
    """Return how apt begins the names of lists from the mirror of a line of a sources.list."""
    host, slash, path = source.split()[-3].partition(":")[2].removeprefix("//").partition("/")
    address = f"{host.rpartition('@')[2]}{slash}{path}"
    return re.sub(QUOTED, lambda match: f"%{ord(match[0]):02x}", address).replace("/", "_")


def _first_said(errors: str) -> str:
    """Return apt's first error, or else its first warning, without the mark."""
    lines = sorted(errors.splitlines(), key=lambda line: not line.startswith("E:"))
    return lines[0].removeprefix("E: ").removeprefix("W: ").strip() if lines else "apt says nothing"


def parse_records(text: str) -> tuple[PackageRecord, ...]:
    """Return the records of ``apt-cache show``."""
    records = []
    for paragraph in text.split("\n\n"):
        fields = dict(re.findall(r"^([\w-]+): (.*)$", paragraph, re.MULTILINE))
        if {"Package", "Version", "Architecture"} <= fields.keys():
            wanted = filter(None, (fields.get("Pre-Depends"), fields.get("Depends")))
            records.append(
                PackageRecord(
                    name=fields["Package"],
                    version=fields["Version"],
                    arch=fields["Architecture"],
                    depends=tuple(
                        _alternatives(one) for one in ", ".join(wanted).split(", ") if one
                    ),
                    foreign=fields.get("Multi-Arch") == "foreign",
                )
            )
    return tuple(records)


def _alternatives(dependency: str) -> tuple[str, ...]:
    return tuple(re.split(r"[\s(:]", one.strip())[0] for one in dependency.split("|"))


async def unpack_deb(deb: Path, into: Path) -> None:
    """Unpack a package's files below ``into``; nothing of it runs."""
    into.mkdir(parents=True, exist_ok=True)
    await run(("dpkg-deb", "-x", str(deb), str(into)), deadline_s=300)
