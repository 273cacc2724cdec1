"""Which modules a guest loads, in which order."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from anyclue.system.processes import run

ROOTS = ("virtio_pci", "virtio_blk", "virtio_console", "loop", "overlay", "squashfs", "btrfs")
"""Modules to have with all that they depend on; those that are built in need none."""

UNPACKERS: Mapping[str, tuple[str, ...]] = {
    ".xz": ("xz", "-d"),
    ".gz": ("gzip", "-d"),
    ".zst": ("zstd", "-d", "-q", "--rm"),
}

UNDER_TEST = "btrfs"
"""The module that is loaded only after a snapshot is restored."""


async def collect_modules(tree: Path, release: str, into: Path) -> None:
    """Copy the modules of ``ROOTS`` from ``tree/lib/modules`` to ``into/modules``.

    ``into/modules.json`` says in which order: ``{"order": [FILE...], "under_test": FILE|null}``;
    dependencies come first, the module under test is not in the order but its dependencies are.
    """
    await run(("depmod", "-b", str(tree), release), deadline_s=120)
    order: list[str] = []
    (into / "modules").mkdir()
    for root in ROOTS:
        shown = await run(
            ("modprobe", "-d", str(tree), "-S", release, "--show-depends", root),
            deadline_s=30,
            check=False,
        )
        for path in re.findall(r"^insmod (\S+)", shown.stdout, re.MULTILINE):
            name = f"{Path(path).name.split('.')[0]}.ko"
            if name not in order:
                order.append(name)
                await _copy_plain(Path(path), into / "modules" / name)
    under_test = f"{UNDER_TEST}.ko" if f"{UNDER_TEST}.ko" in order else None
    if under_test is not None:
        order.remove(under_test)
    layout = {"order": order, "under_test": under_test}
    (into / "modules.json").write_text(json.dumps(layout, indent=1))


async def _copy_plain(source: Path, target: Path) -> None:
    """Copy a module; a compressed one is unpacked, since the guest's insmod could not."""
    unpack = UNPACKERS.get(source.suffix)
    if unpack is None:
        shutil.copyfile(source, target)
        return
    packed = target.with_name(target.name + source.suffix)
    shutil.copyfile(source, packed)
    await run((*unpack, str(packed)), deadline_s=60)
