"""Lines and words of C, so far as comparing texts needs them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

_TOKEN: Final = re.compile(
    r"(?P<comment>/\*.*?(?:\*/|\Z)|//[^\n]*)"
    r"|(?P<quoted>\"(?:\\.|[^\"\\\n])*\"?|'(?:\\.|[^'\\\n])*'?)"
    r"|(?P<word>\w+)|(?P<space>\s+)|(?P<mark>->|\+\+|--|<<|>>|&&|\|\||[<>=!+*/%&|^-]=|.)",
    re.DOTALL,
)
_WORDS: Final = """
auto break case char const continue default do double else enum extern float for goto if inline int
long register return short signed sizeof static struct switch typedef union unsigned void volatile
while NULL
"""
KEYWORDS: Final = frozenset(_WORDS.split())


_DECLARATION: Final = re.compile(
    r"(?!(?:return|goto|else|case|do|break|continue|typedef|if|while|for|switch) )"
    r"(?:[A-Za-z_]\w* )+(?:\* )*[A-Za-z_]\w*(?: \[[^\]]*\])?(?: (?:=|,) .*)? ;"
)


def is_declaration(statement: str) -> bool:
    """Return whether a folded statement declares variables."""
    return bool(_DECLARATION.fullmatch(statement))


def tokens(text: str) -> list[str]:
    """Return the words and marks of a text, without white space and comments."""
    return [
        found[0] for found in _TOKEN.finditer(text) if found.lastgroup not in ("comment", "space")
    ]


def fold_lines(lines: Sequence[str]) -> tuple[str, ...]:
    """Return each line without comments, its tokens one space apart."""
    return _folded(tuple(lines))


@lru_cache(maxsize=1 << 16)
def _folded(lines: tuple[str, ...]) -> tuple[str, ...]:
    # Most functions are the same in all versions of a merge.
    kept: list[list[str]] = [[]]
    for found in _TOKEN.finditer("\n".join(lines)):
        if found.lastgroup not in ("comment", "space"):
            kept[-1].append(found[0])
        kept += ([] for _ in range(found[0].count("\n")))
    return tuple(" ".join(one) for one in kept[: len(lines)])


def shape(line: str) -> str:
    """Return a line with its variables taken out: the same is done there, maybe to others."""
    words = line.split(" ")
    behind = [*words[1:], ""]
    return " ".join(
        "$" if _is_name(one) and one not in KEYWORDS and after != "(" else one
        for one, after in zip(words, behind, strict=True)
    )


def calls(lines: Iterable[str]) -> set[str]:
    """Return the names that stand in front of parentheses in folded lines."""
    found = set()
    for line in lines:
        words = line.split(" ")
        found |= {
            one
            for one, after in pairwise(words)
            if after == "(" and _is_name(one) and one not in KEYWORDS
        }
    return found


def names(line: str) -> set[str]:
    """Return the identifiers in a folded line."""
    return {one for one in line.split(" ") if _is_name(one)} - KEYWORDS


def _is_name(word: str) -> bool:
    return word[:1].isalpha() or word[:1] == "_"
