"""Cases of one conflict: resolved right, with something dropped, leaking, with new text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bench.merge_bench.case import GUARD, NOTE, RETURN, TRACE, Case, both, sides
from bench.merge_bench.forge import Forge
from bench.merge_bench.grounds import Ground, function


def _clean(forge: Forge, ground: Ground) -> Sequence[str]:
    ours, theirs, result = both(ground)
    return [forge.merge(sides(forge, ground, ours, theirs), {ground.path: result})]


def _takes_theirs(forge: Forge, ground: Ground) -> Sequence[str]:
    ours, theirs, _ = both(ground)
    return [forge.merge(sides(forge, ground, ours, theirs), {ground.path: theirs})]


def _fix(forge: Forge, ground: Ground, *, kept: bool) -> Sequence[str]:
    """Ours mends an error path of the base, theirs adds a line right behind it."""
    behind = RETURN + NOTE
    base = ground.in_held(ground.text, (ground.leave, RETURN))
    theirs = ground.in_held(base, (RETURN, behind))
    fixed = ground.in_held(theirs, (behind, ground.leave + NOTE))
    parents = sides(forge, ground, ground.text, theirs, base=base)
    return [forge.merge(parents, {ground.path: fixed if kept else theirs})]


def _drops_fix_outside(forge: Forge, ground: Ground) -> Sequence[str]:
    fix = (ground.leave, RETURN)
    ours, *rest = both(ground)
    theirs, result = (ground.in_held(one, fix) for one in rest)
    base = ground.in_held(ground.text, fix)
    parents = sides(forge, ground, ours, theirs, base=base)
    return [forge.merge(parents, {ground.path: result})]


def _leaks(forge: Forge, ground: Ground) -> Sequence[str]:
    leaves = f"\tif (is_broken()) {{\n\t\tret = -EIO;\n{ground.leave}\t}}\n"
    returns = "\tif (is_broken())\n\t\treturn -EIO;\n"
    ours, theirs, result = (
        ground.in_held(ground.text, ground.before_check(one))
        for one in (leaves, TRACE, TRACE + returns)
    )
    return [forge.merge(sides(forge, ground, ours, theirs), {ground.path: result})]


def _leaks_by_order(forge: Forge, ground: Ground) -> Sequence[str]:
    """Ours returns early before anything is held; the resolution puts that behind it."""
    ours, theirs = (
        ground.in_held(ground.text, (ground.alloc, one + ground.alloc)) for one in (GUARD, TRACE)
    )
    result = ground.in_held(theirs, ground.before_check(GUARD))
    return [forge.merge(sides(forge, ground, ours, theirs), {ground.path: result})]


def _leak_came(forge: Forge, ground: Ground) -> Sequence[str]:
    ours, *rest = both(ground)
    theirs, result = (ground.in_held(one, (ground.leave, RETURN)) for one in rest)
    return [forge.merge(sides(forge, ground, ours, theirs), {ground.path: result})]


def _new_text(forge: Forge, ground: Ground) -> Sequence[str]:
    ours, theirs, result = both(ground)
    evil = ground.in_plain(result, (ground.last, "\tfinish_later();\n" + ground.last))
    return [forge.merge(sides(forge, ground, ours, theirs), {ground.path: evil})]


def _new_text_outside(forge: Forge, ground: Ground) -> Sequence[str]:
    ours, theirs, result = both(ground)
    evil = ground.in_held(result, ground.before_check("\tcheck_more();\n"))
    return [forge.merge(sides(forge, ground, ours, theirs), {ground.path: evil})]


def _removes(forge: Forge, ground: Ground) -> Sequence[str]:
    ours, theirs, result = both(ground)
    without = result.replace(function(result, ground.plain), "")
    return [forge.merge(sides(forge, ground, ours, theirs), {ground.path: without})]


def _form(forge: Forge, ground: Ground) -> Sequence[str]:
    ours, theirs, result = both(ground)
    one, other = ground.declared
    form = ground.in_plain(
        ground.in_held(result, (one + other, other + one)),
        (GUARD, "\t/* It may be. */\n\tif ( is_broken() )\n\t\treturn\t-EINVAL;\n\n"),
    )
    parents = sides(forge, ground, ours, theirs)
    return [forge.merge(parents, {ground.path: text}) for text in (result, form)]


def _differs(forge: Forge, ground: Ground) -> Sequence[str]:
    ours, theirs, result = both(ground)
    parents = sides(forge, ground, ours, theirs)
    return [forge.merge(parents, {ground.path: text}) for text in (result, theirs)]


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
        make=lambda forge, ground: _fix(forge, ground, kept=True),
        expected=("innocent, exit 0", "{file} {held}: conflict, combined"),
    ),
    Case(
        name="drops-fix",
        make=lambda forge, ground: _fix(forge, ground, kept=False),
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
