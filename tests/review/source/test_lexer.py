"""Comments, strings and the notes in comments."""

from __future__ import annotations

import pytest

from anyclue.review.source.parse import read


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"a/* x */b", b"a       b"),
        (b"a//x\nb", b"a   \nb"),
        (b"a//x\\\ny\nb", b"a    \n \nb"),
        (b"a//x\\\r\ny\nb", b"a     \n \nb"),
        (b"a/*\n*\n/*/b", b"a  \n \n   b"),
        (b"a/*x", b"a   "),
        (b'"/*" "*/"', b'"@@" "@@"'),
        (b'"a\\"b" c', b'"@@@@" c'),
        (b"'\"' '\\'' '\\\\'", b"'@' '@@' '@@'"),
        (b'"a\\\nb"', b'"@\\\n@"'),
        (b'"a\\\r\nb"', b'"@@\\\n@"'),
        (b'a "b\nc', b"a   \nc"),
        (b"a 'b\nc", b"a   \nc"),
        (b'a "b\\', b"a   \\"),
        (b"a / b \\ c", b"a / b \\ c"),
    ],
)
def test_erased(text: bytes, expected: bytes) -> None:
    assert read(text).text == expected


def test_notes() -> None:
    text = (
        b"int a; // anyclue: transfers to the list \n"
        b"/* anyclue:transfers */ /* other */\n"
        b"/*\n * words; anyclue: transfers twice\n * anyclue: again\n */\n"
        b'char *s = "// anyclue: no";\n'
        b"#if 0\n// anyclue: unread\n#endif\n"
        b'#define A "// anyclue: no" /* anyclue: defined */ 1\n'
        b"// anyclue: \xff"
    )
    assert read(text).notes == {
        1: "transfers to the list",
        2: "transfers",
        4: "transfers twice",
        5: "again",
        9: "unread",
        11: "defined",
        12: "\ufffd",
    }


def test_lines() -> None:
    assert [read(text).lines for text in (b"", b"a", b"a\n", b"a\nb", b"\n\n")] == [0, 1, 1, 2, 2]
