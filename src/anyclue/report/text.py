"""Making text harmless: what came from a guest, a patch or a fact may hold anything.

Every string of a report goes through here. The result holds no control characters, no escape
sequences, no bidirectional or invisible formatting, no lone surrogates and nothing that XML
forbids; escaping for HTML and XML is then the renderer's part.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence

MAIL_COLUMNS = 72

_ESCAPE_SEQUENCE = re.compile(
    r"""
    (?: \x1b\[ | \x9b ) [0-?]* [ -/]* [@-~]               # CSI: colours, cursor, modes
  | (?: \x1b[\]PX^_] | [\x9d\x90\x98\x9e\x9f] )           # OSC, DCS, SOS, PM, APC ...
    [^\x07\x1b\x9c\n]* (?: \x07 | \x1b\\ | \x9c )         # ... as far as their terminator
  | \x1b [ -/]* [0-~]                                     # all other escapes
    """,
    re.VERBOSE,
)
_LINE_END = re.compile(r"\r\n|[\r\n\v\f\x85\u2028\u2029]")
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cn"})
_REPLACEMENT = "\ufffd"
_ASCII = str.maketrans(
    {
        "\u2013": "-",
        "\u2014": "-",
        "\u2212": "-",
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2026": "...",
        "\u00d7": "x",
        "\u00b1": "+-",
        "\u00b7": "-",
        "\u2192": "->",
        "\u2264": "<=",
        "\u2265": ">=",
        "\u00b5": "u",
    }
)


def clean_block(text: str) -> str:
    r"""Return ``text`` without anything that a terminal, mail or XML reader would act on.

    Line ends become ``\n`` and tabs spaces; lone surrogates become U+FFFD.
    """
    text = _LINE_END.sub("\n", _ESCAPE_SEQUENCE.sub("", text))
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(map(_clean_character, text.expandtabs(8)))


def clean(text: str) -> str:
    """Return ``text`` as ``clean_block`` does, and on one line."""
    return " ".join(clean_block(text).split())


def ascii_block(text: str) -> str:
    """Return ``text`` cleaned and in plain ASCII: a near letter where there is one, else ``?``."""
    cleaned = clean_block(text)
    if cleaned.isascii():
        return cleaned
    plain = unicodedata.normalize("NFKD", cleaned.translate(_ASCII))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return plain.encode("ascii", "replace").decode("ascii")


def ascii_line(text: str) -> str:
    """Return ``text`` as ``ascii_block`` does, and on one line."""
    return " ".join(ascii_block(text).split())


def safe_path(path: str) -> str:
    """Return a path on one line, its spaces kept, so that an editor still finds it.

    A path that would begin a command of a CI service (``::error``) does not begin the line.
    """
    shown = clean_block(path).replace("\n", " ")
    return f"./{shown}" if shown.startswith("::") else shown


def code_block(text: str) -> str:
    """Return lines of code without control characters; tabs stay, as a patch needs them."""
    return "\n".join(
        "\t".join(clean_block(piece).replace("\n", " ") for piece in line.rstrip("\r").split("\t"))
        for line in text.split("\n")
    )


def shorten(text: str, width: int) -> str:
    """Return ``text`` cut to ``width`` columns, with ``...`` where something was cut.

    The cut is between two words, unless that would take more than half.
    """
    if len(text) <= width:
        return text
    kept = text[: max(0, width - 3)]
    words = kept.rpartition(" ")[0]
    return (words if len(words) * 2 > len(kept) else kept).rstrip() + "..."


def wrap(text: str, width: int, *, first: str = "", rest: str | None = None) -> list[str]:
    """Return ``text`` as ASCII lines of at most ``width`` columns; one empty line for nothing.

    ``first`` begins the first line and ``rest`` the others (spaces of the same width when None).
    """
    following = " " * len(first) if rest is None else rest
    lines = textwrap.wrap(
        ascii_line(text),
        width,
        initial_indent=first,
        subsequent_indent=following,
        break_on_hyphens=False,
    )
    return lines or [first.rstrip()]


def wrap_verbatim(text: str, width: int, *, indent: str = "", rest: str = "") -> list[str]:
    """Return ``text`` as ASCII lines of at most ``width`` columns, its own lines and spaces kept.

    A line that is too long is continued after ``indent + rest``.
    """
    lines: list[str] = []
    for line in ascii_block(text).split("\n"):
        current = indent + line.rstrip()
        while len(current) > width:
            cut = current.rfind(" ", width // 2, width + 1)
            cut = cut if cut > 0 else width
            lines.append(current[:cut].rstrip())
            current = indent + rest + current[cut:].strip()
        lines.append(current.rstrip())
    return lines


def wrap_command(command: str, width: int, *, indent: str = "") -> list[str]:
    r"""Return a shell command in lines that can be pasted: broken at spaces, ended with ``\``.

    Quoted spaces are never broken at. A word that is too long for a line is cut so that a shell
    joins it again: its rest begins in the first column, and single quotes are closed and opened.
    """
    lines: list[str] = []
    for line in ascii_block(command).split("\n"):
        lines.extend(_wrap_command_line(line.strip(), width, indent))
    return lines


def table(rows: Iterable[tuple[str, ...]], *, gap: str = "  ") -> list[str]:
    """Return ``rows`` as aligned lines; all rows have the same number of columns."""
    cells = [tuple(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        gap.join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun, as ``5,012 functions``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def ruled(lines: Sequence[str]) -> list[str]:
    """Return the lines of a table with a rule below the first."""
    return [lines[0], "-" * max(map(len, lines)), *lines[1:]]


def _clean_character(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cs":
        return _REPLACEMENT
    if category in _FORBIDDEN_CATEGORIES and character != "\n":
        return ""
    return character


def _wrap_command_line(line: str, width: int, indent: str) -> list[str]:
    lines: list[str] = []
    current, begun = indent, False
    for word in _words(line):
        room = width - 2 - len(current) - begun
        if len(word) <= room:
            current, begun = f"{current} {word}" if begun else current + word, True
            continue
        if begun:
            lines.append(current + " \\")
            current = indent + "  "
        rest = word
        while len(rest) > width - 2 - len(current):
            head, rest = _cut(rest, width - 2 - len(current))
            lines.append(current + head + "\\")
            current = ""
        current, begun = current + rest, True
    return [*lines, current.rstrip()]


def _cut(word: str, room: int) -> tuple[str, str]:
    """Cut a shell word in two that a shell joins again over a backslash and a line end."""
    head = word[:room]
    if head.count("'") % 2:
        head = word[: room - 1]
        if head.count("'") % 2:
            return head + "'", "'" + word[room - 1 :]
    if (len(head) - len(head.rstrip("\\"))) % 2:
        head = head[:-1]
    return head, word[len(head) :]


def _words(line: str) -> list[str]:
    """Split at spaces outside quotes; the quotes stay."""
    return re.findall(r"""(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s])+""", line)
