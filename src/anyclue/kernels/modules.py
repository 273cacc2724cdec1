"""Which modules a guest loads, in which order."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from anyclue.system.processes import run

ROOTS = ("virtio_pci", "virtio_blk", "virtio_console", "loop", "overlay", "squashfs", "btrfs")
"""Modules to have with all that they depend on; those that are built in need none."""

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
            file = Path(path)
            if file.name not in order:
                order.append(file.name)
                shutil.copyfile(file, into / "modules" / file.name)
    under_test = next((name for name in order if name.split(".")[0] == UNDER_TEST), None)
    if under_test is not None:
        order.remove(under_test)
    layout = {"order": order, "under_test": under_test}
    (into / "modules.json").write_text(json.dumps(layout, indent=1))
