"""Contracts against a tree: which calls it does not know, which names no contract knows."""

from __future__ import annotations

from pathlib import Path

from anyclue.review.pairs.contracts.coverage import ContractCoverage, TreeNames, coverage
from anyclue.review.pairs.contracts.model import Contracts
from anyclue.review.pairs.driver.sources import kernel_version, list_sources


def check_contracts(contracts: Contracts, tree: Path) -> ContractCoverage:
    """Return what contracts and the C sources below a directory know of each other.

    Raises:
        RequestError: the directory is not there, or holds no C source.
    """
    names = TreeNames()
    for path in list_sources(tree, [tree]):
        names.add(path, (tree / path).read_bytes())
    return coverage(contracts, names, kernel_version(tree))
