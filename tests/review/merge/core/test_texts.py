"""Conflict markers, lines and two resolutions side by side, as text."""

from __future__ import annotations

import pytest

from anyclue.review.merge.core.conflict_markers import resolve_markers
from anyclue.review.merge.core.model import Similarity
from anyclue.review.merge.core.similarity import compare_resolutions
from anyclue.review.merge.core.tokens import calls, fold_lines, shape

FUNCTION = "int f(int v)\n{\n\tint a = 1;\n\tint b = 2;\n\n\treturn use(a, b, v);\n}\n"


def likeness(other: str) -> list[Similarity]:
    found = compare_resolutions({"a.c": other.encode()}, {"a.c": FUNCTION.encode()}, {"a.c": "a.c"})
    return [one.similarity for one in found if one.function == "f"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("use(a", "use(a", Similarity.SAME),
        ("use(a, b", "use( a,\n\t\tb", Similarity.EQUIVALENT),
        ("\treturn", "\t/* why */\n\treturn", Similarity.EQUIVALENT),
        ("int a = 1;\n\tint b = 2;", "int b = 2;\n\tint a = 1;", Similarity.EQUIVALENT),
        ("b = 2", "b = 3", Similarity.DIFFERENT),
    ],
)
def test_likeness(old: str, new: str, expected: Similarity) -> None:
    assert likeness(FUNCTION.replace(old, new)) == [expected]


def test_declarations_that_need_each_other_keep_their_order() -> None:
    text = FUNCTION.replace("b = 2", "b = a")
    other = text.replace("int a = 1;\n\tint b = a;", "int b = a;\n\tint a = 1;")
    (one, _) = sorted(
        compare_resolutions({"a.c": other.encode()}, {"a.c": text.encode()}, {"a.c": "a.c"}),
        key=lambda one: one.similarity != Similarity.DIFFERENT,
    )
    assert one.similarity is Similarity.DIFFERENT


def test_only_markers_with_the_right_labels_count() -> None:
    text = b"a\n<<<<<<< 12ab\nb\n=======\nc\n>>>>>>> 34cd:x.c\n<<<<<<< HEAD\n"
    assert resolve_markers(text, "12ab", "34cd") == (
        b"a\nb\n<<<<<<< HEAD\n",
        b"a\nc\n<<<<<<< HEAD\n",
    )
    assert resolve_markers(text, "9999", "34cd") is None


def test_folded_lines() -> None:
    lines = ["a  /* b", "c */ d", '\tf("/* x */", y) ;']
    assert fold_lines(lines) == ("a", "d", 'f ( "/* x */" , y ) ;')
    assert shape("kunmap ( page ) ;") == shape("kunmap ( page_in ) ;")
    assert calls(fold_lines(lines)) == {"f"}
