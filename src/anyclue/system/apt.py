"""Debian's packages, downloaded and unpacked without being installed.

apt runs on state of its own below the cache (lists, status, archives), with the host's sources and
keyrings: so foreign architectures need no ``dpkg --add-architecture``, no root is needed, and
signatures are checked by apt itself.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from anyclue.model.errors import InfrastructureError
from anyclue.system.files import staging, write_whole
from anyclue.system.processes import CommandError, run
from anyclue.system.store import Artifact, Recipe, Store, locked_file

log = logging.getLogger(__name__)

LISTS_FRESH_S = 12 * 3600
DOWNLOAD_S = 900
# Container images often switch apt's own caches off, and every question then costs a second.
CACHED = (
    *("-o", "Dir::Cache::pkgcache=pkgcache.bin"),
    *("-o", "Dir::Cache::srcpkgcache=srcpkgcache.bin"),
)


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
class DebianRelease:
    """A Debian release and the source lines that bring it."""

    name: str
    sources: tuple[str, ...]


class Apt:
    """apt with private state below ``root``."""

    def __init__(self, root: Path, store: Store) -> None:
        self.root = root
        self._store = store
        self._env = {"APT_CONFIG": str(root / "apt.conf")}
        self._closures: dict[tuple[Sequence[str], str], asyncio.Task[Artifact]] = {}

    async def refresh(self) -> None:
        """Bring the package lists up to date, when they are older than half a day.

        Without a network the lists that are there go on being used; a list that fails (a mirror
        in the middle of a sync) is left out.

        Raises:
            InfrastructureError: there is no list at all.
        """
        stamp = self.root / "lists-stamp"
        if stamp.exists() and time.time() - stamp.stat().st_mtime < LISTS_FRESH_S:
            return
        async with locked_file(self.root / "lock"):
            if stamp.exists() and time.time() - stamp.stat().st_mtime < LISTS_FRESH_S:
                return
            self._write_configuration()
            updated = await run(
                ("apt-get", "update", "-qq"), deadline_s=DOWNLOAD_S, env=self._env, check=False
            )
            lists = list((self.root / "state/lists").glob("*_Packages*"))
            if not lists:
                raise InfrastructureError(
                    f"no package lists could be had:\n{updated.stderr.strip()[-1500:]}",
                    where="apt-get update",
                    next_step="check /etc/apt/sources.list and the network, then run again",
                )
            stamp.touch()
            if updated.status != 0:
                log.warning("some package lists could not be updated; going on with the others")

    def _write_configuration(self) -> None:
        for name in ("state/lists/partial", "cache/archives/partial"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        (self.root / "state/status").touch()
        write_whole(
            self.root / "apt.conf",
            f'Dir::State "{self.root}/state";\n'
            f'Dir::State::status "{self.root}/state/status";\n'
            f'Dir::Cache "{self.root}/cache";\n'
            'APT::Architecture "amd64";\n'
            'APT::Architectures { "amd64"; "i386"; };\n'
            'APT::Sandbox::User "root";\n'
            'APT::Install-Recommends "false";\n'
            'Acquire::Languages "none";\n'
            'Acquire::Retries "3";\n',
        )

    async def names(self, prefix: str) -> tuple[str, ...]:
        """Return the names of all known packages that begin with ``prefix``."""
        listed = await run(("apt-cache", *CACHED, "pkgnames", prefix), deadline_s=60, env=self._env)
        return tuple(sorted(set(listed.stdout.split())))

    async def versions(self, names: Sequence[str]) -> dict[str, set[str]]:
        """Return the versions on offer of each package (named ``NAME`` or ``NAME:ARCH``)."""
        found: dict[str, set[str]] = {name: set() for name in names}
        listed = await run(("apt-cache", *CACHED, "madison", *names), deadline_s=60, env=self._env)
        for line in listed.stdout.splitlines():
            fields = [field.strip() for field in line.split("|")]
            if len(fields) == 3:
                found.setdefault(fields[0], set()).add(fields[1])
        return found

    async def release(self) -> DebianRelease:
        """Return the Debian release that the host's sources name, for building a root.

        Raises:
            InfrastructureError: the sources name no Debian archive.
        """
        fields = ("REPO_URI", "RELEASE", "COMPONENT", "ORIGIN", "SIGNED_BY")
        listed = await run(
            (
                *("apt-get", "indextargets", "--format"),
                "|".join(f"$({field})" for field in fields),
                "Created-By: Packages",
            ),
            deadline_s=60,
            env=self._env,
        )
        sources: dict[str, None] = {}
        names = []
        for line in listed.stdout.splitlines():
            uri, release, component, origin, signed_by = line.split("|")
            if origin != "Debian":
                continue
            option = f"[signed-by={signed_by}] " if signed_by.startswith("/") else ""
            sources[f"deb {option}{uri} {release} {component}"] = None
            names.append(release)
        if not names:
            raise InfrastructureError(
                "the host's apt sources name no Debian archive",
                where="/etc/apt",
                next_step="a full guest is made from Debian's packages: add its archive",
            )
        return DebianRelease(name=min(names, key=len), sources=tuple(sources))

    async def unpack(self, package: Package, into: Path) -> None:
        """Download one package (signatures checked by apt) and unpack it below ``into``."""
        with staging(self.root / "cache", "download") as directory:
            await run(
                ("apt-get", *CACHED, "download", "-qq", str(package)),
                deadline_s=DOWNLOAD_S,
                cwd=directory,
                env=self._env,
            )
            for deb in directory.glob("*.deb"):
                await unpack_deb(deb, into)

    async def closure(self, names: Sequence[str], arch: str) -> Artifact:
        """Return an unpacked tree of packages with everything that they depend on."""
        question = (tuple(names), arch)
        if question not in self._closures:
            self._closures[question] = asyncio.create_task(self._closure(*question))
        return await asyncio.shield(self._closures[question])

    async def _closure(self, names: Sequence[str], arch: str) -> Artifact:
        wanted = [f"{name}:{arch}" for name in names]
        simulated = await run(
            ("apt-get", *CACHED, "install", "--simulate", "-qq", *wanted),
            deadline_s=60,
            env=self._env,
        )
        packages = sorted(
            f"{match[1].split(':')[0]}={match[2]}"
            for match in re.finditer(r"^Inst (\S+) \((\S+) ", simulated.stdout, re.MULTILINE)
        )
        if not packages:
            raise CommandError(simulated.argv, "apt named no packages", simulated.stdout)

        async def build(directory: Path) -> None:
            with staging(self.root / "cache", "archives") as archives:
                (archives / "partial").mkdir()
                # apt lets one install at a time work on its state.
                async with locked_file(self.root / "lock"):
                    await run(
                        (
                            *("apt-get", *CACHED, "install", "-y", "-qq", "--download-only"),
                            *("-o", f"Dir::Cache::archives={archives}", *wanted),
                        ),
                        deadline_s=DOWNLOAD_S,
                        env=self._env,
                    )
                for deb in sorted(archives.glob("*.deb")):
                    await unpack_deb(deb, directory / "tree")

        return await self._store.make(
            Recipe(kind="packages", inputs={"arch": arch, "packages": packages}), build
        )


async def unpack_deb(deb: Path, into: Path) -> None:
    """Unpack a package's files below ``into``; nothing of it runs."""
    into.mkdir(parents=True, exist_ok=True)
    await run(("dpkg-deb", "-x", str(deb), str(into)), deadline_s=300)
