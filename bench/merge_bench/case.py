"""What a case is, and the lines that most of them insert."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bench.merge_bench.forge import Forge
from bench.merge_bench.seed_files import SeedFile

GUARD: Final = "\tif (is_broken())\n\t\treturn -EINVAL;\n"
TRACE: Final = "\ttrace_here();\n"
NOTE: Final = "\tnote_here();\n"
MARK: Final = "\tmark_here();\n"
RETURN: Final = "\t\treturn ret;\n"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A merge, and what has to be said of it.

    Attributes:
        name: its name.
        make: makes it; returns the merge, and maybe another resolution.
        expected: as `summary` gives it, with names of the seed in braces.
    """

    name: str
    make: Callable[[Forge, SeedFile], Sequence[str]]
    expected: tuple[str, ...]

    def expected_of(self, seed: SeedFile) -> tuple[str, ...]:
        """Return what has to be said on a seed."""
        verdict, *lines = (line.format_map(seed.names) for line in self.expected)
        return verdict, *sorted(lines)


def sides(forge: Forge, seed: SeedFile, *texts: str, base: str | None = None) -> list[str]:
    """Return commits with these texts of the seed's file, on one merge base."""
    files = {**seed.files, seed.path: seed.text if base is None else base}
    root = forge.commit("main", None, files)
    return [
        forge.commit(f"side{number}", root, {seed.path: text}) for number, text in enumerate(texts)
    ]


def both(seed: SeedFile) -> tuple[str, str, str]:
    """Return the file on two sides that conflict in ``plain``, and as it is resolved right."""
    lines = (GUARD, TRACE, GUARD + TRACE)
    ours, theirs, result = (seed.in_plain(seed.text, seed.before_spot(o)) for o in lines)
    return ours, theirs, result
