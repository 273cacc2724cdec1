"""Which arm of ``#if`` is read."""

from __future__ import annotations

import pytest

from anyclue.review.source.model import Choice
from anyclue.review.source.parse import read

CONDITIONS = [
    ("#ifdef A", True, False),
    ("#ifndef A", False, True),
    ("#if 0", False, False),
    ("#if 1", True, True),
    ("#if A", True, False),
    ("#if !A", False, True),
    ("#if defined(A)", True, False),
    ("#if defined A", True, False),
    ("#if !defined(A)", False, True),
    ("# if defined ( A ) && ! defined B", False, False),
    ("#if defined(A) || !defined(B)", True, True),
    ("#if !(defined(A) || defined(B))", False, True),
    ("#if IS_ENABLED(CONFIG_A)", True, False),
    ("#if !IS_ENABLED(CONFIG_A) && IS_BUILTIN(CONFIG_B)", False, False),
    ("#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 1, 0)", True, False),
    ("#if BITS_PER_LONG == 64", True, False),
    ("#if !(BITS_PER_LONG == 64)", False, True),
    ("#if 2 > 1", True, True),
    ("#if 0x10 <= 2", False, False),
    ("#if -1 < 0 && 1 != 2 && 3 == 3", True, True),
    ("#if A + 1 > 2", True, False),
    ("#if A ? 1 : 0", True, False),
    ("#if defined(__KERNEL__)", True, True),
    ("#ifdef __cplusplus", False, False),
    ("#if A && \\\n    B", True, False),
    ("#if /* not\nA */ 0 // B", False, False),
    ("#if", True, False),
    ("#if && )", True, False),
    ("#if " + "(" * 9000 + "A", True, False),
    ("#if " + "!" * 1001 + "A", False, True),
]


@pytest.mark.parametrize(("condition", "on", "off"), CONDITIONS)
def test_conditions(condition: str, on: bool, off: bool) -> None:
    text = f"{condition}\nint yes;\n#else\nint no;\n#endif\n".encode()
    for choice, taken in ((Choice.ON, on), (Choice.OFF, off)):
        expected = b"int yes;" if taken else b"int no;"
        assert read(text, choice).text.strip() == expected
    assert bool(read(text).choices) is (on != off)


@pytest.mark.parametrize(("choice", "arm"), [(Choice.ON, b"a"), (Choice.OFF, b"d")])
def test_first_arm_that_holds(choice: Choice, arm: bytes) -> None:
    text = b"#if 0\nx\n#elif A\na\n#elifdef B\nb\n#elifndef A\nd\n#else\ne\n#endif\n"
    assert read(text, choice).text.split() == [arm]


def test_nested() -> None:
    text = (
        b"#ifdef A\na\n#ifndef B\nb\n#else\nc\n#endif\nd\n"
        b"#else\n#ifdef A\ne\n#else\nf\n#endif\n#endif\ng"
    )
    assert read(text, Choice.ON).text.split() == [b"a", b"c", b"d", b"g"]
    assert read(text, Choice.OFF).text.split() == [b"f", b"g"]


def test_include_guard_is_always_taken() -> None:
    for opening in (b"#ifndef _H", b"#if !defined(_H)", b"#if !defined _H"):
        text = b"/* c */\n" + opening + b"\n#define _H 1\nint a;\n#endif\n"
        for choice in Choice:
            assert read(text, choice).text.strip() == b"int a;"
        assert not read(text).choices
    assert read(b"int a;\n#ifndef _H\n#define H\nint a;\n#endif\n").choices


def test_arms_that_open_a_block_each() -> None:
    text = b"int f(void)\n{\n#ifdef A\n\tif (a) {\n#else\n\tif (b) {\n#endif\n\t}\n}\n"
    for choice in Choice:
        [function] = read(text, choice).functions
        assert not function.broken


def test_lines_that_the_choice_is_about() -> None:
    text = (
        b"int a;\n#ifdef A\n#ifdef B\n#endif\nint b;\n#endif\n#if 0\n#ifdef C\n#endif\n#endif\n"
        b"#if 1\n#else\n#ifdef D\n#endif\n#endif\nint c;\n#ifndef E\n#endif\n"
    )
    assert read(text).choices == ((2, 6), (17, 18))
    assert read(text, Choice.OFF).choices == ((2, 6), (17, 18))


def test_unbalanced_directives() -> None:
    assert read(b"#endif\n#else\n#elif A\nint a;\n").text.strip() == b"int a;"
    assert read(b"int a;\n#ifdef A\nint b;", Choice.OFF).text.strip() == b"int a;"
    assert read(b"int a;\n#ifdef A\nint b;").choices == ((2, 3),)


def test_directives_of_all_kinds_go() -> None:
    text = (
        b"#include <a.h>\n  #pragma once\n#define F(x) do { \\\n\tx; } while (0)\n"
        b'#define S "/*" /* c\n*/ 1\n#error don\'t\n\t# \n#line 3 "x"\r\nint a;'
    )
    assert read(text).text.strip() == b"int a;"
    assert read(text).text.count(b"\n") == text.count(b"\n")


def test_a_directive_begins_its_line() -> None:
    assert b"int b" in read(b"int a; /* x */ int b\n#if 0\nint c;\n#endif\n;").text
    assert read(b"/* a\n*/ int b;\n").text.strip() == b"int b;"
