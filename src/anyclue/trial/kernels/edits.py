"""Change one function of a C file by text, only where it is found as often as expected."""

from __future__ import annotations

import re

from anyclue.model.errors import Problem, RequestError
from anyclue.model.scenario import Edit

_SKIPPED = re.compile(
    r"""//[^\n]* | /\*.*?\*/ | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'""", re.DOTALL | re.VERBOSE
)
_DIRECTIVE = re.compile(r"^[ \t]*\#(?:[^\\\n]|\\.)*", re.MULTILINE | re.DOTALL)
# What may stand between a function's arguments and its body: __must_hold(&lock), __cold, ...
_ANNOTATION = re.compile(r"[^;{}=()]*\b__\w+\s*(?=\()")
_BODY = re.compile(r"[^;{}=()]*\{")


def apply_edit(text: str, edit: Edit) -> str:
    """Return ``text`` with ``edit`` applied.

    Raises:
        RequestError: the function is not there, or ``edit.find`` does not occur in it exactly
            ``edit.times`` times.
    """
    begin, end = (0, len(text)) if edit.function is None else function_body(text, edit)
    words = edit.find.split()
    pattern = re.compile(r"\s+".join(re.escape(word) for word in words))
    # Take the white space before a deleted statement along, so that no blank line is left.
    if not edit.replace.strip():
        pattern = re.compile(r"(?:(?<=\n)[ \t]*)?" + pattern.pattern + r"(?:[ \t]*\n)?")
    changed, count = pattern.subn(lambda _: edit.replace, text[begin:end])
    if count != edit.times:
        where = f"{edit.file}, function {edit.function}" if edit.function else edit.file
        raise RequestError(
            [
                Problem(
                    what=f"the edit does not apply: its text occurs {count} times, "
                    f"expected {edit.times}: {' '.join(words)!r}",
                    where=where,
                    next_step="compare `find` with this kernel version's source, or set `times`",
                )
            ]
        )
    return text[:begin] + changed + text[end:]


def function_body(text: str, edit: Edit) -> tuple[int, int]:
    """Return where the definition of ``edit.function`` begins and ends in ``text``.

    Raises:
        RequestError: the file defines no such function.
    """
    # Same length, so that positions hold; comments, strings and macros can no longer mislead.
    plain = text
    for misleading in (_SKIPPED, _DIRECTIVE):
        plain = misleading.sub(lambda match: " " * len(match[0]), plain)
    for match in re.finditer(rf"\b{re.escape(edit.function or '')}\s*\(", plain):
        after = _closing(plain, match.end() - 1, "()")
        while after is not None and (annotation := _ANNOTATION.match(plain, after)):
            after = _closing(plain, annotation.end(), "()")
        brace = _BODY.match(plain, after) if after is not None else None
        if brace is None:
            continue
        end = _closing(plain, brace.end() - 1, "{}")
        if end is not None:
            return match.start(), end
    raise RequestError(
        [
            Problem(
                what=f"no function {edit.function!r} is defined there",
                where=edit.file,
                next_step="check the name, or leave `function` out to search the whole file",
            )
        ]
    )


def _closing(text: str, opening: int, pair: str) -> int | None:
    depth = 0
    for at in range(opening, len(text)):
        if text[at] == pair[0]:
            depth += 1
        elif text[at] == pair[1]:
            depth -= 1
            if depth == 0:
                return at + 1
    return None
