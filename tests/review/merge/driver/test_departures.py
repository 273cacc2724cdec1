"""What a resolution does that no side asked for: lines gone, once more, elsewhere; other files."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anyclue.model.errors import RequestError
from anyclue.review.merge.core.model import TextSource
from anyclue.review.merge.driver.request import MergeRequest
from anyclue.review.merge.driver.review import review
from anyclue.review.merge.render.text import merge_text

if TYPE_CHECKING:
    from bench.merge_bench.forge import Forge

    from anyclue.review.merge.core.model import MergeReview


def g(body: str) -> str:
    lines = "".join(f"\t{line}\n" for line in body.split("\n") if line)
    return (
        "int g(struct inode *inode, int n)\n{\n\tint ret;\n\n\tret = start(inode, n);\n"
        f"\tif (ret)\n\t\treturn ret;\n{lines}\tfinish(inode);\n\treturn 0;\n}}\n"
    )


def merged(forge: Forge, base: str, ours: str, theirs: str, result: str) -> MergeReview:
    root = forge.commit("main", None, {"a.c": g(base), "t": "", "o": ""})
    one = forge.commit("ours", root, {"a.c": g(ours), "o": "o"})
    two = forge.commit("theirs", root, {"a.c": g(theirs), "t": "t"})
    return forge.review(forge.merge([one, two], {"a.c": g(result)}))


CHECK = "if (!capable(CAP_SYS_ADMIN))\n\treturn -EPERM;\n"


@pytest.mark.parametrize("extra", ["", "b(n);\n"])
def test_lines_that_every_side_has_are_gone(forge: Forge, extra: str) -> None:
    base = f"{CHECK}a(n);"
    found = merged(forge, base, f"{extra}{base}", base, f"{extra}a(n);")
    (one,) = found.result.functions
    assert one.taken is TextSource.CUT
    texts = [line.text for line in one.cut_lines]
    assert texts == ["if (!capable(CAP_SYS_ADMIN))", "return -EPERM;"]
    assert not found.result.innocent
    assert found.found
    assert "if (!capable(CAP_SYS_ADMIN))" in merge_text(found)


def test_a_line_more_often_than_the_sides_explain(forge: Forge) -> None:
    base = "if (n)\n\treturn 0;\na(n);\nb(n);"
    evil = "if (n)\n\treturn 0;\na(n);\n\treturn 0;\nb(n);"
    (one,) = merged(forge, base, base, base, evil).result.functions
    assert one.taken is TextSource.NEW_TEXT
    assert [line.text.strip() for line in one.new_lines] == ["return 0;"]


def test_a_line_in_another_branch(forge: Forge) -> None:
    def branches(one: str, other: str) -> str:
        return f"if (n) {{\n\tx(n);\n{one}}} else {{\n{other}\ty(n);\n}}"

    found = merged(
        forge,
        branches("", ""),
        branches("\tkick(n);\n", ""),
        branches("\ttrace(n);\n", ""),
        branches("\ttrace(n);\n", "\tkick(n);\n"),
    )
    (one,) = found.result.functions
    assert one.taken is TextSource.REORDERED
    assert [line.text.strip() for line in one.moved_lines] == ["kick(n);"]
    assert found.found


def test_a_condition_that_guards_another_line(forge: Forge) -> None:
    found = merged(
        forge,
        "a(n);",
        "a(n);\nif (n)\n\tb(n);",
        "a(n);\ncc(n);",
        "a(n);\nif (n)\n\tcc(n);\nb(n);",
    )
    (one,) = found.result.functions
    assert one.taken is TextSource.REORDERED


@pytest.mark.parametrize("result", ["b(n);\nc(n);", "c(n);\nb(n);"])
def test_either_order_of_two_additions_is_combined(forge: Forge, result: str) -> None:
    found = merged(forge, "a(n);", "a(n);\nb(n);", "a(n);\nc(n);", f"a(n);\n{result}")
    assert [one.taken for one in found.result.functions] == [TextSource.COMBINED]
    assert not found.found


def test_a_file_of_one_side_that_is_like_one_which_the_other_deleted(forge: Forge) -> None:
    twice = g("a(n);") + g("z(n);").replace("g(", "h(")
    more = g("a(n);") + g("z(n);\nnew(n);").replace("g(", "h(")
    root = forge.commit("main", None, {"d/b.c": twice, "R": ""})
    ours = forge.commit("ours", root, {"d/b.c": None, "R": "x"})
    theirs = forge.commit("theirs", root, {"d/n.c": more})
    found = forge.review(forge.merge([ours, theirs], {"d/n.c": None}))
    assert {(one.path, one.side) for one in found.result.dropped} == {("d/n.c", "theirs")}


def test_both_replacements_are_gone(forge: Forge) -> None:
    check = "check(inode, n{});"
    found = merged(forge, check.format(""), check.format(" + 1"), check.format(" - 1"), "")
    assert {one.side for one in found.result.dropped} == {"ours", "theirs"}


def test_a_line_that_both_sides_added_and_one_lost(forge: Forge) -> None:
    base = "a(n);\np(n);\nq(n);\nr(n);"
    late = f"{base}\nflush(n);"
    found = merged(forge, base, late, f"flush(n);\n{base}", late)
    assert [(one.side, one.lines[0].text) for one in found.result.dropped] == [
        ("theirs", "flush(n);")
    ]


def test_history_that_is_cut_before_the_merge_base(forge: Forge, tmp_path: Path) -> None:
    merged(forge, "a(n);", "a(n);\nb(n);", "a(n);\nc(n);", "a(n);\nb(n);\nc(n);")
    shallow = tmp_path / "shallow"
    clone = ["git", "clone", "-q", "--depth", "2", f"file://{forge.path}", str(shallow)]
    subprocess.run(clone, check=True, capture_output=True)
    with pytest.raises(RequestError, match="cut before the merge base"):
        review(MergeRequest(tree=shallow, rev="HEAD", jobs=1))


def test_unrelated_histories_are_said(forge: Forge) -> None:
    one = forge.commit("main", None, {"a.c": g("a(n);")})
    forge.git("checkout", "-q", "--orphan", "other")
    forge.git("rm", "-qrf", ".")
    two = forge.commit("other", None, {"b.c": g("b(n);")})
    forge.git("checkout", "-q", "--detach", one)
    forge.git("merge", "-q", "--allow-unrelated-histories", "-m", "m", two)
    found = forge.review("HEAD")
    assert "no common ancestor" in found.result.unjudged[0].what


def test_conflict_markers_that_are_left(forge: Forge) -> None:
    marked = "a(n);\n<<<<<<< HEAD\nb(n);\n=======\nc(n);\n>>>>>>> theirs"
    root = forge.commit("main", None, {"a.c": g("a(n);")})
    ours = forge.commit("ours", root, {"a.c": g("a(n);\nb(n);")})
    theirs = forge.commit("theirs", root, {"a.c": g("a(n);\nc(n);")})
    marks = g(marked).replace("\t<<<", "<<<").replace("\t===", "===").replace("\t>>>", ">>>")
    found = forge.review(forge.merge([ours, theirs], {"a.c": marks}))
    assert found.result.unresolved == ("a.c",)
    assert not found.result.innocent
    assert merge_text(found).splitlines()[-1].startswith("not resolved yet")


def test_another_file_than_git_merges_it(forge: Forge) -> None:
    root = forge.commit("main", None, {"a.c": g("a(n);"), "Makefile": "a\n", "R": ""})
    ours = forge.commit("ours", root, {"R": "x"})
    theirs = forge.commit("theirs", root, {"Makefile": "a\nt\n"})
    found = forge.review(forge.merge([ours, theirs], {"Makefile": "a\n"}))
    assert found.result.beyond == ("Makefile",)
    assert found.found


def test_a_binary_source_is_not_judged(forge: Forge) -> None:
    root = forge.commit("main", None, {"a.c": "\0a"})
    ours = forge.commit("ours", root, {"a.c": "\0b"})
    theirs = forge.commit("theirs", root, {"a.c": "\0c"})
    found = forge.review(forge.merge([ours, theirs], {"a.c": "\0b"}))
    assert [(one.path, one.what) for one in found.result.unjudged] == [("a.c", "binary")]


@pytest.mark.parametrize("kept", [True, False])
def test_a_file_that_one_side_deleted_and_the_other_changed(forge: Forge, kept: bool) -> None:
    root = forge.commit("main", None, {"b.c": g("a(n);"), "R": ""})
    ours = forge.commit("ours", root, {"b.c": g("a(n);\nb(n);")})
    theirs = forge.commit("theirs", root, {"b.c": None, "R": "x"})
    result = g("a(n);\nb(n);") if kept else None
    found = forge.review(forge.merge([ours, theirs], {"b.c": result}))
    assert found.result.dropped == ()
    sides = {(one.conflict, one.side) for one in found.result.functions if one.function}
    assert sides == {(True, "ours" if kept else "theirs")}
