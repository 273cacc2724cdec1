"""Debian's releases: their names, and the suites that each is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class DebianRelease:
    """A release by its code name; ``suites`` are its own and those that add to it."""

    name: str
    suites: tuple[str, ...]


def _release(name: str) -> DebianRelease:
    added = ("updates", "security", "backports")
    return DebianRelease(name=name, suites=(name, *(f"{name}-{suffix}" for suffix in added)))


RELEASES = (
    *map(_release, ("bookworm", "trixie", "forky")),
    DebianRelease(name="sid", suites=("sid",)),
)
"""Those whose kernels are known to boot here, the oldest first."""

SECURITY = "-security"
"""How the names of suites end that come from the archive of security updates."""


def release_of(suite: str) -> DebianRelease:
    """Return the release that ``suite`` belongs to.

    Raises:
        KeyError: it is a suite of none.
    """
    for release in RELEASES:
        if suite in release.suites:
            return release
    raise KeyError(suite)
