"""What a review says in detail; which verdict what merge gets is in test_cases.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyclue.git.model import CommitSubject
from anyclue.review.merge.core.model import Similarity, TextSource
from anyclue.review.merge.render.text import merge_text

if TYPE_CHECKING:
    from bench.merge_bench.forge import Forge

BASE = """\
int first(struct inode *inode, int index)
{
	struct page *page;
	int ret;

	page = find_get_page(inode->i_mapping, index);
	if (!page)
		return -ENOENT;
	ret = check(inode, index);
	if (ret)
		goto out;
	ret = more(inode, index);
out:
	put_page(page);
	return ret;
}

int second(int value)
{
	prepare(value);
	finish(value);
	return value;
}
"""
PREPARE = "\tprepare(value);\n"
MORE = "\tret = more(inode, index);\n"
GUARD = "\tif (value < 0)\n\t\treturn -EINVAL;\n"
OURS = BASE.replace(PREPARE, GUARD + PREPARE)
THEIRS = BASE.replace(PREPARE, "\ttrace_second(value);\n" + PREPARE)
BOTH = BASE.replace(PREPARE, GUARD + "\ttrace_second(value);\n" + PREPARE)
LEAK = BASE.replace("\t\tgoto out;\n", "\t\treturn ret;\n")


def parents(forge: Forge, base: str, ours: str, theirs: str) -> list[str]:
    root = forge.commit("main", None, {"fs/a/a.c": base})
    one = forge.commit("ours", root, {"fs/a/a.c": ours})
    return [one, forge.commit("theirs", root, {"fs/a/a.c": theirs})]


def test_a_side_alone_drops_the_other(forge: Forge) -> None:
    rev = forge.merge(parents(forge, BASE, OURS, THEIRS), {"fs/a/a.c": THEIRS})
    found = forge.review(rev)
    (one,) = found.result.functions
    assert (one.taken, one.side) == (TextSource.SIDE, "theirs")
    (dropped,) = found.result.dropped
    assert (dropped.function, dropped.side, dropped.conflict) == ("second", "ours", True)
    assert [line.text for line in dropped.lines] == ["if (value < 0)", "return -EINVAL;"]
    assert dropped.commits == (
        CommitSubject(id=forge.git("rev-parse", "ours"), subject="a commit of ours"),
    )
    assert found.found


def test_the_commit_is_named_that_removed_what_is_back(forge: Forge) -> None:
    root = forge.commit("main", None, {"fs/a/a.c": BASE})
    ours = forge.commit("ours", root, {"fs/a/a.c": BASE.replace(PREPARE, "")})
    more = forge.commit("ours", "ours", {"fs/a/b.c": "int b;\n"})
    theirs = forge.commit("theirs", root, {"fs/a/c.c": "int c;\n"})
    (dropped,) = forge.review(forge.merge([more, theirs], {"fs/a/a.c": BASE})).result.dropped
    assert [(line.added, line.text) for line in dropped.lines] == [(False, "prepare(value);")]
    assert dropped.commits == (CommitSubject(id=ours, subject="a commit of ours"),)


def test_a_change_lost_without_a_conflict(forge: Forge) -> None:
    ours = OURS.replace(MORE, MORE + "\tmark_done(inode);\n")
    rev = forge.merge(parents(forge, BASE, ours, THEIRS), {"fs/a/a.c": BOTH})
    (dropped,) = forge.review(rev).result.dropped
    assert (dropped.function, dropped.conflict) == ("first", False)
    assert [line.text for line in dropped.lines] == ["mark_done(inode);"]


def test_the_commit_that_brought_a_leak_is_found_among_others(forge: Forge) -> None:
    root = forge.commit("main", None, {"fs/a/a.c": BASE})
    ours = forge.commit("ours", root, {"fs/a/b.c": "int b;\n"})
    text, ids, at = BASE, [], root
    for number in range(6):
        text += f"\nint more_{number};\n"
        text = text.replace("\t\tgoto out;\n", "\t\treturn ret;\n") if number == 3 else text
        at = forge.commit("theirs", at, {"fs/a/a.c": text})
        ids.append(at)
    evil = text.replace("\tfinish(value);\n", "\tfinish_it(value);\n")
    found = forge.review(forge.merge([ours, ids[-1]], {"fs/a/a.c": evil}))
    (one,) = found.result.imbalances
    assert one.sides == ("theirs",)
    assert one.commits == (CommitSubject(id=ids[3], subject="a commit of theirs"),)


def test_text_on_neither_side(forge: Forge) -> None:
    evil = BOTH.replace("\tfinish(value);\n", "\tfinish_later(value);\n")
    rev = forge.merge(parents(forge, BASE, OURS, THEIRS), {"fs/a/a.c": evil})
    found = forge.review(rev)
    (one,) = found.result.functions
    assert one.taken is TextSource.NEW_TEXT
    assert [line.text.strip() for line in one.new_lines] == ["finish_later(value);"]
    assert found.found


def test_an_alternative_that_differs(forge: Forge) -> None:
    both = parents(forge, BASE, OURS, THEIRS)
    rev = forge.merge(both, {"fs/a/a.c": BOTH})
    found = forge.review(rev, forge.merge(both, {"fs/a/a.c": THEIRS}))
    (one,) = found.compared
    assert one.similarity is Similarity.DIFFERENT
    assert "+\tif (value < 0)" in one.diff
    assert found.against is not None
    assert found.against.dropped
    assert not found.found


def test_an_unfinished_merge_is_read_from_the_work_tree(forge: Forge) -> None:
    one, two = parents(forge, BASE, OURS, THEIRS)
    forge.git("checkout", "-q", "--detach", one)
    forge.git("merge", "-q", "--no-commit", two, status=False)
    forge.write({"fs/a/a.c": THEIRS})
    before = forge.git("count-objects", "-v")
    found = forge.review(None)
    assert [(o.function, o.side) for o in found.result.dropped] == [("second", "ours")]
    assert forge.git("count-objects", "-v") == before


def test_a_merge_driver_of_the_repository_does_not_run(forge: Forge) -> None:
    both = parents(forge, BASE, OURS, THEIRS)
    rev = forge.merge(both, {"fs/a/a.c": BOTH})
    ran = forge.path.parent / "ran"
    forge.git("config", "merge.evil.driver", f"touch {ran}")
    (forge.path / ".git/info").mkdir(exist_ok=True)
    (forge.path / ".git/info/attributes").write_text("*.c merge=evil\n")
    (forge.path / ".gitattributes").write_text("*.c merge=evil\n")
    assert forge.review(rev).conflicts == 1
    assert not ran.exists()


def test_a_conflict_in_what_is_no_c_source_is_not_called_clean(forge: Forge) -> None:
    base = forge.commit("main", None, {"Makefile": "a\n", "fs/a.c": "int f(void)\n{\n}\n"})
    ours = forge.commit("ours", base, {"Makefile": "b\n"})
    theirs = forge.commit("theirs", base, {"Makefile": "c\n"})
    found = forge.review(forge.merge([ours, theirs], {"Makefile": "d\n"}))
    assert found.conflicts == 1
    assert [(one.path, one.what) for one in found.result.unjudged] == [
        ("Makefile", "a conflict in what is no C source")
    ]
    assert found.found
    last = merge_text(found).splitlines()[-1]
    assert last == "resolution innocent, as far as it was judged; not what git merges: 1 other file"
