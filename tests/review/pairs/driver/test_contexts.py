"""What is known of a tree after a few files changed: the same as found out anew, in any number of
processes. Small programs of several files, with cycles of calls and a header."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anyclue.review.pairs.contracts.read import built_in
from anyclue.review.pairs.driver.cache import Cache
from anyclue.review.pairs.driver.changes import FileChange, SourceChange
from anyclue.review.pairs.driver.contexts import TreeContexts
from anyclue.review.pairs.driver.review import Reviewer
from anyclue.review.pairs.driver.worker_pool import WorkerPool
from anyclue.review.pairs.engine.effects import Summary
from anyclue.review.pairs.model import Confidence, Review

NAMES = [f"gizmo_{number}" for number in range(8)]
FILES = ["fs/gizmo/a.c", "fs/gizmo/b.c", "fs/gizmo/sub/c.c", "fs/gizmo/d.h"]
HEAD = "struct page *{name}(struct inode *inode, struct page *page, int flag)\n{{\n"
LINES = [
    "\tpage = find_get_page(inode->i_mapping, flag);\n\tif (!page)\n\t\treturn NULL;\n",
    "\tput_page(page);\n",
    "\tif (flag)\n\t\tput_page(page);\n",
    "\tif (flag)\n\t\treturn NULL;\n",
    "\tmutex_lock(&inode->lock);\n",
    "\tmutex_unlock(&inode->lock);\n",
    "\tinode->page = page;\n",
    "\tpage = {callee}(inode, page, flag);\n\tif (!page)\n\t\treturn NULL;\n",
    "\t{callee}(inode, page, 1);\n",
    "\tif ({callee}(inode, page, flag))\n\t\treturn page;\n",
]
ENDS = ["\treturn page;\n}\n", "\treturn NULL;\n}\n"]
Texts = dict[str, str]


def function(static: bool, name: str, lines: Sequence[tuple[str, str]], end: str) -> str:
    body = "".join(line.format(callee=callee) for line, callee in lines)
    return f"{'static ' if static else ''}{HEAD.format(name=name)}{body}{end}"


@st.composite
def texts(draw: st.DrawFn, path: str) -> str:
    """A file with one or both of its functions; the second is static."""
    first = 2 * FILES.index(path)
    found = []
    for number in sorted(draw(st.sets(st.integers(first, first + 1), min_size=1))):
        calls = st.tuples(st.sampled_from(LINES), st.sampled_from(NAMES))
        lines = draw(st.lists(calls, max_size=4))
        end = draw(st.sampled_from(ENDS))
        found.append(function(number % 2 == 1, NAMES[number], lines, end))
    return "\n".join(found)


TREE = st.sets(st.sampled_from(FILES), min_size=2).flatmap(
    lambda paths: st.fixed_dictionaries({path: texts(path) for path in sorted(paths)})
)


@dataclass(frozen=True)
class Held:
    """A tree in memory, as a commit has it."""

    files: Mapping[str, str]

    def neighbours(self, paths: Sequence[str]) -> Mapping[str, str]:
        del paths
        return {path: f"blob {text}" for path, text in self.files.items()}

    def read(self, paths: Sequence[str]) -> Mapping[str, bytes]:
        return {path: self.files[path].encode() for path in paths if path in self.files}


def changed(old: Mapping[str, str], new: Mapping[str, str]) -> SourceChange:
    files = tuple(
        FileChange(
            old_path=path if path in old else None,
            new_path=path if path in new else None,
            old=old[path].encode() if path in old else None,
            new=new[path].encode() if path in new else None,
        )
        for path in sorted({*old, *new})
        if old.get(path) != new.get(path)
    )
    return SourceChange(title="x", files=files, root=Path())


def reviewer(cache: Path | None) -> Reviewer:
    return Reviewer(Path("/nonexistent"), contracts=built_in(), cache=cache, jobs=1)


def told(cache: Path | None, old: Mapping[str, str], new: Mapping[str, str]) -> Review:
    return reviewer(cache).change(changed(old, new), Held(old))


def known(
    cache: Path | None, tree: Mapping[str, str]
) -> tuple[Mapping[str, Summary], Mapping[str, Mapping[str, Summary]]]:
    """What is known of a tree's functions, by way of a change of its first file."""
    first = min(tree)
    one = FileChange(old_path=first, new_path=first, old=tree[first].encode(), new=b"")
    contexts = TreeContexts(built_in(), Cache(cache), 1)
    context = contexts.of(Held(tree), {first: tree[first].encode()}, [one])
    return context.shared, {path: dict(own) for path, own in context.own.items() if own}


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(before=TREE, edit=TREE, removed=st.sampled_from([*FILES, None]))
def test_summaries_after_a_change_are_those_found_out_anew(
    before: Texts, edit: Texts, removed: str | None
) -> None:
    first = min(edit)
    after = {path: text for path, text in before.items() if path != removed}
    after[first] = edit[first]
    with tempfile.TemporaryDirectory() as directory:
        known(Path(directory), before)
        warm = known(Path(directory), after)
    assert warm == known(None, after)


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(states=st.lists(TREE, min_size=3, max_size=3))
def test_a_warm_cache_says_what_a_cold_one_does(states: list[Texts]) -> None:
    trees = [states[0]]
    for one in states[1:]:
        first = min(one)
        trees.append(trees[-1] | {first: one[first]})
    with tempfile.TemporaryDirectory() as directory:
        for old, new in pairwise(trees):
            warm = told(Path(directory), old, new)
            assert warm == told(None, old, new)
            assert warm == told(Path(directory), old, new)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(tree=TREE, jobs=st.integers(2, 3))
