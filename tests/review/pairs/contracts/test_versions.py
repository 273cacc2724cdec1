"""Contracts by version: the tree's Makefile tells what counts."""

from __future__ import annotations

import pytest

from anyclue.review.pairs.contracts.model import Contracts, KernelVersion
from anyclue.review.pairs.contracts.read import built_in, read
from anyclue.review.pairs.contracts.versions import entries, for_version, version_of

TABLE = """
[[pair]]
name = "gizmo"
title = "gizmo"
kind = "handle"
acquire = [
  { call = "gizmo_open", holds = "*$1", fails = "nonzero", until = "6.16.3", exact = true },
  { call = "gizmo_open", holds = "$ret", since = "6.17", exact = true },
]
release = [{ call = "gizmo_close", takes = "$0" }]
consume = [{ call = "gizmo_give", takes = "$0", since = "6.9", exact = true }]

[[pair]]
name = "gadget"
title = "gadget"
kind = "lock"
since = "6.8"
until = "6.12"
exact = true
acquire = [{ call = "gadget_lock", holds = "$0" }]
release = [{ call = "gadget_unlock", takes = "$0" }]

[[guard]]
name = "gadget"
pair = "gadget"
holds = "$0"
"""


@pytest.mark.parametrize(
    ("makefile", "version"),
    [
        (b"# SPDX\nVERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 0\n", (6, 12)),
        (b"VERSION=7\nPATCHLEVEL\t=\t3\nNAME = Baby\n", (7, 3)),
        (b"VERSION = 1.2\nPATCHLEVEL = 3\n", None),
        (b"VERSION = 6\n", None),
        (b"\tVERSION = 6\n\tPATCHLEVEL = 1\n", None),
        (b"VERSION = " + b"9" * 5000 + b"\nPATCHLEVEL = 1\n", None),
        (b"", None),
    ],
)
def test_the_version_is_what_the_kernels_makefile_says(
    makefile: bytes, version: KernelVersion | None
) -> None:
    assert version_of(makefile) == version


@pytest.mark.parametrize(
    ("version", "holds", "consumes", "gadget"),
    [
        ((6, 1), ["*$1"], False, False),
        ((6, 8), ["*$1"], False, True),
        ((6, 9), ["*$1"], True, True),
        ((6, 12), ["*$1"], True, True),
        ((6, 16), ["*$1"], True, False),
        ((6, 17), ["$ret"], True, False),
        ((7, 3), ["$ret"], True, False),
        (None, ["*$1", "$ret"], True, True),
    ],
)
def test_only_what_a_version_has_counts(
    version: KernelVersion | None, holds: list[str], consumes: bool, gadget: bool
) -> None:
    contracts = for_version(read({"x": TABLE}, Contracts()), version)
    opened = contracts.acquires_by_call["gizmo_open"]
    assert [entry.holds.text for _, entry in opened] == holds
    assert ("gizmo_give" in contracts.consumes_by_call) is consumes
    assert ("gadget_lock" in contracts.acquires_by_call) is gadget
    assert [guard.name for guard in contracts.guards] == ["gadget"] * gadget


def test_what_is_not_exact_may_have_come_with_a_backport() -> None:
    contracts = read(
        {"x": TABLE.replace(", exact = true", "").replace("exact = true\n", "")}, Contracts()
    )
    for version in ((6, 1), (7, 3)):
        assert for_version(contracts, version) == contracts


def test_entries_say_whether_a_version_should_have_them() -> None:
    contracts = read({"x": TABLE}, Contracts())
    listed = [(pair.name, entry.call, counts) for pair, entry, counts in entries(contracts, (7, 3))]
    assert listed == [
        ("gadget", "gadget_lock", False),
        ("gadget", "gadget_unlock", False),
        ("gizmo", "gizmo_open", False),
        ("gizmo", "gizmo_open", True),
        ("gizmo", "gizmo_close", True),
        ("gizmo", "gizmo_give", True),
    ]


@pytest.mark.parametrize("version", [(6, 1), (6, 12), (7, 3)])
def test_built_in_pairs_can_be_acquired_and_released_in_every_version(
    version: KernelVersion,
) -> None:
    for pair in for_version(built_in(), version).pairs:
        assert pair.acquire, pair.name
        assert pair.release, pair.name


@pytest.mark.parametrize(
    ("version", "pair"),
    [((6, 1), "btrfs-extent-map"), ((6, 7), "btrfs-extent-map"), ((6, 8), "btrfs-chunk-map")],
)
def test_a_chunk_was_an_extent_map(version: KernelVersion, pair: str) -> None:
    acquired = for_version(built_in(), version).acquires_by_call["btrfs_get_chunk_map"]
    assert [one.name for one, _ in acquired] == [pair]
