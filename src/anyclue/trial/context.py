"""Where everything is on this machine: the cache and what works on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from anyclue.system.debian_archive import DebianArchive
from anyclue.system.store import Store
from anyclue.trial.guest.images import Images
from anyclue.trial.guest.initramfs import Tool
from anyclue.trial.kernels.preparation import Kernels
from anyclue.trial.scheduler import Refusals
from anyclue.trial.workloads.registry import FSLOAD_SOURCE

TOOLS = (Tool(name="fsload", source=FSLOAD_SOURCE),)


@dataclass(frozen=True, kw_only=True)
class Context:
    """The cache, and the makers of kernels and guests that keep their work in it.

    ``refusals`` are those of this process, whichever run they are of.
    """

    cache: Path
    store: Store
    archive: DebianArchive
    kernels: Kernels
    images: Images
    refusals: Refusals = field(default_factory=Refusals)

    @classmethod
    def of_user(cls) -> Context:
        """Return the context with the user's cache (``XDG_CACHE_HOME`` is honoured)."""
        return cls.at(Path(platformdirs.user_cache_dir("anyclue")))

    @classmethod
    def at(cls, cache: Path) -> Context:
        """Return the context with its cache at ``cache``."""
        store = Store(cache / "store")
        archive = DebianArchive(cache / "apt", store)
        return cls(
            cache=cache,
            store=store,
            archive=archive,
            kernels=Kernels(archive, store, cache / "workbenches"),
            images=Images(store, archive, cache, TOOLS),
        )
