"""All cases, and what the review says of one."""

from __future__ import annotations

from typing import Final

from bench.merge_bench import basics, histories, mail, moved_functions, pairings
from bench.merge_bench.case import Case
from bench.merge_bench.forge import Forge
from bench.merge_bench.seed_files import SeedFile
from bench.merge_bench.summary import summary

CASES: Final[tuple[Case, ...]] = (
    *basics.CASES,
    *pairings.CASES,
    *histories.CASES,
    *moved_functions.CASES,
    *mail.CASES,
)


def got(forge: Forge, case: Case, seed: SeedFile) -> tuple[str, ...]:
    """Make a case's merge in an empty repository; return what is said of it."""
    rev, *others = case.make(forge, seed)
    return summary(forge.review(rev, *others))
