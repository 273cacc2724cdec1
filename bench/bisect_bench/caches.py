"""A cache that borrows what is downloaded and booted, and in which no module is built yet."""

from __future__ import annotations

from pathlib import Path
from typing import Final

BORROWED: Final = (
    "apt",
    *(
        f"store/{kind}"
        for kind in ("packages", "tools", "kernel", "source", "initramfs", "snapshot", "locks")
    ),
)


def without_modules(cache: Path, at: Path) -> Path:
    """Make a cache at a path that is not there yet, all but modules borrowed from another."""
    (at / "store").mkdir(parents=True)
    for name in BORROWED:
        (cache / name).mkdir(parents=True, exist_ok=True)
        (at / name).symlink_to(cache / name)
    return at
