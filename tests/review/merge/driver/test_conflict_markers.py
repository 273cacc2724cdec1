"""Conflict markers that were left, in files of every kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anyclue.review.merge.driver.request import MergeRequest
from anyclue.review.merge.driver.review import review
from anyclue.review.merge.render.html import merge_html
from anyclue.review.merge.render.text import merge_text

if TYPE_CHECKING:
    from bench.merge_bench.forge import Forge

BASE = "first\nmiddle\nlast\n"
OURS, THEIRS = BASE.replace("middle", "our line"), BASE.replace("middle", "their line")
NAMES = ["Makefile", "fs/Kconfig", "Documentation/a.rst", "tools/check.sh", "a.py", "fs/a.S", "x"]


def sides(forge: Forge, name: str, ours: str = OURS, theirs: str = THEIRS) -> list[str]:
    root = forge.commit("main", None, {name: BASE, "fs/a.c": "int a;\n"})
    return [
        forge.commit("ours", root, {name: ours}),
        forge.commit("theirs", root, {name: theirs}),
    ]


@pytest.mark.parametrize("name", [*NAMES, "fs/b.c", "fs/b.h"])
@pytest.mark.parametrize("style", ["merge", "diff3", "zdiff3"])
def test_as_git_left_them(forge: Forge, name: str, style: str) -> None:
    forge.git("config", "merge.conflictStyle", style)
    merged = forge.merge(sides(forge, name), {})
    assert "<<<<<<<" in (forge.path / name).read_text()
    found = forge.review(merged)
    assert found.result.unresolved == (name,)
    assert not found.result.innocent
    text = merge_text(found)
    assert f"conflict markers are left in\n    {name}\n" in text
    assert "innocent" not in text
    assert f">{name}<" in merge_html(found)


@pytest.mark.parametrize("name", ["Makefile", "fs/b.c"])
@pytest.mark.parametrize(
    "left",
    [
        "first\n<<<<<<< HEAD\nour line\nlast\n",
        "first\nour line\n=======\ntheir line\nlast\n",
        "first\nour line\n>>>>>>> theirs\nlast\n",
        "first\nour line\n||||||| 0123456\nlast\n",
        "first\n<<<<<<<\nour line\n=======\ntheir line\n>>>>>>>\nlast\n",
        "first\r\n<<<<<<< HEAD\r\nour line\r\n=======\r\ntheir line\r\n>>>>>>> theirs\r\nlast\r\n",
    ],
)
def test_one_marker_was_forgotten(forge: Forge, name: str, left: str) -> None:
    found = forge.review(forge.merge(sides(forge, name), {name: left}))
    assert found.result.unresolved == (name,)


HEADING = "Locking\n=======\n"


@pytest.mark.parametrize("name", ["Documentation/a.rst", "README", "a.md"])
@pytest.mark.parametrize(
    ("ours", "theirs", "result"),
    [
        (OURS + HEADING, THEIRS, BASE.replace("middle", "both") + HEADING),
        (OURS, THEIRS, BASE.replace("middle", "both") + HEADING),
        (OURS + HEADING, THEIRS + HEADING, OURS + HEADING),
        (OURS, THEIRS, OURS + "> > quoted\n>>>>>>>> more\n=========\n"),
        (OURS + "<<<<<<< an example\n", THEIRS, OURS + "<<<<<<< an example\n"),
    ],
)
def test_what_is_no_marker(forge: Forge, name: str, ours: str, theirs: str, result: str) -> None:
    found = forge.review(forge.merge(sides(forge, name, ours, theirs), {name: result}))
    assert found.result.unresolved == ()
    assert found.result.innocent


def test_a_file_that_ours_deleted(forge: Forge) -> None:
    root = forge.commit("main", None, {"Makefile": BASE, "fs/a.c": "int a;\n"})
    ours = forge.commit("ours", root, {"Makefile": None})
    theirs = forge.commit("theirs", root, {"Makefile": THEIRS})
    assert forge.review(forge.merge([ours, theirs], {})).result.unresolved == ()
    left = {"Makefile": f"<<<<<<< HEAD\n=======\n{THEIRS}>>>>>>> theirs\n"}
    found = forge.review(forge.merge([ours, theirs], left))
    assert found.result.unresolved == ("Makefile",)


def test_binary_files_have_none(forge: Forge) -> None:
    merged = forge.merge(sides(forge, "logo.bin"), {"logo.bin": "\0<<<<<<< HEAD\n>>>>>>> x\n"})
    assert forge.review(merged).result.unresolved == ()


def test_an_unfinished_merge(forge: Forge) -> None:
    ours, theirs = sides(forge, "Makefile")
    forge.git("checkout", "-q", "--detach", ours)
    forge.git("merge", "-q", theirs, status=False)
    found = review(MergeRequest(tree=forge.path, rev=None, jobs=1))
    assert found.result.unresolved == ("Makefile",)
    (forge.path / "Makefile").write_text(OURS)
    found = review(MergeRequest(tree=forge.path, rev=None, jobs=1))
    assert found.result.unresolved == ()


def test_the_other_resolution(forge: Forge) -> None:
    both = sides(forge, "Makefile")
    good = forge.merge(both, {"Makefile": OURS})
    bad = forge.merge(both, {})
    found = forge.review(good, against=bad)
    assert found.against is not None
    assert found.against.unresolved == ("Makefile",)
    assert found.result.unresolved == ()
