"""Which kind of memory stays behind when a release of a pair is lost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from anyclue.model.verdict import Signature

_PAGES: Final = frozenset({Signature.PAGE_CACHE_REFERENCE, Signature.RAW_PAGES})
_RAW: Final = frozenset({Signature.RAW_PAGES})
_OBJECT: Final = frozenset({Signature.OBJECT})
_VMALLOC: Final = frozenset({Signature.VMALLOC})
_KMAP: Final = frozenset({Signature.KMAP_SLOTS})

OF_PAIR: Final[Mapping[str, frozenset[Signature]]] = MappingProxyType(
    {
        "page-reference": _PAGES,
        "folio-reference": _PAGES,
        "f2fs-page": frozenset({Signature.PAGE_CACHE_REFERENCE}),
        "f2fs-folio": frozenset({Signature.PAGE_CACHE_REFERENCE}),
        "btrfs-disk-super": frozenset({Signature.PAGE_CACHE_REFERENCE}),
        "buffer-head": frozenset({Signature.PAGE_CACHE_REFERENCE, Signature.OBJECT}),
        # Its pages stay in a page cache, and leave it with the file system's inode.
        "btrfs-extent-buffer": _PAGES | _OBJECT,
        "free-pages-address": _RAW,
        "exact-pages": _RAW,
        "fscrypt-bounce-page": _RAW,
        "kv-memory": _OBJECT | _VMALLOC,
        "vmalloc-memory": _VMALLOC,
        "vmap": _VMALLOC,
        "vm-map-ram": _VMALLOC,
        "percpu-memory": frozenset({Signature.PERCPU}),
        "percpu-reference": frozenset({Signature.PERCPU, Signature.OBJECT}),
        "kmap": _KMAP,
        "kmap-atomic": _KMAP,
        "kmap-local": _KMAP,
        "workqueue": frozenset({Signature.KERNEL_STACKS, Signature.OBJECT}),
    }
)
OF_KIND: Final[Mapping[str, frozenset[Signature]]] = MappingProxyType(
    {
        "reference": _OBJECT,
        "memory": _OBJECT,
        "handle": _OBJECT,
        "mapping": _VMALLOC | _KMAP,
        "lock": frozenset(),
        "access": frozenset(),
        "count": frozenset(),
    }
)
"""For pairs that are not listed: what holds an object keeps it from being freed."""

_ALLOCATES: Final = re.compile(r"_*(?:dev_)?(?:alloc_pages?|folio_alloc|alloc_pages?_\w+)")
_WORD: Final = re.compile(r"[a-z0-9]+")


def left_behind(pair: str, kind: str, call: str = "") -> frozenset[Signature]:
    """Return what stays when the release of a pair is lost; nothing, of a lock.

    Args:
        pair: its name.
        kind: its kind, as contracts have it.
        call: the call that acquired it: a page that was allocated is in no file.
    """
    found = OF_PAIR.get(pair, OF_KIND.get(kind, frozenset()))
    if found == _PAGES and call:
        return _RAW if _ALLOCATES.fullmatch(call) else found - _RAW
    return found


def named_like(cache: str, pair: str) -> bool:
    """Return whether a slab cache is named like a pair: ``btrfs_inode``, ``inode-reference``."""
    if cache.startswith("kmalloc"):
        return pair in ("slab-memory", "kv-memory")
    words = set(_WORD.findall(pair.lower())) - {"reference", "lock", "memory", "slab", "object"}
    words -= {"btrfs", "ext4", "xfs", "f2fs", "nfs"}
    return bool(words) and words <= set(_WORD.findall(cache.lower()))
