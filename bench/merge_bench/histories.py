"""Cases of history: octopus, and criss-cross."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bench.merge_bench.case import GUARD, MARK, NOTE, RETURN, TRACE, Case, both, sides
from bench.merge_bench.forge import Forge
from bench.merge_bench.seed_files import SeedFile

EXTRA: Final = "\nint extra(void)\n{\n\treturn 0;\n}\n"


def _octopus(
    forge: Forge, seed: SeedFile, *, leak: bool = False, evil: bool = False
) -> Sequence[str]:
    """Each of three sides changes another function."""
    ours = seed.in_plain(seed.text, seed.before_spot(GUARD))
    last = seed.in_held(seed.text, (seed.leave, RETURN) if leak else seed.before_check(NOTE))
    one, three = sides(forge, seed, ours, last)
    two = forge.commit("extra", f"{one}^", {seed.other: seed.files[seed.other] + EXTRA})
    made = forge.merge([one, two, three], {})
    if evil:
        merged = (forge.path / seed.path).read_text()
        text = seed.in_plain(merged, (seed.last, MARK + seed.last))
        made = forge.merge([one, two, three], {seed.path: text})
    return [made]


def _octopus_conflicts(forge: Forge, seed: SeedFile, *, kept: bool) -> Sequence[str]:
    """The second parent conflicts with the first in one function, the third in another."""
    ours, theirs, result = both(seed)
    held = seed.before_check
    ours = seed.in_held(ours, held(NOTE))
    last = seed.in_held(seed.text, held(MARK))
    result = seed.in_held(result, held(NOTE + MARK if kept else NOTE))
    return [forge.merge(sides(forge, seed, ours, theirs, last), {seed.path: result})]


def _octopus_same_place(forge: Forge, seed: SeedFile) -> Sequence[str]:
    lines = (GUARD, TRACE, MARK, GUARD + TRACE + MARK)
    *texts, result = (seed.in_plain(seed.text, seed.before_spot(one)) for one in lines)
    return [forge.merge(sides(forge, seed, *texts), {seed.path: result})]


def _criss_cross(forge: Forge, seed: SeedFile) -> Sequence[str]:
    ours = seed.in_plain(seed.text, seed.before_spot(GUARD))
    theirs = seed.in_held(seed.text, seed.before_check(NOTE))
    result = seed.in_held(ours, seed.before_check(NOTE))
    left, right = _crossed(forge, seed, (ours, theirs), (result, result))
    text = seed.in_plain(result, ("-EINVAL", "-ERANGE"))
    left = forge.commit("left", left, {seed.path: text})
    text = seed.in_held(result, (NOTE, MARK))
    return [forge.merge([left, forge.commit("right", right, {seed.path: text})], {})]


def _criss_cross_same(forge: Forge, seed: SeedFile) -> Sequence[str]:
    """The bases conflict, and both sides resolved that alike."""
    ours, theirs, result = both(seed)
    left, right = _crossed(forge, seed, (ours, theirs), (result, result))
    text = seed.in_held(result, seed.before_check(MARK))
    left = forge.commit("left", left, {seed.path: text})
    extra = seed.files[seed.other] + EXTRA
    return [forge.merge([left, forge.commit("right", right, {seed.other: extra})], {})]


def _criss_cross_conflict(forge: Forge, seed: SeedFile, *, kept: bool) -> Sequence[str]:
    """The bases conflict, and each side resolved that in another order."""
    ours, theirs, one = both(seed)
    other = seed.in_plain(seed.text, seed.before_spot(TRACE + GUARD))
    marked = seed.in_held(one, seed.before_check(MARK))
    parents = _crossed(forge, seed, (ours, theirs), (marked, other))
    return [forge.merge(parents, {seed.path: marked if kept else other})]


def _criss_cross_leak(forge: Forge, seed: SeedFile) -> Sequence[str]:
    lines = (NOTE, TRACE, NOTE + TRACE, TRACE + NOTE)
    ours, theirs, one, other = (seed.in_held(seed.text, seed.before_check(each)) for each in lines)
    parents = _crossed(forge, seed, (ours, theirs), (one, other))
    leak = seed.in_held(one, (seed.leave, RETURN))
    return [forge.merge(parents, {seed.path: leak})]


def _crossed(
    forge: Forge, seed: SeedFile, before: tuple[str, str], after: tuple[str, str]
) -> list[str]:
    """Return two merges of the same two sides, with these texts."""
    ours, theirs = sides(forge, seed, *before)
    left = forge.merge([ours, theirs], {seed.path: after[0]})
    return [left, forge.merge([theirs, ours], {seed.path: after[1]})]


CASES: Final = (
    Case(
        name="octopus-clean",
        make=_octopus,
        expected=("innocent, exit 0",),
    ),
    Case(
        name="octopus-leak-came",
        make=lambda forge, seed: _octopus(forge, seed, leak=True),
        expected=(
            "innocent, exit 1",
            "{file} {held}: imbalance came theirs 2",
        ),
    ),
    Case(
        name="octopus-evil",
        make=lambda forge, seed: _octopus(forge, seed, evil=True),
        expected=(
            "innocent, exit 1",
            "{file} {plain}: no conflict, new-text",
        ),
    ),
    Case(
        name="octopus-two-conflicts",
        make=lambda forge, seed: _octopus_conflicts(forge, seed, kept=True),
        expected=(
            "innocent, exit 0",
            "{file} {held}: conflict, combined",
            "{file} {plain}: conflict, combined",
        ),
    ),
    Case(
        name="octopus-two-conflicts-drops",
        make=lambda forge, seed: _octopus_conflicts(forge, seed, kept=False),
        expected=(
            "guilty, exit 1",
            "{file} {held}: conflict, ours",
            "{file} {plain}: conflict, combined",
            "{file} {held}: drops theirs 2, conflict",
        ),
    ),
    Case(
        name="octopus-three-in-one-place",
        make=_octopus_same_place,
        expected=(
            "innocent, exit 0",
            "{file} {plain}: conflict, combined",
        ),
    ),
    Case(
        name="criss-cross",
        make=_criss_cross,
        expected=("innocent, exit 0",),
    ),
    Case(
        name="criss-cross-bases-conflict",
        make=_criss_cross_same,
        expected=("innocent, exit 0",),
    ),
    Case(
        name="criss-cross-all-conflict",
        make=lambda forge, seed: _criss_cross_conflict(forge, seed, kept=True),
        expected=(
            "innocent, exit 0",
            "{file} {plain}: conflict, ours",
        ),
    ),
    Case(
        name="criss-cross-all-conflict-drops",
        make=lambda forge, seed: _criss_cross_conflict(forge, seed, kept=False),
        expected=(
            "guilty, exit 1",
            "{file} {held}: no conflict, theirs",
            "{file} {plain}: conflict, theirs",
            "{file} {held}: drops ours, no conflict",
        ),
    ),
    Case(
        name="criss-cross-all-conflict-leaks",
        make=_criss_cross_leak,
        expected=(
            "guilty, exit 1",
            "{file} {held}: conflict, new-text",
            "{file} {held}: imbalance resolution",
        ),
    ),
)
