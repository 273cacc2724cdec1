"""Cases of releases: lost, doubled, and broken by a merge that nobody had to resolve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bench.merge_bench.case import GUARD, NOTE, RETURN, TRACE, Case, sides
from bench.merge_bench.forge import Forge
from bench.merge_bench.seed_files import SeedFile, edited

KEPT: Final = "\tvoid *kept = kmalloc(8, GFP_KERNEL);\n"
FREED: Final = "\tkfree(kept);\n"


def _breaks_through_helper(forge: Forge, seed: SeedFile, *, header: bool) -> Sequence[str]:
    """Ours moves a release from a helper to its caller, theirs calls that helper in one more."""
    kind, name = seed.taken
    calls = f"\tdone_with({name});\n"
    helper = f"void done_with({kind} *{name})\n{{\n\ttrace_done({name});\n{seed.release}}}\n"
    caller = f"\nvoid close_it({kind} *{name})\n{{\n{calls}}}\n"
    other = seed.files[seed.other]
    path = f"{seed.path.rpartition('/')[0]}/helper.h"
    before = (
        {path: f"static inline {helper}", seed.other: other + caller}
        if header
        else {seed.other: f"{other}\n{helper}{caller}"}
    )
    home = path if header else seed.other
    after = before | {home: edited(before[home], "done_with", (seed.release, ""))}
    called = (calls, calls + seed.release)
    after[seed.other] = edited(after[seed.other], "close_it", called)
    root = forge.commit("main", None, {**seed.files, **before})
    ours = forge.commit("ours", root, after)
    uses = seed.in_held(seed.text, (seed.release, calls))
    return [forge.merge([ours, forge.commit("theirs", root, {seed.path: uses})], {})]


def _breaks_in_one_function(forge: Forge, seed: SeedFile) -> Sequence[str]:
    """Ours acquires in the beginning and releases in the end, theirs returns between."""
    ours = seed.in_plain(
        seed.text,
        (seed.first, KEPT + seed.first),
        (seed.last, FREED + seed.last),
    )
    theirs = seed.in_plain(seed.text, seed.before_spot(GUARD))
    return [forge.merge(sides(forge, seed, ours, theirs), {})]


def _leaks_once_more(forge: Forge, seed: SeedFile) -> Sequence[str]:
    """Theirs brings a leak, and the resolution adds another one of the same thing."""
    came = seed.in_held(seed.text, (seed.leave, RETURN))
    ours = seed.in_held(seed.text, seed.before_check(NOTE))
    theirs, result = (
        seed.in_held(came, seed.before_check(one)) for one in (TRACE, NOTE + TRACE + GUARD)
    )
    return [forge.merge(sides(forge, seed, ours, theirs), {seed.path: result})]


def _only_release(forge: Forge, seed: SeedFile) -> Sequence[str]:
    base = seed.in_held(seed.text, (seed.release, ""))
    theirs = seed.in_held(seed.text, (seed.release, TRACE))
    parents = sides(forge, seed, seed.text, theirs, base=base)
    return [forge.merge(parents, {seed.path: theirs})]


def _new_release(forge: Forge, seed: SeedFile) -> Sequence[str]:
    """Ours acquires something new and releases it; in the conflict the release is lost."""
    acquired = seed.in_plain(seed.text, (seed.first, KEPT + seed.first))
    ours, theirs, result = (
        seed.in_plain(text, (seed.last, line + seed.last))
        for text, line in ((acquired, FREED), (seed.text, TRACE), (acquired, TRACE))
    )
    return [forge.merge(sides(forge, seed, ours, theirs), {seed.path: result})]


def _release(forge: Forge, seed: SeedFile, times: int) -> Sequence[str]:
    """The sides conflict elsewhere in the function; the resolution changes its release."""
    ours, theirs, result = (
        seed.in_held(seed.text, seed.before_check(o)) for o in (NOTE, TRACE, NOTE + TRACE)
    )
    evil = seed.in_held(result, (seed.release, seed.release * times))
    return [forge.merge(sides(forge, seed, ours, theirs), {seed.path: evil})]


def _one_release(forge: Forge, seed: SeedFile) -> Sequence[str]:
    released = f"\tif (is_broken()) {{\n\t{seed.release}\t\treturn -EIO;\n\t}}\n"
    lost = released.replace(f"\t{seed.release}", "")
    ours, theirs, result = (
        seed.in_held(seed.text, seed.before_check(one)) for one in (released, TRACE, TRACE + lost)
    )
    return [forge.merge(sides(forge, seed, ours, theirs), {seed.path: result})]


CASES: Final = (
    Case(
        name="breaks-through-helper",
        make=lambda forge, seed: _breaks_through_helper(forge, seed, header=False),
        expected=("innocent, exit 1", "{file} {held}: imbalance merge"),
    ),
    Case(
        name="breaks-through-header",
        make=lambda forge, seed: _breaks_through_helper(forge, seed, header=True),
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
        make=lambda forge, seed: _release(forge, seed, 0),
        expected=(
            "guilty, exit 1",
            "{file} {held}: conflict, cut",
            "{file} {held}: imbalance resolution",
        ),
    ),
    Case(
        name="releases-twice",
        make=lambda forge, seed: _release(forge, seed, 2),
        expected=(
            "guilty, exit 1",
            "{file} {held}: conflict, new-text",
            "{file} {held}: imbalance resolution",
        ),
    ),
)
