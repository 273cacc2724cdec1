"""Cases of what does not stay where it was: renames, moved functions, reverts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bench.merge_bench.case import GUARD, MARK, NOTE, RETURN, Case, both, sides
from bench.merge_bench.forge import Forge
from bench.merge_bench.seed_files import SeedFile, function


def _renames_file(forge: Forge, seed: SeedFile, *, kept: bool) -> Sequence[str]:
    ours, theirs, result = both(seed)
    path = f"{seed.path.rpartition('/')[0]}/renamed.c"
    (one,) = sides(forge, seed, ours)
    two = forge.commit("theirs", f"{one}^", {seed.path: None, path: theirs})
    return [forge.merge([one, two], {seed.path: None, path: result if kept else theirs})]


def _renames_function(forge: Forge, seed: SeedFile, *, conflict: bool, kept: bool) -> Sequence[str]:
    ours, traced, result = both(seed)
    theirs, resolved = (
        one.replace(f"{seed.plain}(", "renamed(")
        for one in ((traced, result) if conflict else (seed.text, ours))
    )
    text = resolved if kept else theirs
    return [forge.merge(sides(forge, seed, ours, theirs), {seed.path: text})]


def _moves_function(forge: Forge, seed: SeedFile, *, kept: bool) -> Sequence[str]:
    ours, _, _ = both(seed)
    moved, changed = (function(one, seed.plain) for one in (seed.text, ours))
    without, other = seed.text.replace(moved, ""), seed.files[seed.other]
    (one,) = sides(forge, seed, ours)
    two = forge.commit("theirs", f"{one}^", {seed.path: without, seed.other: f"{other}\n{moved}"})
    result = {seed.path: without, seed.other: f"{other}\n{changed if kept else moved}"}
    return [forge.merge([one, two], result)]


def _renames_file_with_leak(forge: Forge, seed: SeedFile) -> Sequence[str]:
    """Ours renames the file; theirs brings a leak."""
    ours, *rest = both(seed)
    theirs, result = (seed.in_held(one, (seed.leave, RETURN)) for one in rest)
    path = f"{seed.path.rpartition('/')[0]}/renamed.c"
    (two,) = sides(forge, seed, theirs)
    one = forge.commit("ours", f"{two}^", {seed.path: None, path: ours})
    return [forge.merge([one, two], {seed.path: None, path: result})]


def _renames_function_with_leak(forge: Forge, seed: SeedFile, *, fix: bool) -> Sequence[str]:
    """Ours renames ``held``; theirs brings a leak there, or mends one, and that fix is lost."""
    leak = seed.in_held(seed.text, (seed.leave, RETURN))
    base, theirs = (leak, seed.text) if fix else (seed.text, leak)
    ours, result = (one.replace(f"{seed.held}(", "renamed(") for one in (base, leak))
    return [forge.merge(sides(forge, seed, ours, theirs, base=base), {seed.path: result})]


def _renames_function_with_conflict(forge: Forge, seed: SeedFile) -> Sequence[str]:
    """Ours renames ``held``; theirs brings a leak there, and both edit it in one place."""
    leak = seed.in_held(seed.text, (seed.leave, RETURN))
    ours, theirs, result = (
        seed.in_held(text, seed.before_check(lines))
        for text, lines in ((seed.text, NOTE), (leak, MARK), (leak, NOTE + MARK))
    )
    ours, result = (one.replace(f"{seed.held}(", "renamed(") for one in (ours, result))
    return [forge.merge(sides(forge, seed, ours, theirs), {seed.path: result})]


def _moves_function_with_leak(forge: Forge, seed: SeedFile) -> Sequence[str]:
    """Ours moves ``held`` to the other file; theirs brings a leak there."""
    theirs = seed.in_held(seed.text, (seed.leave, RETURN))
    old, leak = (function(one, seed.held) for one in (seed.text, theirs))
    without, other = seed.text.replace(old, ""), seed.files[seed.other]
    (two,) = sides(forge, seed, theirs)
    one = forge.commit("ours", f"{two}^", {seed.path: without, seed.other: f"{other}\n{old}"})
    result = {seed.path: without, seed.other: f"{other}\n{leak}"}
    return [forge.merge([one, two], result)]


def _reverts(forge: Forge, seed: SeedFile, *, kept: bool) -> Sequence[str]:
    """Theirs takes back what ours builds on."""
    lines = (GUARD, GUARD + MARK, MARK)
    base, ours, result = (seed.in_plain(seed.text, seed.before_spot(one)) for one in lines)
    parents = sides(forge, seed, ours, seed.text, base=base)
    return [forge.merge(parents, {seed.path: result if kept else ours})]


def _reverts_fix(forge: Forge, seed: SeedFile) -> Sequence[str]:
    leave, behind = seed.leave, (RETURN, RETURN + NOTE)
    ours = seed.in_held(seed.text, (leave, leave + NOTE))
    theirs = seed.in_held(seed.text, (leave, RETURN))
    parents = sides(forge, seed, ours, theirs)
    return [forge.merge(parents, {seed.path: seed.in_held(theirs, behind)})]


CASES: Final = (
    Case(
        name="renamed-file",
        make=lambda forge, seed: _renames_file(forge, seed, kept=True),
        expected=(
            "innocent, exit 0",
            "renamed.c {plain}: conflict, combined",
        ),
    ),
    Case(
        name="renamed-file-drops",
        make=lambda forge, seed: _renames_file(forge, seed, kept=False),
        expected=(
            "guilty, exit 1",
            "renamed.c {plain}: conflict, theirs",
            "{file} {plain}: drops ours, conflict",
        ),
    ),
    Case(
        name="renamed-function-no-conflict",
        make=lambda forge, seed: _renames_function(forge, seed, conflict=False, kept=True),
        expected=("innocent, exit 0",),
    ),
    Case(
        name="renamed-function-no-conflict-drops",
        make=lambda forge, seed: _renames_function(forge, seed, conflict=False, kept=False),
        expected=(
            "guilty, exit 1",
            "{file} renamed: no conflict, theirs",
            "{file} {plain}: drops ours, no conflict",
        ),
    ),
    Case(
        name="renamed-function",
        make=lambda forge, seed: _renames_function(forge, seed, conflict=True, kept=True),
        expected=(
            "innocent, exit 0",
            "{file} renamed: conflict, combined",
        ),
    ),
    Case(
        name="renamed-function-drops",
        make=lambda forge, seed: _renames_function(forge, seed, conflict=True, kept=False),
        expected=(
            "guilty, exit 1",
            "{file} renamed: conflict, theirs",
            "{file} {plain}: drops ours, conflict",
        ),
    ),
    Case(
        name="moved-function",
        make=lambda forge, seed: _moves_function(forge, seed, kept=True),
        expected=(
            "innocent, exit 0",
            "{other} {plain}: conflict, ours",
        ),
    ),
    Case(
        name="moved-function-drops",
        make=lambda forge, seed: _moves_function(forge, seed, kept=False),
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
        make=lambda forge, seed: _renames_function_with_leak(forge, seed, fix=False),
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
        make=lambda forge, seed: _renames_function_with_leak(forge, seed, fix=True),
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
        make=lambda forge, seed: _reverts(forge, seed, kept=True),
        expected=(
            "innocent, exit 0",
            "{file} {plain}: conflict, combined",
        ),
    ),
    Case(
        name="revert-lost",
        make=lambda forge, seed: _reverts(forge, seed, kept=False),
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
