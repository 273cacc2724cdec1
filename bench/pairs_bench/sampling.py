"""A seeded sample of mutations, spread evenly over trees and kinds; its two halves."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import tree_sitter_c
from bench.pairs_bench.mutations import Kind, Mutation, Origin, mutations
from bench.pairs_bench.reading import ENCODING, Source
from tree_sitter import Language, Node, Parser

from anyclue.review.pairs.contracts.model import Contracts

TREES = ("fs/btrfs", "fs/ext4", "fs/xfs", "fs/f2fs", "fs/nfs", "mm")
TUNE, REPORT = "tune", "report"
# At least this much of every cell was acquired by the function itself, where there is as much.
LOCAL_SHARE = 0.75
_HUNK = re.compile(r"^@@ -(\d+)(,\d+)? \+(\d+)(,\d+)? @@", re.MULTILINE)
_parser = Parser(Language(tree_sitter_c.language()))


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A mutation that was drawn."""

    id: str
    tree: str
    half: str
    mutation: Mutation

    @property
    def first_line(self) -> int:
        """The function's first line, the same with and without the mutation."""
        return self.mutation.source.line(self.mutation.function.start)

    @property
    def last_line(self) -> int:
        """The function's last line, with the mutation in it."""
        return self.first_line + self.mutation.after.count("\n")

    @property
    def diff(self) -> str:
        """The mutation as a unified diff."""
        path, offset = self.mutation.source.path, self.first_line - 1

        def shifted(match: re.Match[str]) -> str:
            old, new = int(match[1]) + offset, int(match[3]) + offset
            return f"@@ -{old}{match[2] or ''} +{new}{match[4] or ''} @@"

        lines = difflib.unified_diff(
            f"{self.mutation.before}\n".splitlines(keepends=True),
            f"{self.mutation.after}\n".splitlines(keepends=True),
            f"a/{path}",
            f"b/{path}",
        )
        return _HUNK.sub(shifted, "".join(lines))


def candidates(root: Path, tree: str, contracts: Contracts) -> list[Mutation]:
    """Return every mutation of the C files below ``root/tree``."""
    found: list[Mutation] = []
    for file in sorted((root / tree).rglob("*.c")):
        source = Source.read(root, str(file.relative_to(root)))
        for function in source.functions:
            found += mutations(source, function, contracts)
    return found


def sample(found: Mapping[str, Sequence[Mutation]], wanted: int, seed: int) -> tuple[Mutant, ...]:
    """Draw ``wanted`` mutations (fewer when there are not so many) from those of each tree.

    What is drawn, and a function's half, hang on the seed and the text of the function: a change
    of the contracts brings new mutants in, and leaves the others in their halves.
    """
    drawn: list[Mutant] = []
    for number, (tree, pool) in enumerate(found.items()):
        rest = wanted * (number + 1) // len(found) - wanted * number // len(found)
        ordered = sorted(pool, key=lambda mutation: _digest(mutation, seed))
        cells = {
            (kind, half): [m for m in ordered if m.kind is kind and half_of(m, seed) == half]
            for kind in Kind
            for half in (TUNE, REPORT)
        }
        # The scarcest first: what it lacks, the others make up for.
        seen: set[object] = set()
        for done, cell in enumerate(sorted(cells, key=lambda cell: len(cells[cell]))):
            picked = _pick(cells[cell], rest // (len(cells) - done), seen)
            rest -= len(picked)
            drawn += (
                Mutant(id=_name(tree, mutation, seed), tree=tree, half=cell[1], mutation=mutation)
                for mutation in picked
            )
    return tuple(sorted(drawn, key=lambda mutant: (mutant.tree, mutant.mutation.kind, mutant.id)))


def half_of(mutation: Mutation, seed: int) -> str:
    """Return the half of a mutation's function, the same for all of its mutations."""
    text = f"{seed} {mutation.source.path} {mutation.function.name}"
    return (TUNE, REPORT)[hashlib.sha256(text.encode()).digest()[0] % 2]


def _digest(mutation: Mutation, seed: int) -> str:
    places = [(edit.start - mutation.function.start, edit.text) for edit in mutation.edits]
    text = f"{seed} {mutation.source.path} {mutation.function.name} {mutation.kind} {places}"
    return hashlib.sha256(text.encode()).hexdigest()


def _name(tree: str, mutation: Mutation, seed: int) -> str:
    return f"{tree.rpartition('/')[2]}-{mutation.function.name}-{_digest(mutation, seed)[:8]}"


def _pick(pool: Sequence[Mutation], wanted: int, seen: set[object]) -> list[Mutation]:
    """Pick mutations, of functions not picked from yet while there are any."""
    by_origin = {
        origin: sorted(
            (m for m in pool if m.origin is origin),
            key=lambda m: (m.source.path, m.function.start) in seen,
        )
        for origin in Origin
    }
    local = _take(by_origin[Origin.LOCAL], wanted, seen)
    handed_wanted = round(min(wanted, len(local) / LOCAL_SHARE) * (1 - LOCAL_SHARE))
    handed = _take(by_origin[Origin.HANDED], handed_wanted, seen)
    picked = [*local[: wanted - len(handed)], *handed]
    for mutation in picked:
        seen |= {(mutation.source.path, mutation.function.start), _identity(mutation)}
    return picked


def _take(pool: Sequence[Mutation], wanted: int, seen: set[object]) -> list[Mutation]:
    taken: dict[object, Mutation] = {}
    functions = set()
    for again in (False, True):
        for mutation in pool:
            function = (mutation.source.path, mutation.function.start)
            identity = _identity(mutation)
            if len(taken) == wanted or identity in seen or identity in taken:
                continue
            if (again or function not in functions) and parses(mutation):
                functions.add(function)
                taken[identity] = mutation
    return list(taken.values())


def _identity(mutation: Mutation) -> object:
    return (mutation.source.path, mutation.edits)


def parses(mutation: Mutation) -> bool:
    """Whether the mutation adds nothing that the parser stumbles over."""
    return errors(mutation.after) <= errors(mutation.before)


def errors(text: str) -> int:
    """Return how many error nodes a parse of ``text`` has."""
    return _errors(_parser.parse(text.encode(ENCODING)).root_node)


def _errors(node: Node) -> int:
    if not node.has_error:
        return 0
    own = int(node.is_error or node.is_missing)
    return own + sum(_errors(child) for child in node.children)
