"""Cases of one conflict: resolved right, with something dropped, leaking, with new text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bench.merge_bench.case import GUARD, NOTE, RETURN, TRACE, Case, both, sides
from bench.merge_bench.forge import Forge
from bench.merge_bench.seed_files import SeedFile, function


def _clean(forge: Forge, seed: SeedFile) -> Sequence[str]:
    ours, theirs, result = both(seed)
    return [forge.merge(sides(forge, seed, ours, theirs), {seed.path: result})]


def _takes_theirs(forge: Forge, seed: SeedFile) -> Sequence[str]:
    ours, theirs, _ = both(seed)
    return [forge.merge(sides(forge, seed, ours, theirs), {seed.path: theirs})]


def _fix(forge: Forge, seed: SeedFile, *, kept: bool) -> Sequence[str]:
    """Ours mends an error path of the base, theirs adds a line right behind it."""
    behind = RETURN + NOTE
    base = seed.in_held(seed.text, (seed.leave, RETURN))
    theirs = seed.in_held(base, (RETURN, behind))
    fixed = seed.in_held(theirs, (behind, seed.leave + NOTE))
    parents = sides(forge, seed, seed.text, theirs, base=base)
    return [forge.merge(parents, {seed.path: fixed if kept else theirs})]


def _drops_fix_outside(forge: Forge, seed: SeedFile) -> Sequence[str]:
    fix = (seed.leave, RETURN)
    ours, *rest = both(seed)
    theirs, result = (seed.in_held(one, fix) for one in rest)
    base = seed.in_held(seed.text, fix)
    parents = sides(forge, seed, ours, theirs, base=base)
    return [forge.merge(parents, {seed.path: result})]


def _leaks(forge: Forge, seed: SeedFile) -> Sequence[str]:
    leaves = f"\tif (is_broken()) {{\n\t\tret = -EIO;\n{seed.leave}\t}}\n"
    returns = "\tif (is_broken())\n\t\treturn -EIO;\n"
    ours, theirs, result = (
        seed.in_held(seed.text, seed.before_check(one)) for one in (leaves, TRACE, TRACE + returns)
    )
    return [forge.merge(sides(forge, seed, ours, theirs), {seed.path: result})]


def _leaks_by_order(forge: Forge, seed: SeedFile) -> Sequence[str]:
    """Ours returns early before anything is held; the resolution puts that behind it."""
    ours, theirs = (
        seed.in_held(seed.text, (seed.alloc, one + seed.alloc)) for one in (GUARD, TRACE)
    )
    result = seed.in_held(theirs, seed.before_check(GUARD))
    return [forge.merge(sides(forge, seed, ours, theirs), {seed.path: result})]


def _leak_came(forge: Forge, seed: SeedFile) -> Sequence[str]:
    ours, *rest = both(seed)
    theirs, result = (seed.in_held(one, (seed.leave, RETURN)) for one in rest)
    return [forge.merge(sides(forge, seed, ours, theirs), {seed.path: result})]


def _new_text(forge: Forge, seed: SeedFile) -> Sequence[str]:
    ours, theirs, result = both(seed)
    evil = seed.in_plain(result, (seed.last, "\tfinish_later();\n" + seed.last))
    return [forge.merge(sides(forge, seed, ours, theirs), {seed.path: evil})]


def _new_text_outside(forge: Forge, seed: SeedFile) -> Sequence[str]:
    ours, theirs, result = both(seed)
    evil = seed.in_held(result, seed.before_check("\tcheck_more();\n"))
    return [forge.merge(sides(forge, seed, ours, theirs), {seed.path: evil})]


def _removes(forge: Forge, seed: SeedFile) -> Sequence[str]:
    ours, theirs, result = both(seed)
    without = result.replace(function(result, seed.plain), "")
    return [forge.merge(sides(forge, seed, ours, theirs), {seed.path: without})]


def _form(forge: Forge, seed: SeedFile) -> Sequence[str]:
    ours, theirs, result = both(seed)
    one, other = seed.declared
    form = seed.in_plain(
        seed.in_held(result, (one + other, other + one)),
        (GUARD, "\t/* It may be. */\n\tif ( is_broken() )\n\t\treturn\t-EINVAL;\n\n"),
    )
    parents = sides(forge, seed, ours, theirs)
    return [forge.merge(parents, {seed.path: text}) for text in (result, form)]


def _differs(forge: Forge, seed: SeedFile) -> Sequence[str]:
    ours, theirs, result = both(seed)
    parents = sides(forge, seed, ours, theirs)
    return [forge.merge(parents, {seed.path: text}) for text in (result, theirs)]


CASES: Final = (
    Case(
        name="clean",
        make=_clean,
        expected=("innocent, exit 0", "{file} {plain}: conflict, combined"),
    ),
    Case(
        name="takes-theirs",
        make=_takes_theirs,
        expected=(
            "guilty, exit 1",
            "{file} {plain}: conflict, theirs",
            "{file} {plain}: drops ours, conflict",
        ),
    ),
    Case(
        name="keeps-fix",
        make=lambda forge, seed: _fix(forge, seed, kept=True),
        expected=("innocent, exit 0", "{file} {held}: conflict, combined"),
    ),
    Case(
        name="drops-fix",
        make=lambda forge, seed: _fix(forge, seed, kept=False),
        expected=(
            "guilty, exit 1",
            "{file} {held}: conflict, theirs",
            "{file} {held}: drops ours, conflict",
            "{file} {held}: imbalance lost ours",
        ),
    ),
    Case(
        name="drops-fix-outside-conflict",
        make=_drops_fix_outside,
        expected=(
            "guilty, exit 1",
            "{file} {held}: no conflict, theirs",
            "{file} {plain}: conflict, combined",
            "{file} {held}: drops ours, no conflict",
            "{file} {held}: imbalance lost ours",
        ),
    ),
    Case(
        name="leaks",
        make=_leaks,
        expected=(
            "guilty, exit 1",
            "{file} {held}: conflict, new-text",
            "{file} {held}: drops ours, conflict",
            "{file} {held}: imbalance resolution",
        ),
    ),
    Case(
        name="leaks-by-order",
        make=_leaks_by_order,
        expected=(
            "guilty, exit 1",
            "{file} {held}: conflict, reordered",
            "{file} {held}: imbalance resolution",
        ),
    ),
    Case(
        name="leak-came",
        make=_leak_came,
        expected=(
            "innocent, exit 1",
            "{file} {plain}: conflict, combined",
            "{file} {held}: imbalance came theirs",
        ),
    ),
    Case(
        name="new-text",
        make=_new_text,
        expected=("innocent, exit 1", "{file} {plain}: conflict, new-text"),
    ),
    Case(
        name="new-text-outside-conflict",
        make=_new_text_outside,
        expected=(
            "innocent, exit 1",
            "{file} {held}: no conflict, new-text",
            "{file} {plain}: conflict, combined",
        ),
    ),
    Case(
        name="removes-function",
        make=_removes,
        expected=(
            "guilty, exit 1",
            "{file} {plain}: conflict, removed",
            "{file} {plain}: drops ours, conflict",
            "{file} {plain}: drops theirs, conflict",
        ),
    ),
    Case(
        name="other-in-form-only",
        make=_form,
        expected=(
            "innocent, exit 0",
            "{file} {plain}: conflict, combined",
            "beside {file} {held}: equivalent",
            "beside {file} {plain}: equivalent",
            "other innocent",
            "other {file} {held}: no conflict, combined",
            "other {file} {plain}: conflict, combined",
        ),
    ),
    Case(
        name="other-drops",
        make=_differs,
        expected=(
            "innocent, exit 0",
            "{file} {plain}: conflict, combined",
            "beside {file} {plain}: different",
            "other guilty",
            "other {file} {plain}: conflict, theirs",
            "other {file} {plain}: drops ours, conflict",
        ),
    ),
)
