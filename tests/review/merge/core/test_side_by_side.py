"""Functions side by side: which line stands beside which, and what is said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyclue.review.merge.core import side_by_side as sizes
from anyclue.review.merge.core.file_versions import FileMerge
from anyclue.review.merge.core.model import OUTSIDE, FunctionPanes, LineMark, SourceLine
from anyclue.review.merge.core.resolution import review_texts
from anyclue.review.merge.core.side_by_side import COLUMNS, CONTEXT, side_by_side

if TYPE_CHECKING:
    import pytest

SIDES = ("ours", "theirs")


def f(*lines: str, name: str = "f") -> str:
    return f"int {name}(int v)\n{{\n" + "".join(f"\t{line}\n" for line in lines) + "}\n"


def merge(
    base: str | None,
    ours: str | None,
    theirs: str | None,
    result: str | None,
    automatic: str | None = None,
) -> FileMerge:
    def text(one: str | None) -> bytes | None:
        return one.encode() if one is not None else None

    ways = (text(ours), text(theirs)) if automatic is None else (text(automatic),)
    return FileMerge(
        key="a.c",
        path="new.c",
        base=text(base),
        sides=(text(ours), text(theirs)),
        paths=("a.c", "a.c"),
        automatic=ways,
        result=text(result),
    )


def shown(file: FileMerge, other: FileMerge | None = None) -> tuple[FunctionPanes, ...]:
    files = [file]
    functions, dropped = review_texts(files, SIDES).functions, review_texts(files, SIDES).dropped
    return side_by_side(files, SIDES, functions, dropped, [other] if other else None)


def marks(panes: FunctionPanes) -> dict[str, tuple[LineMark, tuple[str, ...]]]:
    found = {}
    for row in panes.rows:
        text = next((cell.text.strip() for cell in row.lines if cell is not None), "")
        found[text] = (row.mark, row.sides)
    return found


def test_what_became_of_each_line() -> None:
    (one,) = shown(
        merge(
            f("a();", "b();", "c();", "d();", "e();"),
            f("a();", "ours();", "both();", "c();", "d();", "e();", "not_taken = 1;"),
            f("a();", "b();", "theirs();", "both();", "d();", "e();"),
            f("a();", "ours();", "theirs();", "both();", "c();", "e();", "made_up();"),
        )
    )
    found = marks(one)
    assert found["a();"] == (LineMark.SAME, ())
    assert found["b();"] == (LineMark.REMOVED, ("ours",))
    assert found["c();"] == (LineMark.LOST, ("theirs",))
    assert found["d();"] == (LineMark.CUT, ())
    assert found["ours();"] == (LineMark.TAKEN, ("ours",))
    assert found["theirs();"] == (LineMark.TAKEN, ("theirs",))
    assert found["both();"] == (LineMark.TAKEN, SIDES)
    assert found["not_taken = 1;"] == (LineMark.LOST, ("ours",))
    assert found["made_up();"] == (LineMark.NEW, ())
    assert [pane.version for pane in one.panes] == ["base", *SIDES, "result"]
    assert [pane.path for pane in one.panes] == ["a.c", "a.c", "a.c", "new.c"]


def test_lines_that_are_not_taken_or_back_or_moved() -> None:
    (one,) = shown(
        merge(
            f("x = 1;", "b();", "return 0;"),
            f("x = 2;", "b();"),
            f("x = 3;", "b();", "return 0;"),
            f("b();", "x = 3;", "b();", "return 0;"),
        )
    )
    found = marks(one)
    assert found["x = 1;"] == (LineMark.REMOVED, SIDES)
    assert found["x = 2;"] == (LineMark.LEFT, ("ours",))
    assert found["x = 3;"] == (LineMark.TAKEN, ("theirs",))
    assert found["return 0;"] == (LineMark.BACK, ("ours",))
    twice = [row.mark for row in one.rows if row.lines[-1] and "b()" in row.lines[-1].text]
    assert twice == [LineMark.MOVED, LineMark.SAME]


def test_white_space_and_comments_do_not_part_lines() -> None:
    (one,) = shown(
        merge(
            f("a(x, y);"),
            f("a(x,  y); /* ours */"),
            f("a(x, y);", "theirs();"),
            f("a(x, y); // result", "made_up();"),
        )
    )
    (row,) = [row for row in one.rows if row.lines[0] and "a(" in row.lines[0].text]
    assert row.mark is LineMark.SAME
    assert [cell and cell.text for cell in row.lines] == [
        "\ta(x, y);",
        "\ta(x,  y); /* ours */",
        "\ta(x, y);",
        "\ta(x, y); // result",
    ]
    assert [cell and cell.line for cell in row.lines] == [3, 3, 3, 3]


def test_a_version_without_the_function() -> None:
    (one,) = shown(merge(None, f("a();"), f("b();"), f("a();", "b();")))
    assert [pane.there for pane in one.panes] == [False, True, True, True]
    assert {row.lines[0] for row in one.rows} == {None}


def test_a_function_that_is_gone() -> None:
    base = f("a();") + f("b();", name="g")
    file = merge(base, base, base, f("b();", name="g"), automatic=base)
    one = next(one for one in shown(file) if one.function == "f")
    assert [pane.there for pane in one.panes] == [True, True, True, False]
    assert {row.mark for row in one.rows} == {LineMark.CUT}


def test_the_other_resolution() -> None:
    base, ours, theirs = f("a();"), f("a();", "o();"), f("a();", "t();")
    result = f("a();", "o();", "t();")
    other = f("a();", "t();", "strange();")
    untouched = f("g();", name="g")
    changed = f("g2();", name="g")
    found = shown(
        merge(base + untouched, ours + untouched, theirs + untouched, result + untouched),
        merge(base + untouched, ours + untouched, theirs + untouched, other + changed),
    )
    assert [one.function for one in found] == ["f", "g"]
    assert [pane.version for pane in found[0].panes][-1] == "against"
    assert marks(found[0])["strange();"] == (LineMark.OTHER, ())
    assert marks(found[1])["g2();"] == (LineMark.OTHER, ())


def test_a_long_run_that_is_alike_is_one_row() -> None:
    same = [f"same_{n}();" for n in range(100)]
    (one,) = shown(
        merge(f(*same), f(*same, "ours();"), f(*same, "theirs();"), f(*same, "made_up();"))
    )
    (folded,) = [row for row in one.rows if row.skipped]
    assert folded.skipped == 102 - CONTEXT
    assert folded.lines == ()
    assert sum(row.skipped or row.lines[0] is not None for row in one.rows) == 103


def test_sizes_are_bounded_and_what_is_left_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "ROWS", 20)
    monkeypatch.setattr(sizes, "LONGEST", 60)
    long = [f"ours_{n}({'x' * 1000});" for n in range(50)]
    (one,) = shown(merge(f("a();"), f("a();", *long), f("a();", "b();"), f("a();", "c();")))
    assert (len(one.rows), one.left_out) == (20, 36)
    assert max(len(cell.text) for row in one.rows for cell in row.lines if cell) == COLUMNS
    (one,) = shown(merge(f("a();"), f("a();", *long, *long), f("b();"), f("c();")))
    assert (one.rows, one.left_out) == ((), 104)


def test_many_functions_leave_those_to_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def every(what: str, last: str) -> str:
        return "".join(f(what, name=f"f{n}") for n in range(9)) + f(last, name="last")

    file = merge(every("a();", "a();"), every("b();", "b();"), every("c();", "c();"), "")
    result = every("b();", "made_up();").encode()
    file = FileMerge(**{**vars(file), "result": result})
    assert len(shown(file)) == 10
    monkeypatch.setattr(sizes, "FUNCTIONS", 3)
    assert [one.function for one in shown(file)] == ["f0", "f1", "last"]
    monkeypatch.setattr(sizes, "IN_ALL", 7)
    found = shown(file)
    assert "last" in [one.function for one in found]
    assert sum(len(one.rows) for one in found) == 7


def test_long_texts_that_are_nearly_alike() -> None:
    same = [f"same_{n}();" for n in range(sizes.LONGEST)]
    (one,) = shown(
        merge(
            f(*same, "a();", *same),
            f(*same, "b();", *same),
            f(*same, "c();", *same),
            f(*same, "a();", "made_up();", *same),
        )
    )
    assert one.left_out == 0
    assert marks(one)["a();"] == (LineMark.LOST, SIDES)
    assert marks(one)["made_up();"] == (LineMark.NEW, ())
    *_, after, skipped = one.rows
    assert after.lines[0] == SourceLine(line=1503 + CONTEXT, text=f"\tsame_{CONTEXT - 1}();")
    assert after.lines[3] == SourceLine(line=1504 + CONTEXT, text=f"\tsame_{CONTEXT - 1}();")
    assert skipped.skipped == 1501 - CONTEXT


def test_what_is_in_no_function() -> None:
    one, two = shown(
        merge(
            "int a;\n" + f("a();"),
            "int b;\n" + f("b();"),
            "int c;\n" + f("c();"),
            "int d;\n" + f("d();"),
        )
    )
    assert {one.function, two.function} == {OUTSIDE, "f"}
