"""Whatever the bytes are: no exception, the same length, newlines in place, an end."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyclue.review.source.model import Choice, CSource
from anyclue.review.source.parse import read, whole_tree

PIECES = [
    *(
        "int f(void)\n{\n",
        "\n}\n",
        "\n{\n",
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        ";",
        ",",
        " ",
        "\n",
        "\t",
    ),
    *(
        "\r\n",
        "\\",
        "\\\n",
        "\\\r\n",
        '"',
        "'",
        "/*",
        "*/",
        "//",
        "#",
        "\n#",
        "\n#if A\n",
        "\n#else\n",
    ),
    *(
        "\n#endif\n",
        "\n#define X ",
        "\n#elif ",
        "defined(",
        "struct foo",
        " *",
        "unsigned int",
        "void",
    ),
    *(
        "for_each_x(a, b)",
        "list_for_each(p,\nh)\n",
        "\n\tX(a)\n",
        "\tD(if (a) b;);",
        "} while_each_x()",
    ),
    *("__free(x)", "guard(x)(", "scoped_guard(", "__user", "STATIC", "SYSCALL_DEFINE2(a, int, b)"),
    *(
        "SYSCALL_DEFINE0(\na)\n{",
        "typeof(\na)",
        "__attribute__((\nx))",
        "offsetof",
        "asm(\n",
        "goto *a;",
    ),
    *(
        "goto\n*a;",
        "case 1 ...\n2:",
        "case 1 ... 2:",
        "__stringify(\na)",
        "EXPORT_SYMBOL(x)\n",
        "=",
    ),
    *(
        "DEFINE_X(int,\n a) = {",
        "NAME(a,\n b)(int c)\n{",
        "static",
        "else",
        "do",
        "return ",
        "\nAAAA\n",
    ),
    *(
        "// anyclue: x\n",
        "\x00",
        "\xff",
        "é",
        "0x",
        "...",
        "->",
        "KERN_ERR A",
        "(A B, ",
        "\n\tAAAA\n",
    ),
]

bytes_of_c = st.lists(st.sampled_from(PIECES), max_size=40).map(
    lambda pieces: "".join(pieces).encode("utf-8", "surrogateescape")
)


def check(source: bytes) -> None:
    for choice in Choice:
        text = read(source, choice).text
        assert len(text) == len(source)
        newlines = [at for at, byte in enumerate(source) if byte == 0x0A]
        assert [at for at, byte in enumerate(text) if byte == 0x0A] == newlines
        result = read(source, choice)
        assert result.text == text
        consistent(result)


def consistent(source: CSource) -> None:
    end = 0
    for function in source.functions:
        assert end <= function.start_byte < function.end_byte <= len(source.text)
        assert source.text.count(b"\n", 0, function.start_byte) + 1 == function.first_line
        assert function.node.start_byte == function.start_byte
        assert function.node.text == source.text[function.start_byte : function.end_byte]
        end = function.end_byte
    for first, last in (*source.unread, *source.choices):
        assert 1 <= first <= last <= source.lines
    for cleanup in source.cleanups:
        assert 0 <= cleanup.offset < len(source.original)
    assert all(0 <= at < len(source.original) for at in source.macros)
    assert all(1 <= line <= source.lines for line in source.notes)


@given(st.binary(max_size=200))
def test_any_bytes(source: bytes) -> None:
    check(source)


@settings(max_examples=500)
@given(bytes_of_c)
def test_shuffled_c(source: bytes) -> None:
    check(source)


WHOLE = b"""\
#ifdef A /* x */
SYSCALL_DEFINE2(foo, int, a, struct bar __user *, b)
#else
static __init int foo(int a, char *b)
#endif
{
\tstruct foo *p __free(kfree) = container_of(a, struct foo, b.c);

\tlist_for_each_entry(p, &b->list, link) {
\t\tASSERT_OR(a, ==, b, dump("x\\n"););
\t\tTRACE(a)
\t}
\tscoped_guard (mutex, &p->lock)
\t\ta = min_t(unsigned int, 1, 2); // anyclue: transfers
\ttypeof_member(struct foo, bar) c = a;
\treturn c;
}
EXPORT_SYMBOL(foo)
"""


@given(st.integers(0, len(WHOLE)), st.integers(0, len(WHOLE)))
def test_a_piece_of_c(start: int, end: int) -> None:
    check(WHOLE[start:end])
    check(WHOLE[:start] + WHOLE[end:])


def test_offsets_stay_when_read_again() -> None:
    once = read(WHOLE)
    again = read(once.text)
    assert not once.functions[0].broken
    assert [(f.name, f.start_byte, f.end_byte) for f in again.functions] == [
        (f.name, f.start_byte, f.end_byte) for f in once.functions
    ]


UNITS = [
    *(
        "{",
        "}",
        "(",
        ")",
        "[",
        "\n{",
        "\n}",
        "{\n",
        "\na(\n",
        ";a(",
        "a(;",
        "(;",
        "){",
        "){\n",
        "({",
    ),
    *(
        "f(){ {{{{ \n}\n",
        "if (a) ",
        "else ",
        "a ",
        "a b(c) ",
        ", a *",
        ", ",
        "? + ",
        "+ ; ",
        "1 ! ",
    ),
    *(
        "#",
        "#\n",
        "#if A\n",
        "#if (",
        "/*",
        "//\\\n",
        '"',
        '"\\"',
        "'",
        "\\",
        "case ",
        "...",
        "_typeof_",
    ),
    *(
        "\n\tAAAA\n",
        "\n\ta(b)\n",
        "//anyclue:x\n",
        "EXPORT_SYMBOL(a)\n",
        "\0",
        "\xff",
        "__init ",
        "_",
    ),
    *(
        "const ",
        "struct ",
        "static A(",
        "goto *",
        "D(if ",
        "int f(void)\n{\n\treturn (0;\n}\n",
        ";)",
    ),
    "default ? % ! ",
]


def repeated(unit: str, size: int, prefix: str) -> bytes:
    return (prefix + unit * (size // len(unit))).encode("latin-1")


@pytest.mark.parametrize("prefix", ["", "int f(void)\n{\n"])
@pytest.mark.parametrize("unit", UNITS)
def test_nonsense_repeated(unit: str, prefix: str) -> None:
    consistent(read(repeated(unit, 20_000, prefix)))


@pytest.mark.parametrize("unit", ["{", "\n{", "(", "){\n", ";a(", "\na(\n"])
def test_a_megabyte(unit: str) -> None:
    source = repeated(unit, 1 << 20, "int f(void)\n{\n")
    result = read(source)
    assert len(result.text) == len(source)
    assert result.functions == ()


@pytest.mark.slow
@pytest.mark.parametrize("unit", UNITS)
def test_ten_megabytes(unit: str) -> None:
    source = repeated(unit, 10 << 20, "int f(void)\n{\n")
    assert len(read(source).text) == len(source)


def test_ten_thousand_lines_at_random() -> None:
    words = random.Random(1)
    lines = [" ".join(words.choices(PIECES, k=words.randrange(9))) for _ in range(10_000)]
    consistent(read("\n".join(lines).encode("utf-8", "surrogateescape")))


def test_functions_behind_nonsense_are_read() -> None:
    text = b"int a(void)\n{\n}\n" + b"int x = (;;\n" * 50 + b"int b(void)\n{\n\treturn 1;\n}\n"
    source = read(text)
    assert [(f.name, f.broken) for f in source.functions] == [("a", False), ("b", False)]


def test_a_broken_function_is_told() -> None:
    source = read(b"int a(void)\n{\n\treturn (1;\n}\nint b(void)\n{\n}\n")
    assert [(f.name, f.broken) for f in source.functions] == [("a", True), ("b", False)]


def test_what_is_not_read_is_told() -> None:
    source = read(b"int a;\n\nint b(void)\n{\n" + b"\tg((;\n" * 9000 + b"}\nint c(void)\n{\n}\n")
    assert [f.name for f in source.functions] == ["c"]
    assert source.unread == ((3, 9005),)


def test_long_files_are_read_in_pieces() -> None:
    one = b"int f(int a)\n{\n\tfor_each_x(a, b)\n\t\tg(a, b, c, d);\n\treturn 0;\n}\n\n"
    source = read(one * 5000)
    assert len(source.functions) == 5000
    assert not any(function.broken for function in source.functions)
    assert source.functions[-1].last_line == 5000 * 7 - 1
    assert source.unread == ()
    tree = whole_tree(source)
    assert tree is not None
    assert tree.root_node.child_count == 5000


def test_nonsense_has_no_tree() -> None:
    source = read(b"(" * 10_000)
    assert whole_tree(source) is None
    assert source.unread == ()
