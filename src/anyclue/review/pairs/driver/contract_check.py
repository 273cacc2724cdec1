"""Contracts against a tree: which calls it does not know, which names no contract knows."""

from __future__ import annotations

from pathlib import Path

from anyclue.model.errors import RequestError
from anyclue.review.pairs.contracts.coverage import ContractCoverage, TreeNames, coverage
from anyclue.review.pairs.contracts.model import Contracts
from anyclue.review.pairs.driver.sources import kernel_version, list_sources


def check_contracts(contracts: Contracts, tree: Path) -> ContractCoverage:
    """Return what contracts and the C sources below a directory know of each other.

    Raises:
        RequestError: the directory is not there, holds no C source, or is of no kernel's tree.
    """
    names = TreeNames()
    for path in list_sources(tree, [tree]):
        names.add(path, (tree / path).read_bytes())
    version = kernel_version(tree)
    if version is None:
        raise RequestError.of(
            "is in no kernel's source tree: no Makefile there, or above, tells a version",
            where=str(tree),
            next_step="name the tree of a kernel, or a directory in it",
        )
    return coverage(contracts, names, version)
