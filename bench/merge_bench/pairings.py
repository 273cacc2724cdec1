"""Cases of releases: lost, doubled, and broken by a merge that nobody had to resolve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bench.merge_bench.case import GUARD, NOTE, RETURN, TRACE, Case, sides
from bench.merge_bench.forge import Forge
from bench.merge_bench.grounds import Ground, edited

KEPT: Final = "\tvoid *kept = kmalloc(8, GFP_KERNEL);\n"
FREED: Final = "\tkfree(kept);\n"


def _breaks_through_helper(forge: Forge, ground: Ground, *, header: bool) -> Sequence[str]:
    """Ours moves a release from a helper to its caller, theirs calls that helper in one more."""
    kind, name = ground.taken
    calls = f"\tdone_with({name});\n"
    helper = f"void done_with({kind} *{name})\n{{\n\ttrace_done({name});\n{ground.release}}}\n"
    caller = f"\nvoid close_it({kind} *{name})\n{{\n{calls}}}\n"
    other = ground.files[ground.other]
    path = f"{ground.path.rpartition('/')[0]}/helper.h"
    before = (
        {path: f"static inline {helper}", ground.other: other + caller}
        if header
        else {ground.other: f"{other}\n{helper}{caller}"}
    )
    home = path if header else ground.other
    after = before | {home: edited(before[home], "done_with", (ground.release, ""))}
    called = (calls, calls + ground.release)
    after[ground.other] = edited(after[ground.other], "close_it", called)
    root = forge.commit("main", None, {**ground.files, **before})
    ours = forge.commit("ours", root, after)
    uses = ground.in_held(ground.text, (ground.release, calls))
    return [forge.merge([ours, forge.commit("theirs", root, {ground.path: uses})], {})]


def _breaks_in_one_function(forge: Forge, ground: Ground) -> Sequence[str]:
    """Ours acquires in the beginning and releases in the end, theirs returns between."""
    ours = ground.in_plain(
        ground.text,
        (ground.first, KEPT + ground.first),
        (ground.last, FREED + ground.last),
    )
    theirs = ground.in_plain(ground.text, ground.before_spot(GUARD))
    return [forge.merge(sides(forge, ground, ours, theirs), {})]


def _leaks_once_more(forge: Forge, ground: Ground) -> Sequence[str]:
    """Theirs brings a leak, and the resolution adds another one of the same thing."""
    came = ground.in_held(ground.text, (ground.leave, RETURN))
    ours = ground.in_held(ground.text, ground.before_check(NOTE))
    theirs, result = (
        ground.in_held(came, ground.before_check(one)) for one in (TRACE, NOTE + TRACE + GUARD)
    )
    return [forge.merge(sides(forge, ground, ours, theirs), {ground.path: result})]


def _only_release(forge: Forge, ground: Ground) -> Sequence[str]:
    base = ground.in_held(ground.text, (ground.release, ""))
    theirs = ground.in_held(ground.text, (ground.release, TRACE))
    parents = sides(forge, ground, ground.text, theirs, base=base)
    return [forge.merge(parents, {ground.path: theirs})]


def _new_release(forge: Forge, ground: Ground) -> Sequence[str]:
    """Ours acquires something new and releases it; in the conflict the release is lost."""
    acquired = ground.in_plain(ground.text, (ground.first, KEPT + ground.first))
    ours, theirs, result = (
        ground.in_plain(text, (ground.last, line + ground.last))
        for text, line in ((acquired, FREED), (ground.text, TRACE), (acquired, TRACE))
    )
    return [forge.merge(sides(forge, ground, ours, theirs), {ground.path: result})]


def _release(forge: Forge, ground: Ground, times: int) -> Sequence[str]:
    """The sides conflict elsewhere in the function; the resolution changes its release."""
    ours, theirs, result = (
        ground.in_held(ground.text, ground.before_check(o)) for o in (NOTE, TRACE, NOTE + TRACE)
    )
    evil = ground.in_held(result, (ground.release, ground.release * times))
    return [forge.merge(sides(forge, ground, ours, theirs), {ground.path: evil})]


def _one_release(forge: Forge, ground: Ground) -> Sequence[str]:
    released = f"\tif (is_broken()) {{\n\t{ground.release}\t\treturn -EIO;\n\t}}\n"
    lost = released.replace(f"\t{ground.release}", "")
    ours, theirs, result = (
        ground.in_held(ground.text, ground.before_check(one))
        for one in (released, TRACE, TRACE + lost)
    )
    return [forge.merge(sides(forge, ground, ours, theirs), {ground.path: result})]


CASES: Final = (
    Case(
        name="breaks-through-helper",
        make=lambda forge, ground: _breaks_through_helper(forge, ground, header=False),
        expected=("innocent, exit 1", "{file} {held}: imbalance merge"),
    ),
    Case(
        name="breaks-through-header",
        make=lambda forge, ground: _breaks_through_helper(forge, ground, header=True),
        expected=("innocent, exit 1", "{file} {held}: imbalance merge"),
    ),
    Case(
        name="breaks-in-one-function",
        make=_breaks_in_one_function,
        expected=("innocent, exit 1", "{file} {plain}: imbalance merge"),
    ),
    Case(
        name="leaks-once-more",
        make=_leaks_once_more,
        expected=(
            "guilty, exit 1",
            "{file} {held}: conflict, new-text",
            "{file} {held}: imbalance came theirs",
            "{file} {held}: imbalance resolution",
        ),
    ),
    Case(
        name="only-release-of-ours-lost",
        make=_only_release,
        expected=(
            "guilty, exit 1",
            "{file} {held}: conflict, theirs",
            "{file} {held}: drops ours, conflict",
            "{file} {held}: imbalance lost ours",
        ),
    ),
    Case(
        name="new-release-of-ours-lost",
        make=_new_release,
        expected=(
            "guilty, exit 1",
            "{file} {plain}: conflict, theirs",
            "{file} {plain}: drops ours, conflict",
            "{file} {plain}: imbalance lost ours",
        ),
    ),
    Case(
        name="one-release-of-ours-lost",
        make=_one_release,
        expected=(
            "guilty, exit 1",
            "{file} {held}: conflict, combined",
            "{file} {held}: drops ours, conflict",
            "{file} {held}: imbalance lost ours",
        ),
    ),
    Case(
        name="release-of-both-lost",
        make=lambda forge, ground: _release(forge, ground, 0),
        expected=(
            "guilty, exit 1",
            "{file} {held}: conflict, cut",
            "{file} {held}: imbalance resolution",
        ),
    ),
    Case(
        name="releases-twice",
        make=lambda forge, ground: _release(forge, ground, 2),
        expected=(
            "guilty, exit 1",
            "{file} {held}: conflict, new-text",
            "{file} {held}: imbalance resolution",
        ),
    ),
)
