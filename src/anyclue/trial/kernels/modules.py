"""Which modules a guest loads, in which order."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from anyclue.system.processes import run

ROOTS = ("virtio_pci", "virtio_blk", "virtio_console", "loop", "overlay", "squashfs", "btrfs")
"""Modules to have with all that they depend on; those that are built in need none."""

MORE_ROOTS = (
    *("ext4", "xfs", "f2fs", "crc32c_generic", "xxhash_generic", "blake2b_generic"),
    *("quota_v1", "quota_v2", "dm-mod", "dm-flakey", "dm-log-writes", "dm-snapshot", "dm-delay"),
    *("dm-thin-pool", "dm-zero", "dm-crypt", "scsi_debug"),
)
"""Modules that a full guest finds in its ``/lib/modules`` beside: none is loaded beforehand."""

UNPACKERS: Mapping[str, tuple[str, ...]] = {
    ".xz": ("xz", "-d"),
    ".gz": ("gzip", "-d"),
    ".zst": ("zstd", "-d", "-q", "--rm"),
}

UNDER_TEST = "btrfs"
"""The module that is loaded only after a snapshot is restored."""


async def collect_modules(tree: Path, release: str, into: Path) -> None:
    """Copy the modules of ``ROOTS`` and ``MORE_ROOTS`` from ``tree`` to ``into/modules``.

    ``into/modules.json`` says in which order:
    ``{"order": [FILE...], "under_test": FILE|null, "more": [FILE...]}``;
    dependencies come first, the module under test is not in the order but its dependencies are.
    """
    await run(("depmod", "-b", str(tree), release), deadline_s=120)
    (into / "modules").mkdir()
    order = await _copied(ROOTS, tree, release, into, [])
    more = await _copied(MORE_ROOTS, tree, release, into, order)
    under_test = f"{UNDER_TEST}.ko" if f"{UNDER_TEST}.ko" in order else None
    if under_test is not None:
        order.remove(under_test)
    layout = {"order": order, "under_test": under_test, "more": more}
    (into / "modules.json").write_text(json.dumps(layout, indent=1))


async def _copied(
    roots: Sequence[str], tree: Path, release: str, into: Path, known: Sequence[str]
) -> list[str]:
    """Copy what ``roots`` need and is not ``known``; return the names, dependencies first."""
    order: list[str] = []
    for root in roots:
        shown = await run(
            ("modprobe", "-d", str(tree), "-S", release, "--show-depends", root),
            deadline_s=30,
            check=False,
        )
        for path in re.findall(r"^insmod (\S+)", shown.stdout, re.MULTILINE):
            name = f"{Path(path).name.split('.')[0]}.ko"
            if name not in order and name not in known:
                order.append(name)
                await _copy_plain(Path(path), into / "modules" / name)
    return order


async def _copy_plain(source: Path, target: Path) -> None:
    """Copy a module; a compressed one is unpacked, since the guest's insmod could not."""
    unpack = UNPACKERS.get(source.suffix)
    if unpack is None:
        shutil.copyfile(source, target)
        return
    packed = target.with_name(target.name + source.suffix)
    shutil.copyfile(source, packed)
    await run((*unpack, str(packed)), deadline_s=60)
