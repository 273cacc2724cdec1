"""Debian's archive: which mirror has it, and apt's private state for each release in it."""

from __future__ import annotations

import asyncio
import json
import platform
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from anyclue.model.debian import RELEASES, SECURITY, DebianRelease
from anyclue.model.errors import InfrastructureError, RequestError
from anyclue.system.apt import Apt
from anyclue.system.files import write_whole
from anyclue.system.processes import run
from anyclue.system.store import Store

MAIN = "http://deb.debian.org/debian"
COMPONENT = "main"
KEYRINGS = tuple(
    Path("/usr/share/keyrings") / f"debian-archive-keyring.{suffix}" for suffix in ("gpg", "pgp")
)
# As the sources of a host may call a release, or one of the suites that add to it.
_SUITE = re.compile(
    r"(?:(?:old)*stable|testing|unstable|buster|bullseye|duke|"
    + "|".join(release.name for release in RELEASES)
    + r")(?:-proposed-updates|-updates|-security|-backports|-backports-sloppy)?(?:/updates)?"
)
_URI = re.compile(r"(?:https?://[^\s/]+|file:/|copy:/)[^\s|]*")
_MIRROR_FILE = "mirror.json"


class MirrorOrigin(StrEnum):
    """Who named the mirror."""

    GIVEN = "given"
    HOST = "host"
    DEFAULT = "default"


@dataclass(frozen=True, kw_only=True)
class Mirror:
    """Where the archive is, and that of security updates."""

    main: str
    security: str
    origin: MirrorOrigin

    def sources(self, release: DebianRelease) -> tuple[str, ...]:
        """Return the lines of a sources.list that bring a release."""
        keyring = next((path for path in KEYRINGS if path.exists()), None)
        option = f"[signed-by={keyring}] " if keyring else ""
        return tuple(
            f"deb {option}{self.security if suite.endswith(SECURITY) else self.main} "
            f"{suite} {COMPONENT}"
            for suite in release.suites
        )


class DebianArchive:
    """The archive, with what apt keeps of it below ``root``."""

    def __init__(self, root: Path, store: Store) -> None:
        self._root = root
        self._store = store
        self._states: dict[tuple[str, str], Apt] = {}
        self._asking = asyncio.Lock()
        self._mirror: Mirror | None = None

    async def mirror(self) -> Mirror:
        """Return the mirror to ask: the one given, or that of the host's own sources."""
        async with self._asking:
            if self._mirror is None:
                self._mirror = self._given() or await host_mirror()
        return self._mirror

    def _given(self) -> Mirror | None:
        try:
            main = json.loads((self._root / _MIRROR_FILE).read_text())["main"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if not isinstance(main, str) or not _URI.fullmatch(main):
            return None
        return _mirror(main, f"{main}{SECURITY}", MirrorOrigin.GIVEN)

    def give_mirror(self, uri: str | None) -> None:
        """Ask the mirror at ``uri`` from now on; None: again that of the host's sources.

        Raises:
            RequestError: that is no address of a mirror.
        """
        if uri is None:
            (self._root / _MIRROR_FILE).unlink(missing_ok=True)
        elif _URI.fullmatch(uri):
            write_whole(self._root / _MIRROR_FILE, json.dumps({"main": uri.rstrip("/")}))
        else:
            step = f"give it as in {MAIN}; security updates are looked for beside it"
            raise RequestError.of("is no address of a mirror", where=uri, next_step=step)
        self._mirror = None
        self._states.clear()

    async def apt(self, release: DebianRelease, arch: str) -> Apt:
        """Return apt for a release and an architecture, with fresh lists.

        Raises:
            InfrastructureError: there are none, and none could be had.
        """
        mirror = await self.mirror()
        key = (release.name, arch)
        if key not in self._states:
            self._states[key] = Apt(
                self._root / f"{release.name}-{arch}",
                self._store,
                release=release,
                arch=arch,
                sources=mirror.sources(release),
            )
        await self._states[key].refresh()
        return self._states[key]

    async def asked(
        self, releases: Iterable[DebianRelease], arch: str
    ) -> tuple[tuple[Apt, ...], tuple[InfrastructureError, ...]]:
        """Return apt for each release that can be asked, and why the others cannot."""
        found = await asyncio.gather(
            *(self.apt(release, arch) for release in releases), return_exceptions=True
        )
        for one in found:
            if isinstance(one, BaseException) and not isinstance(one, InfrastructureError):
                raise one
        return (
            tuple(one for one in found if isinstance(one, Apt)),
            tuple(one for one in found if isinstance(one, InfrastructureError)),
        )


async def host_mirror() -> Mirror:
    """Return the mirror that the host's own sources name; Debian's, where they name none."""
    fields = ("REPO_URI", "RELEASE", "COMPONENT", "ORIGIN")
    listed = await run(
        (
            *("apt-get", "indextargets", "--format"),
            "|".join(f"$({field})" for field in fields),
            "Created-By: Packages",
        ),
        deadline_s=60,
        check=False,
    )
    return chosen_mirror(listed.stdout)


def chosen_mirror(index_targets: str) -> Mirror:
    """Return the mirror among the ``URI|RELEASE|COMPONENT|ORIGIN`` lines of a host's sources.

    ORIGIN is known only where the host has lists: without, the address has to end as Debian's do.
    """
    main = security = None
    for line in index_targets.splitlines():
        fields = line.split("|")
        if len(fields) != 4 or not _SUITE.fullmatch(fields[1]) or fields[2] != COMPONENT:
            continue
        uri, suite, _, origin = fields
        uri = uri.rstrip("/")
        if not _URI.fullmatch(uri) or (origin != "Debian" and "/debian" not in f"{uri}/"):
            continue
        if suite.endswith((SECURITY, "/updates")):
            security = security or uri
        else:
            main = main or uri
    if main is None:
        return _mirror(MAIN, security or f"{MAIN}{SECURITY}", MirrorOrigin.DEFAULT)
    return _mirror(main, security or f"{main}{SECURITY}", MirrorOrigin.HOST)


def _mirror(main: str, security: str, origin: MirrorOrigin) -> Mirror:
    return Mirror(main=main, security=security, origin=origin)


def host_release() -> DebianRelease:
    """Return the host's release; the oldest, where the host is of none of Debian's."""
    try:
        name = platform.freedesktop_os_release().get("VERSION_CODENAME")
    except OSError:
        name = None
    return next((release for release in RELEASES if release.name == name), RELEASES[0])