def test_the_number_of_processes_changes_nothing(tree: Texts, jobs: int) -> None:
    texts = [(path, text.encode()) for path, text in sorted(tree.items())]
    found = []
    for number in (1, jobs):
        with WorkerPool(built_in(), Cache(None), number) as pool:
            shared = pool.run_to_fixpoint(texts)
            reviews = pool.reviews(Confidence.LOW)
            listed = [one for part in reviews for one in part.findings]
            place = sorted(listed, key=lambda one: (one.path, one.line, one.column, str(one)))
            found.append((shared, pool.file_summaries(), place))
    assert found[0] == found[1]


# Equal names, and names that come into sight or go out of it


def body(name: str, line: str, *, static: bool = False) -> str:
    return function(static, name, [(line, "gizmo_0")], ENDS[0])


PUT, CALL, PLAIN = LINES[1], LINES[8], ""
CASES = {
    "the first of two becomes static": (
        {"fs/gizmo/a.c": body("gizmo_0", PUT), "fs/gizmo/b.c": body("gizmo_1", CALL)},
        {"fs/gizmo/a.c": body("gizmo_0", PUT, static=True)},
    ),
    "a static one comes into sight": (
        {
            "fs/gizmo/a.c": body("gizmo_0", PUT, static=True),
            "fs/gizmo/b.c": body("gizmo_1", CALL),
        },
        {"fs/gizmo/a.c": body("gizmo_0", PUT)},
    ),
    "static, and something else": (
        {"fs/gizmo/a.c": body("gizmo_0", PUT), "fs/gizmo/b.c": body("gizmo_1", CALL)},
        {"fs/gizmo/a.c": body("gizmo_0", LINES[7].replace("{callee}", "gizmo_7"), static=True)},
    ),
    "two of one name, another file changes": (
        {
            "fs/gizmo/a.c": body("gizmo_0", PUT),
            "fs/gizmo/b.c": body("gizmo_0", PLAIN),
            "fs/gizmo/c.c": body("gizmo_1", CALL),
        },
        {"fs/gizmo/c.c": f"\n{body('gizmo_1', CALL)}"},
    ),
    "two of one name, one goes": (
        {
            "fs/gizmo/a.c": body("gizmo_0", PUT),
            "fs/gizmo/b.c": body("gizmo_0", PLAIN),
            "fs/gizmo/c.c": body("gizmo_1", CALL),
        },
        {"fs/gizmo/a.c": body("gizmo_2", PUT)},
    ),
    "two of one name in one file, a third goes": (
        {
            "fs/gizmo/a.c": body("gizmo_0", PUT),
            "fs/gizmo/d.h": f"{body('gizmo_0', PLAIN)}{body('gizmo_0', PUT)}",
        },
        {"fs/gizmo/a.c": body("gizmo_2", PUT)},
    ),
    "two of one name in the arms of an #if": (
        {
            "fs/gizmo/a.h": f"#ifdef CONFIG_A\n{body('gizmo_0', PUT)}#else\n"
            f"{body('gizmo_0', PLAIN)}#endif\n",
            "fs/gizmo/b.c": body("gizmo_1", CALL),
        },
        {"fs/gizmo/b.c": f"\n{body('gizmo_1', CALL)}"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_names(case: str, tmp_path: Path) -> None:
    before, edit = CASES[case]
    after = before | edit
    known(tmp_path, before)
    assert known(tmp_path, after) == known(None, after)


RING = {
    "a": "void ring_a(struct page *page, int n)\n{\n\tput_page(page);\n\tif (n > 1)\n"
    "\t\tring_c(n - 1);\n}\n",
    "b": "void ring_b(struct page *page, int n)\n{\n\tring_a(page, n);\n}\n",
    "c": "void ring_c(int n)\n{\n\tstruct page *page = find_get_page(mapping, n);\n\n"
    "\tif (page)\n\t\tring_b(page, n);\n}\n",
}


@pytest.mark.parametrize("order", ["abc", "acb", "bac", "bca", "cab", "cba"])
def test_a_ring_of_three(order: str, tmp_path: Path) -> None:
    """What is known goes all the way round before anything is said, whichever file comes first."""
    for name, one in zip("123", order, strict=True):
        (tmp_path / f"{name}.c").write_text(RING[one])
    made = Reviewer(tmp_path, contracts=built_in(), cache=None, jobs=1)
    assert made.tree([tmp_path], Confidence.MEDIUM).findings == ()


@pytest.mark.parametrize("changes", [0, 1, 2])
def test_a_tree_against_itself_brings_nothing(changes: int) -> None:
    text = function(False, "gizmo_0", [(LINES[0], ""), (LINES[3], "")], ENDS[0])
    old = {path: text.replace("gizmo_0", f"gizmo_{path[9]}") for path in FILES[:2]}
    new = dict(old)
    for path in FILES[:changes]:
        new[path] = f"\n\n{old[path]}"
    review = told(None, old, new)
    assert (review.findings, review.fixed) == ((), ())
