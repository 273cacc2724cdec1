"""What a user asks for: which contracts count, and files as a commit has them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anyclue.model.errors import RequestError
from anyclue.review.pairs.contracts.read import built_in
from anyclue.review.pairs.driver.request import CONTRACTS, PairsRequest, contracts_near, review
from anyclue.review.pairs.driver.sources import CommitTree
from anyclue.review.pairs.model import Confidence

if TYPE_CHECKING:
    from tests.review.pairs.driver.conftest import Box

PAIR = """\
[[pair]]
name = "{0}"
title = "{0}"
kind = "handle"
acquire = [{{ call = "{0}_open", holds = "$ret", fails = "error" }}]
release = [{{ call = "{0}_close", takes = "$0" }}]
"""
USE = """\
int use(struct inode *inode)
{
	struct widget *widget = widget_open(inode);

	if (IS_ERR(widget))
		return PTR_ERR(widget);
	if (inode->i_size == 0)
		return -EINVAL;
	widget_close(widget);
	return 0;
}
"""
ENTER = "void enter(struct gizmo *g)\n{\n\tmutex_lock(&g->lock);\n}\n"


def contract(directory: Path, text: str) -> None:
    file = directory / CONTRACTS
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))


def names(path: Path) -> set[str]:
    return {pair.name for pair in contracts_near(path).pairs}


def test_without_any_the_built_in_ones_count(tmp_path: Path) -> None:
    assert contracts_near(tmp_path) == built_in()


def test_the_nearest_counts(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    contract(tmp_path, PAIR.format("outer"))
    for path in (tmp_path, deep, deep / "x.c", deep / "not-there"):
        assert names(path) - names(Path("/")) == {"outer"}
    contract(tmp_path / "a", PAIR.format("inner"))
    assert names(deep) - names(tmp_path.parent) == {"inner"}
    assert names(tmp_path) - names(tmp_path.parent) == {"outer"}


def test_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contract(tmp_path, PAIR.format("outer"))
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    for text in (".", "..", "x.c", "../a"):
        assert "outer" in names(Path(text)), text


def test_contracts_that_are_a_directory_do_not_count(tmp_path: Path) -> None:
    (tmp_path / CONTRACTS).mkdir(parents=True)
    assert contracts_near(tmp_path) == built_in()


def test_every_mistake_is_told_with_the_file(tmp_path: Path) -> None:
    text = PAIR.format("one").replace("handle", "handel") + PAIR.format("two").replace("$0", "$x")
    contract(tmp_path, text)
    with pytest.raises(RequestError) as caught:
        contracts_near(tmp_path)
    assert len(caught.value.problems) >= 2
    assert all(str(tmp_path / CONTRACTS) in one.where for one in caught.value.problems)


def test_contracts_that_are_no_text(tmp_path: Path) -> None:
    contract(tmp_path, "")
    (tmp_path / CONTRACTS).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RequestError, match="UTF-8"):
        contracts_near(tmp_path)


def test_what_is_wrong_besides_the_contracts_is_told_too(tmp_path: Path) -> None:
    contract(tmp_path, "[[pair\n")
    with pytest.raises(RequestError) as caught:
        review(PairsRequest(paths=(tmp_path, tmp_path / "nowhere")))
    assert len(caught.value.problems) == 3
    with pytest.raises(RequestError) as caught:
        review(PairsRequest(paths=(tmp_path,), diff="HEAD"))
    assert len(caught.value.problems) == 2


def test_contracts_count_in_a_tree_and_a_change(box: Box) -> None:
    right = USE.replace("\t\treturn -EINVAL;\n", "\t\tgoto out;\n").replace(
        "\twidget_c", "out:\n\twidget_c"
    )
    box.write("fs/a/use.c", right.encode())
    box.commit()
    box.write("fs/a/use.c", USE.encode())
    box.commit()
    change = PairsRequest(paths=(box.path,), diff="HEAD")
    contract(box.path, PAIR.format("widget"))
    for asked in (
        PairsRequest(paths=(box.path,)),
        PairsRequest(paths=(box.path / "fs/a/use.c",)),
        change,
    ):
        assert [one.pair for one in review(asked).findings] == ["widget"]


def test_the_usual_confidence(box: Box) -> None:
    box.write("fs/a/x.c", ENTER.encode())
    box.commit()
    asked = PairsRequest(paths=(box.path,))
    assert not review(asked).findings
    low = PairsRequest(paths=(box.path,), least=Confidence.LOW)
    assert [one.confidence for one in review(low).findings] == [Confidence.LOW]


# A tree as a commit has it


@pytest.fixture
def tree(box: Box) -> CommitTree:
    for name in ("fs/a/x.c", "fs/a/sub/y.h", "fs/b/z.c", "mm/m.c", "mm/sub/n.c", "top.c"):
        box.write(name, f"int in_{len(name)};\n".encode())
    box.write("fs/a/Makefile", b"obj-y := x.o\n")
    rev = box.commit()
    box.write("fs/a/x.c", b"int later;\n")
    box.write("fs/a/new.c", b"int later;\n")
    return CommitTree(box.path, rev)


def test_what_lies_near(tree: CommitTree) -> None:
    assert set(tree.neighbours(["fs/a/x.c"])) == {"fs/a/x.c", "fs/a/sub/y.h"}
    assert set(tree.neighbours(["fs/a/sub/other.c"])) == {"fs/a/x.c", "fs/a/sub/y.h"}
    assert set(tree.neighbours(["mm/m.c"])) == {"mm/m.c"}
    assert set(tree.neighbours(["mm/m.c", "fs/b/z.c"])) == {"mm/m.c", "fs/b/z.c"}
    assert set(tree.neighbours(["top.c"])) == {"top.c"}
    assert set(tree.neighbours(["nowhere/x.c", "fs/ab/x.c"])) == set()


def test_contents_are_those_of_the_commit(tree: CommitTree) -> None:
    found = tree.read(["fs/a/x.c", "fs/b/z.c", "fs/a/new.c", "nowhere.c"])
    assert found == {"fs/a/x.c": b"int in_8;\n", "fs/b/z.c": b"int in_8;\n"}
