from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from anyclue.scenarios.lines import KeyPath, key_lines, line_of


def items_of(value: object) -> Iterable[tuple[str | int, object]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def paths_of(value: object, path: KeyPath = ()) -> Iterator[tuple[KeyPath, object]]:
    """Every key and array element of a parsed document, with its value."""
    for key, item in items_of(value):
        yield (*path, key), item
        yield from paths_of(item, (*path, key))


TOML = '''\
# comment = 1
title = "a # b [c] = d"  # [not.a.table]
"quoted \\"key\\"".'lit' . bare = 1
text = """
[fake]
x = "\\""" still
five quotes at the end"""""
literal = \'\'\'
[[fake]]
\'\'\'
when = 1979-05-27 07:32:00
days = [1979-05-27 07:32:00, 1979-05-28]
[a.b]
c = { d = 1, e.f = [1, { g = 2 }] }
[[a.list]]
x = [
  "]", # ]
  [ 1,
    2, ],
]
[a.list.sub]
y = 1
[[a.list]]
[[a.list.inner]]
z = 1
[[a.list.inner]]
z = 2
[a]
late = 1
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("title",), 2),
        (('quoted "key"',), 3),
        (('quoted "key"', "lit", "bare"), 3),
        (("text",), 4),
        (("literal",), 8),
        (("when",), 11),
        (("days", 1), 12),
        (("a", "b"), 13),
        (("a", "b", "c", "e", "f", 1, "g"), 14),
        (("a", "list"), 15),
        (("a", "list", 0, "x", 0), 17),
        (("a", "list", 0, "x", 1, 1), 19),
        (("a", "list", 0, "sub", "y"), 22),
        (("a", "list", 1), 23),
        (("a", "list", 1, "inner", 1), 26),
        (("a", "list", 1, "inner", 1, "z"), 27),
        (("a",), 28),
        (("a", "late"), 29),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_finds_the_line_of_every_kind_of_key(path: KeyPath, line: int, end: str) -> None:
    text = TOML.replace("\n", end)
    lines = key_lines(text)
    assert lines[path] == line
    assert {path for path, _ in paths_of(tomllib.loads(text))} <= set(lines)


def test_a_missing_key_has_the_line_of_its_table() -> None:
    lines = key_lines("\n[a]\nb = 1\n")
    assert line_of(lines, ("a", "x", 3)) == 2
    assert line_of(lines, ("x",)) == 1
    assert line_of(lines, ()) == 1


@given(st.text(alphabet="ab.=[]{},#\"'\\\n\r\t 1-:", max_size=60))
@settings(max_examples=400)
def test_never_raises_and_finds_every_key_of_valid_toml(text: str) -> None:
    lines = key_lines(text)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert {path for path, _ in paths_of(document)} <= set(lines)


@given(st.text(max_size=80))
def test_never_raises_on_any_text(text: str) -> None:
    key_lines(text)


TRICKY = st.sampled_from(
    [
        '"""\n[fake]\nb = 1\n"""',
        "'''\n[[fake]]\n''''",
        '"# \\" ]"',
        "'\\'",
        "1979-05-27T07:32:00Z",
        "-1.5e3",
        "true",
        '""',
    ]
)


GAPS = st.sampled_from(["", " ", "\t"])
BREAKS = st.sampled_from(["", " ", "\n", " # ] , }\n", "\n\n"])


class Writer:
    """Draws a document in which each key is unique, and each array element a unique number."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.counter = iter(range(1000, 100_000))

    def key(self) -> str:
        name = f"k{next(self.counter)}"
        return self.draw(st.sampled_from([name, f'"{name}"', f"'{name}'"]))

    def gap(self) -> str:
        return self.draw(GAPS)

    def dotted(self) -> str:
        dot = f"{self.gap()}.{self.gap()}"
        return dot.join(self.key() for _ in range(self.draw(st.integers(1, 3))))

    def value(self, depth: int = 0) -> str:
        kind = self.draw(st.sampled_from(["tricky", "array", "inline"])) if depth < 3 else "tricky"
        if kind == "tricky":
            return self.draw(TRICKY)
        count = self.draw(st.integers(0, 3))
        if kind == "inline":
            pairs = (f"{self.gap()}{self.pair(depth + 1)}" for _ in range(count))
            return "{" + ",".join(pairs) + self.gap() + "}"
        items = [
            self.draw(BREAKS)
            + self.draw(st.sampled_from([str(next(self.counter)), self.value(depth + 1)]))
            for _ in range(count)
        ]
        return "[" + ",".join(items) + self.draw(BREAKS) + "]"

    def pair(self, depth: int = 0) -> str:
        return f"{self.dotted()}{self.gap()}={self.gap()}{self.value(depth)}"

    def document(self) -> str:
        text = ""
        arrays: list[str] = []
        for _ in range(self.draw(st.integers(0, 8))):
            kind = self.draw(st.sampled_from(["pair", "table", "array", "again", "below"]))
            if kind == "pair":
                text += self.gap() + self.pair()
            elif kind == "table":
                text += f"{self.gap()}[{self.gap()}{self.dotted()}{self.gap()}]"
            elif kind == "array" or not arrays:
                arrays.append(self.dotted())
                text += f"[[{arrays[-1]}]]"
            else:
                array = self.draw(st.sampled_from(arrays))
                text += f"[[{array}]]" if kind == "again" else f"[{array}.{self.key()}]"
            text += self.draw(st.sampled_from(["\n", " # [x]\n", "\r\n", "\n\n"]))
        return text


@st.composite
def documents(draw: st.DrawFn) -> str:
    return Writer(draw).document()


@given(documents())
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_every_key_is_on_the_line_that_is_named(text: str) -> None:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        assume(False)
    lines = key_lines(text)
    text_lines = text.split("\n")
    for path, value in paths_of(document):
        line = text_lines[lines[path] - 1]
        assert isinstance(path[-1], int) or path[-1] in line
        if isinstance(path[-1], int) and isinstance(value, int) and not isinstance(value, bool):
            assert str(value) in line


def test_gives_up_quietly_on_absurd_nesting() -> None:
    assert key_lines("a = 1\nb = " + "[" * 5000 + "]" * 5000)[("a",)] == 1
    assert key_lines("a = 1\nb" + ".b" * 5000 + " = 1")[("a",)] == 1
