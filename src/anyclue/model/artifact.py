"""Artifacts of the cache, named by what they were made from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ArtifactRef:
    """An artifact of the cache: its kind and the SHA-256 of what it was made from."""

    kind: str
    key: str
