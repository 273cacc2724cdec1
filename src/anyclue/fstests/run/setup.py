"""Make beforehand what a hunt with fstests needs: the built tree and the guests' root."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from anyclue.fstests.run.build import IMAGE, build_suite, read_tree
from anyclue.model.scenario import Arch
from anyclue.trial.context import Context


async def set_up_fstests(
    directory: Path, arches: Sequence[Arch], context: Context
) -> dict[Arch, Path]:
    """Return the image of the built tree for each architecture; the cache keeps them.

    Raises:
        RequestError: ``directory`` is no checkout of fstests.
        CommandError: it does not build.
    """
    tree = read_tree(directory)
    images = {}
    for arch in dict.fromkeys(arches):
        built = await build_suite(context.store, context.apt, tree, arch)
        await context.images.root(arch)
        images[arch] = built.file(IMAGE)
    return images
