"""One line of shell as words, as far as it only sets variables."""

from __future__ import annotations

from dataclasses import dataclass

_EXPANDED = frozenset("$`\\")
_EXPANDED_BARE = _EXPANDED | frozenset("~{")
_OPERATORS = frozenset("&|<>()!")


@dataclass(frozen=True, kw_only=True)
class Word:
    """A word without its quotes.

    ``special`` is the first character in it that a shell would work out, else empty;
    ``quoted_before_equals`` says that a quote stands before its first ``=``.
    """

    text: str
    special: str = ""
    quoted_before_equals: bool = False


def shell_commands(line: str) -> list[list[Word]]:
    """Return the commands of a line, each its words; comments are left out.

    Raises:
        ValueError: the line has an operator of the shell, or a quote that is not closed.
    """
    commands: list[list[Word]] = [[]]
    at = 0
    while at < len(line):
        char = line[at]
        if char in " \t":
            at += 1
        elif char == "#":
            break
        elif char == ";":
            commands.append([])
            at += 1
        else:
            word, at = _word(line, at)
            commands[-1].append(word)
    return [command for command in commands if command]


def _word(line: str, at: int) -> tuple[Word, int]:
    text = special = ""
    quoted = False
    while at < len(line) and line[at] not in " \t;":
        char = line[at]
        inner = _substitution(line, at)
        if inner:
            special = special or char
            at += inner
            continue
        if char in _OPERATORS:
            raise ValueError(f"{char} is shell that anyclue does not run")
        if char in "'\"":
            quoted = quoted or "=" not in text
            end = line.find(char, at + 1)
            if end < 0:
                raise ValueError("a quote is not closed on its line")
            part = line[at + 1 : end]
            if char == '"':
                special = special or next((c for c in part if c in _EXPANDED), "")
            text += part
            at = end + 1
        else:
            if char in _EXPANDED_BARE:
                special = special or char
            length = 2 if char == "\\" else 1
            text += line[at : at + length]
            at += length
    return Word(text=text, special=special, quoted_before_equals=quoted), at


def _substitution(line: str, at: int) -> int:
    """Return how many characters a ``$(command)`` or one in backquotes has here, 0 for none."""
    if line.startswith("$(", at):
        end = line.find(")", at)
    elif line[at] == "`":
        end = line.find("`", at + 1)
    else:
        return 0
    return end + 1 - at if end >= 0 else 0
