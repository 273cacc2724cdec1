"""Cases of history: octopus, and criss-cross."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bench.merge_bench.case import GUARD, MARK, NOTE, RETURN, TRACE, Case, both, sides
from bench.merge_bench.forge import Forge
from bench.merge_bench.grounds import Ground

EXTRA: Final = "\nint extra(void)\n{\n\treturn 0;\n}\n"


def _octopus(
    forge: Forge, ground: Ground, *, leak: bool = False, evil: bool = False
) -> Sequence[str]:
    """Each of three sides changes another function."""
    ours = ground.in_plain(ground.text, ground.before_spot(GUARD))
    last = ground.in_held(
        ground.text, (ground.leave, RETURN) if leak else ground.before_check(NOTE)
    )
    one, three = sides(forge, ground, ours, last)
    two = forge.commit("extra", f"{one}^", {ground.other: ground.files[ground.other] + EXTRA})
    made = forge.merge([one, two, three], {})
    if evil:
        merged = (forge.path / ground.path).read_text()
        text = ground.in_plain(merged, (ground.last, MARK + ground.last))
        made = forge.merge([one, two, three], {ground.path: text})
    return [made]


def _octopus_conflicts(forge: Forge, ground: Ground, *, kept: bool) -> Sequence[str]:
    """The second parent conflicts with the first in one function, the third in another."""
    ours, theirs, result = both(ground)
    held = ground.before_check
    ours = ground.in_held(ours, held(NOTE))
    last = ground.in_held(ground.text, held(MARK))
    result = ground.in_held(result, held(NOTE + MARK if kept else NOTE))
    return [forge.merge(sides(forge, ground, ours, theirs, last), {ground.path: result})]


def _octopus_same_place(forge: Forge, ground: Ground) -> Sequence[str]:
    lines = (GUARD, TRACE, MARK, GUARD + TRACE + MARK)
    *texts, result = (ground.in_plain(ground.text, ground.before_spot(one)) for one in lines)
    return [forge.merge(sides(forge, ground, *texts), {ground.path: result})]


def _criss_cross(forge: Forge, ground: Ground) -> Sequence[str]:
    ours = ground.in_plain(ground.text, ground.before_spot(GUARD))
    theirs = ground.in_held(ground.text, ground.before_check(NOTE))
    result = ground.in_held(ours, ground.before_check(NOTE))
    left, right = _crossed(forge, ground, (ours, theirs), (result, result))
    text = ground.in_plain(result, ("-EINVAL", "-ERANGE"))
    left = forge.commit("left", left, {ground.path: text})
    text = ground.in_held(result, (NOTE, MARK))
    return [forge.merge([left, forge.commit("right", right, {ground.path: text})], {})]


def _criss_cross_same(forge: Forge, ground: Ground) -> Sequence[str]:
    """The bases conflict, and both sides resolved that alike."""
    ours, theirs, result = both(ground)
    left, right = _crossed(forge, ground, (ours, theirs), (result, result))
    text = ground.in_held(result, ground.before_check(MARK))
    left = forge.commit("left", left, {ground.path: text})
    extra = ground.files[ground.other] + EXTRA
    return [forge.merge([left, forge.commit("right", right, {ground.other: extra})], {})]


def _criss_cross_conflict(forge: Forge, ground: Ground, *, kept: bool) -> Sequence[str]:
    """The bases conflict, and each side resolved that in another order."""
    ours, theirs, one = both(ground)
    other = ground.in_plain(ground.text, ground.before_spot(TRACE + GUARD))
    marked = ground.in_held(one, ground.before_check(MARK))
    parents = _crossed(forge, ground, (ours, theirs), (marked, other))
    return [forge.merge(parents, {ground.path: marked if kept else other})]


def _criss_cross_leak(forge: Forge, ground: Ground) -> Sequence[str]:
    lines = (NOTE, TRACE, NOTE + TRACE, TRACE + NOTE)
    ours, theirs, one, other = (
        ground.in_held(ground.text, ground.before_check(each)) for each in lines
    )
    parents = _crossed(forge, ground, (ours, theirs), (one, other))
    leak = ground.in_held(one, (ground.leave, RETURN))
    return [forge.merge(parents, {ground.path: leak})]


def _crossed(
    forge: Forge, ground: Ground, before: tuple[str, str], after: tuple[str, str]
) -> list[str]:
    """Return two merges of the same two sides, with these texts."""
    ours, theirs = sides(forge, ground, *before)
    left = forge.merge([ours, theirs], {ground.path: after[0]})
    return [left, forge.merge([theirs, ours], {ground.path: after[1]})]


CASES: Final = (
    Case(
        name="octopus-clean",
        make=_octopus,
        expected=("innocent, exit 0",),
    ),
    Case(
        name="octopus-leak-came",
        make=lambda forge, ground: _octopus(forge, ground, leak=True),
        expected=(
            "innocent, exit 1",
            "{file} {held}: imbalance came theirs 2",
        ),
    ),
    Case(
        name="octopus-evil",
        make=lambda forge, ground: _octopus(forge, ground, evil=True),
        expected=(
            "innocent, exit 1",
            "{file} {plain}: no conflict, new-text",
        ),
    ),
    Case(
        name="octopus-two-conflicts",
        make=lambda forge, ground: _octopus_conflicts(forge, ground, kept=True),
        expected=(
            "innocent, exit 0",
            "{file} {held}: conflict, combined",
            "{file} {plain}: conflict, combined",
        ),
    ),
    Case(
        name="octopus-two-conflicts-drops",
        make=lambda forge, ground: _octopus_conflicts(forge, ground, kept=False),
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
        make=lambda forge, ground: _criss_cross_conflict(forge, ground, kept=True),
        expected=(
            "innocent, exit 0",
            "{file} {plain}: conflict, ours",
        ),
    ),
    Case(
        name="criss-cross-all-conflict-drops",
        make=lambda forge, ground: _criss_cross_conflict(forge, ground, kept=False),
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
