"""Cases of what does not stay where it was: renames, moved functions, reverts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bench.merge_bench.case import GUARD, MARK, NOTE, RETURN, Case, both, sides
from bench.merge_bench.forge import Forge
from bench.merge_bench.grounds import Ground, function


def _renames_file(forge: Forge, ground: Ground, *, kept: bool) -> Sequence[str]:
    ours, theirs, result = both(ground)
    path = f"{ground.path.rpartition('/')[0]}/renamed.c"
    (one,) = sides(forge, ground, ours)
    two = forge.commit("theirs", f"{one}^", {ground.path: None, path: theirs})
    return [forge.merge([one, two], {ground.path: None, path: result if kept else theirs})]


def _renames_function(forge: Forge, ground: Ground, *, conflict: bool, kept: bool) -> Sequence[str]:
    ours, traced, result = both(ground)
    theirs, resolved = (
        one.replace(f"{ground.plain}(", "renamed(")
        for one in ((traced, result) if conflict else (ground.text, ours))
    )
    text = resolved if kept else theirs
    return [forge.merge(sides(forge, ground, ours, theirs), {ground.path: text})]


def _moves_function(forge: Forge, ground: Ground, *, kept: bool) -> Sequence[str]:
    ours, _, _ = both(ground)
    moved, changed = (function(one, ground.plain) for one in (ground.text, ours))
    without, other = ground.text.replace(moved, ""), ground.files[ground.other]
    (one,) = sides(forge, ground, ours)
    two = forge.commit(
        "theirs", f"{one}^", {ground.path: without, ground.other: f"{other}\n{moved}"}
    )
    result = {ground.path: without, ground.other: f"{other}\n{changed if kept else moved}"}
    return [forge.merge([one, two], result)]


def _renames_file_with_leak(forge: Forge, ground: Ground) -> Sequence[str]:
    """Ours renames the file; theirs brings a leak."""
    ours, *rest = both(ground)
    theirs, result = (ground.in_held(one, (ground.leave, RETURN)) for one in rest)
    path = f"{ground.path.rpartition('/')[0]}/renamed.c"
    (two,) = sides(forge, ground, theirs)
    one = forge.commit("ours", f"{two}^", {ground.path: None, path: ours})
    return [forge.merge([one, two], {ground.path: None, path: result})]


def _renames_function_with_leak(forge: Forge, ground: Ground, *, fix: bool) -> Sequence[str]:
    """Ours renames ``held``; theirs brings a leak there, or mends one, and that fix is lost."""
    leak = ground.in_held(ground.text, (ground.leave, RETURN))
    base, theirs = (leak, ground.text) if fix else (ground.text, leak)
    ours, result = (one.replace(f"{ground.held}(", "renamed(") for one in (base, leak))
    return [forge.merge(sides(forge, ground, ours, theirs, base=base), {ground.path: result})]


def _renames_function_with_conflict(forge: Forge, ground: Ground) -> Sequence[str]:
    """Ours renames ``held``; theirs brings a leak there, and both edit it in one place."""
    leak = ground.in_held(ground.text, (ground.leave, RETURN))
    ours, theirs, result = (
        ground.in_held(text, ground.before_check(lines))
        for text, lines in ((ground.text, NOTE), (leak, MARK), (leak, NOTE + MARK))
    )
    ours, result = (one.replace(f"{ground.held}(", "renamed(") for one in (ours, result))
    return [forge.merge(sides(forge, ground, ours, theirs), {ground.path: result})]


def _moves_function_with_leak(forge: Forge, ground: Ground) -> Sequence[str]:
    """Ours moves ``held`` to the other file; theirs brings a leak there."""
    theirs = ground.in_held(ground.text, (ground.leave, RETURN))
    old, leak = (function(one, ground.held) for one in (ground.text, theirs))
    without, other = ground.text.replace(old, ""), ground.files[ground.other]
    (two,) = sides(forge, ground, theirs)
    one = forge.commit("ours", f"{two}^", {ground.path: without, ground.other: f"{other}\n{old}"})
    result = {ground.path: without, ground.other: f"{other}\n{leak}"}
    return [forge.merge([one, two], result)]


def _reverts(forge: Forge, ground: Ground, *, kept: bool) -> Sequence[str]:
    """Theirs takes back what ours builds on."""
    lines = (GUARD, GUARD + MARK, MARK)
    base, ours, result = (ground.in_plain(ground.text, ground.before_spot(one)) for one in lines)
    parents = sides(forge, ground, ours, ground.text, base=base)
    return [forge.merge(parents, {ground.path: result if kept else ours})]


def _reverts_fix(forge: Forge, ground: Ground) -> Sequence[str]:
    leave, behind = ground.leave, (RETURN, RETURN + NOTE)
    ours = ground.in_held(ground.text, (leave, leave + NOTE))
    theirs = ground.in_held(ground.text, (leave, RETURN))
    parents = sides(forge, ground, ours, theirs)
    return [forge.merge(parents, {ground.path: ground.in_held(theirs, behind)})]


CASES: Final = (
    Case(
        name="renamed-file",
        make=lambda forge, ground: _renames_file(forge, ground, kept=True),
        expected=(
            "innocent, exit 0",
            "renamed.c {plain}: conflict, combined",
        ),
    ),
    Case(
        name="renamed-file-drops",
        make=lambda forge, ground: _renames_file(forge, ground, kept=False),
        expected=(
            "guilty, exit 1",
            "renamed.c {plain}: conflict, theirs",
            "{file} {plain}: drops ours, conflict",
        ),
    ),
    Case(
        name="renamed-function-no-conflict",
        make=lambda forge, ground: _renames_function(forge, ground, conflict=False, kept=True),
        expected=("innocent, exit 0",),
    ),
    Case(
        name="renamed-function-no-conflict-drops",
        make=lambda forge, ground: _renames_function(forge, ground, conflict=False, kept=False),
        expected=(
            "guilty, exit 1",
            "{file} renamed: no conflict, theirs",
            "{file} {plain}: drops ours, no conflict",
        ),
    ),
    Case(
        name="renamed-function",
        make=lambda forge, ground: _renames_function(forge, ground, conflict=True, kept=True),
        expected=(
            "innocent, exit 0",
            "{file} renamed: conflict, combined",
        ),
    ),
    Case(
        name="renamed-function-drops",
        make=lambda forge, ground: _renames_function(forge, ground, conflict=True, kept=False),
        expected=(
            "guilty, exit 1",
            "{file} renamed: conflict, theirs",
            "{file} {plain}: drops ours, conflict",
        ),
    ),
    Case(
        name="moved-function",
        make=lambda forge, ground: _moves_function(forge, ground, kept=True),
        expected=(
            "innocent, exit 0",
            "{other} {plain}: conflict, ours",
        ),
    ),
    Case(
        name="moved-function-drops",
        make=lambda forge, ground: _moves_function(forge, ground, kept=False),
        expected=(
            "guilty, exit 1",
            "{other} {plain}: conflict, theirs",
            "{file} {plain}: drops ours, conflict",
        ),
    ),
    Case(
        name="renamed-file-leak-came",
        make=_renames_file_with_leak,
        expected=(
            "innocent, exit 1",
            "renamed.c {plain}: conflict, combined",
            "renamed.c {held}: imbalance came theirs",
        ),
    ),
    Case(
        name="renamed-function-leak-came",
        make=lambda forge, ground: _renames_function_with_leak(forge, ground, fix=False),
        expected=("innocent, exit 1", "{file} renamed: imbalance came theirs"),
    ),
    Case(
        name="renamed-function-conflict-leak-came",
        make=_renames_function_with_conflict,
        expected=(
            "innocent, exit 1",
            "{file} renamed: conflict, combined",
            "{file} renamed: imbalance came theirs",
        ),
    ),
    Case(
        name="renamed-function-loses-fix",
        make=lambda forge, ground: _renames_function_with_leak(forge, ground, fix=True),
        expected=(
            "guilty, exit 1",
            "{file} renamed: no conflict, ours",
            "{file} {held}: drops theirs, no conflict",
            "{file} {held}: imbalance lost theirs",
        ),
    ),
    Case(
        name="moved-function-leak-came",
        make=_moves_function_with_leak,
        expected=(
            "innocent, exit 1",
            "{other} {held}: conflict, theirs",
            "{other} {held}: imbalance came theirs",
        ),
    ),
    Case(
        name="revert",
        make=lambda forge, ground: _reverts(forge, ground, kept=True),
        expected=(
            "innocent, exit 0",
            "{file} {plain}: conflict, combined",
        ),
    ),
    Case(
        name="revert-lost",
        make=lambda forge, ground: _reverts(forge, ground, kept=False),
        expected=(
            "guilty, exit 1",
            "{file} {plain}: conflict, ours",
            "{file} {plain}: drops theirs, conflict",
        ),
    ),
    Case(
        name="revert-of-fix-came",
        make=_reverts_fix,
        expected=(
            "innocent, exit 1",
            "{file} {held}: conflict, combined",
            "{file} {held}: imbalance came theirs",
        ),
    ),
)
