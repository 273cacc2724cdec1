from __future__ import annotations

import subprocess
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.report import text

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=300)


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;never ended", "0;never ended"),
        ("\x9b2Jgone", "gone"),
        ("a\x00b\x7fc", "abc"),
        ("abc\u202edcba\u2066", "abcdcba"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("half \ud800 pair", "half \ufffd pair"),
        ("not\ufffexml", "notxml"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("tab\there", "tab     here"),
        ("\x1b\x1b[31m", ""),
        ("grüße, 한국어", "grüße, 한국어"),
    ],
)
def test_clean_block(hostile: str, harmless: str) -> None:
    assert text.clean_block(hostile) == harmless


@given(ANY_TEXT)
def test_clean_block_leaves_nothing_to_act_on(hostile: str) -> None:
    cleaned = text.clean_block(hostile)
    cleaned.encode("utf-8")
    categories = {unicodedata.category(c) for c in cleaned if c != "\n"}
    assert not categories & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert text.clean_block(cleaned) == cleaned


@given(ANY_TEXT)
def test_ascii_and_lines(hostile: str) -> None:
    line = text.ascii_line(hostile)
    assert line.isascii()
    assert line.isprintable()
    assert "\n" not in text.clean(hostile)


def test_ascii_keeps_what_has_a_near_letter() -> None:
    fancy = "caf\u00e9 \u2013 \u201c5 \u00d7 4 \u00b5s\u201d\u2026"
    assert text.ascii_block(fancy) == 'cafe - "5 x 4 us"...'
    assert text.ascii_block("日") == "?"


@given(ANY_TEXT, st.integers(20, 100))
def test_wrapping_keeps_to_the_width(hostile: str, width: int) -> None:
    lines = [
        *text.wrap(hostile, width, first="- "),
        *text.wrap_verbatim(hostile, width, indent="  ", rest="    "),
        *text.wrap_command(hostile, width, indent="  "),
    ]
    assert all(len(line) <= width and line.isascii() for line in lines)


@given(st.lists(st.text("abcdefgh-/. ", min_size=1), min_size=1), st.integers(20, 72))
def test_wrapped_verbatim_text_keeps_its_words(lines: list[str], width: int) -> None:
    wrapped = text.wrap_verbatim("\n".join(lines), width, indent="  ", rest="  ")
    assert "".join("".join(wrapped).split()) == "".join("".join(lines).split())


@pytest.mark.parametrize(
    "command",
    [
        "printf '%s|' anyclue hunt scenarios/lzo-leak.toml --out /tmp/run --jobs 2 --json --more",
        f"printf '%s|' --cell {'kernel.' * 30}end and more",
        f"printf '%s|' '{'quoted words ' * 12}' \"{'double quoted ' * 9}\" last",
        f"printf '%s|' --option='{'x' * 200}' y",
        f"printf '%s|' {'a' * 63}\\\\{'b' * 80}",
    ],
)
def test_wrapped_commands_mean_the_same_to_a_shell(command: str) -> None:
    lines = text.wrap_command(command, 72, indent="    ")
    assert max(map(len, lines)) <= 72

    def run(script: str) -> bytes:
        return subprocess.run(["bash", "-c", script], capture_output=True, check=True).stdout

    assert run("\n".join(lines)) == run(command)


def test_table_and_shorten() -> None:
    assert text.table([("a", "bb"), ("ccc", "")]) == ["a    bb", "ccc"]
    assert text.shorten("0123456789", 8) == "01234..."
    assert text.shorten("01234567", 8) == "01234567"
