"""Bugs planted in Debian's fs/btrfs: the mail's, and five of other kinds in other files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from anyclue.model.scenario import Edit
from anyclue.model.verdict import Signature


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A bug.

    Attributes:
        name: what is lost.
        edit: the change that plants it; its file and function are the right answer.
        signature: what grows.
        detail: the slab cache that grows, where it is an object.
        guilty: mount options with which it shows, and not without them.
        innocent: options that were tried beside, and are innocent.
        files: so many make a leak above what a scenario is sensitive to (64 KiB a round).
    """

    name: str
    edit: Edit
    signature: Signature
    detail: str = ""
    guilty: frozenset[str] = frozenset()
    innocent: frozenset[str] = frozenset()
    files: int = 600


def _edit(file: str, function: str, find: str, replace: str = "") -> Edit:
    return Edit(file=f"fs/btrfs/{file}", function=function, find=find, replace=replace)


PLANTED: Final = (
    Planted(
        name="page reference",
        edit=_edit("lzo.c", "lzo_compress_pages", "if (page_in) put_page(page_in);"),
        signature=Signature.PAGE_CACHE_REFERENCE,
        guilty=frozenset({"compress=lzo"}),
        innocent=frozenset({"compress=zlib", "compress=zstd"}),
    ),
    Planted(
        name="raw page per extent",
        edit=_edit(
            "compression.c",
            "btrfs_compress_pages",
            "workspace = get_workspace(type, level);",
            "workspace = get_workspace(type, level);\n"
            "\tif (!alloc_page(GFP_NOFS))\n\t\treturn -ENOMEM;",
        ),
        signature=Signature.RAW_PAGES,
    ),
    Planted(
        name="kmalloc object",
        edit=_edit("file.c", "btrfs_buffered_write", "kfree(pages);"),
        signature=Signature.OBJECT,
        detail="kmalloc-64",
        files=2400,
    ),
    Planted(
        name="missed kunmap_local",
        # Of a page of the page cache, which is a high one: a low page has no mapping to lose.
        edit=_edit(
            "inode.c",
            "insert_inline_extent",
            "kunmap_local(kaddr); put_page(page);",
            "put_page(page);",
        ),
        signature=Signature.KMAP_SLOTS,
    ),
    Planted(
        name="inode reference",
        edit=_edit(
            "ordered-data.c",
            "btrfs_put_ordered_extent",
            "if (entry->inode) btrfs_add_delayed_iput(entry->inode);",
        ),
        signature=Signature.OBJECT,
        detail="btrfs_inode",
    ),
    Planted(
        name="extent map reference",
        edit=_edit("extent_io.c", "btrfs_do_readpage", "free_extent_map(em); em = NULL;"),
        signature=Signature.OBJECT,
        detail="btrfs_extent_map",
    ),
)
