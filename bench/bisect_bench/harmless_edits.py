"""Commits that change nothing of what a module does, drawn with a seed."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from bench.pairs_bench import layout, spelling
from bench.pairs_bench.reading import Function, Source

Change = Callable[[Source, Function, random.Random], str | None]

_LAST_RETURN: Final = re.compile(r"\n(?=\treturn\b[^;]*;\n\}\Z)")
_RETURNS_CALL: Final = re.compile(r"\n\treturn (\w+\([^;]*\));\n\}\Z")
_INT_RET: Final = re.compile(r"^\tint ret(?: = [^;,]*)?;$", re.MULTILINE)
_COMMENT_BEFORE: Final = re.compile(r"/\*(?:(?!\*/).)*\*/\n\Z", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One file, edited: a commit's subject, the file's path, its new text."""

    subject: str
    path: str
    text: str


class EditSampler:
    """Draws edits; no function is edited twice, and kinds take turns."""

    def __init__(self, seed: int, spared: Iterable[tuple[str, str]]) -> None:
        """Begin to draw; functions in ``spared`` (path, name) are never edited."""
        self._dice = random.Random(seed)  # noqa: S311 - a sample, no secret
        self._used = set(spared)
        self._kinds: list[str] = []

    def pools(self, paths: Sequence[str], number: int) -> list[list[str]]:
        """Share paths out into so many lists."""
        shuffled = [*paths]
        self._dice.shuffle(shuffled)
        return [sorted(shuffled[start::number]) for start in range(number)]

    def edit(self, paths: Sequence[str], read: Callable[[str], str]) -> Edit:
        """Return an edit of one of the files, whose texts ``read`` gives.

        Raises:
            LookupError: nothing is left to edit.
        """
        self._kinds = self._kinds or [*KINDS]
        kind = self._kinds.pop(0)
        subject, change = KINDS[kind]
        for path in self._dice.sample(paths, len(paths)):
            source = Source(path, read(path))
            free = [one for one in source.functions if (path, one.name) not in self._used]
            for function in self._dice.sample(free, len(free)):
                if "#" in source.text[function.start : function.end]:
                    continue
                text = change(source, function, self._dice)
                if text is not None and text != source.text:
                    self._used.add((path, function.name))
                    named = subject.format(function=function.name, file=PurePosixPath(path).stem)
                    return Edit(subject=f"btrfs: {named}", path=path, text=text)
        raise LookupError(f"no function to edit: {kind}")


def guard_commented(path: str, text: str) -> Edit:
    """Return the edit of a header that says at its end which guard ends."""
    name = PurePosixPath(path).name
    end = text.rindex("#endif")
    comment = f"/* {name} is included once. */\n"
    return Edit(
        subject=f"btrfs: say where {name} ends", path=path, text=text[:end] + comment + text[end:]
    )


def _inserted(line: str) -> Change:
    """Return the change that puts a line before a function's last return."""

    def change(source: Source, function: Function, _: random.Random) -> str | None:
        body = source.text[function.start : function.end]
        new = _LAST_RETURN.sub(lambda _: f"\n{line}\n", body)
        return None if new == body else _with(source, function, new)

    return change


def _helped(source: Source, function: Function, _: random.Random) -> str | None:
    """Put a condition into a static helper that is called once."""
    body = source.text[function.start : function.end]
    if not _INT_RET.search(body) or "if (ret < 0)" not in body:
        return None
    helper = f"{function.name}_failed"
    before = source.text[: function.start]
    comment = _COMMENT_BEFORE.search(before)
    at = comment.start() if comment else function.start
    added = f"static bool {helper}(int ret)\n{{\n\treturn ret < 0;\n}}\n\n"
    new = body.replace("if (ret < 0)", f"if ({helper}(ret))", 1)
    return source.text[:at] + added + before[at:] + new + source.text[function.end :]


def _split(source: Source, function: Function, _: random.Random) -> str | None:
    """Split the return of a call into the call and the return."""
    body = source.text[function.start : function.end]
    if not _INT_RET.search(body) or not re.match(r"(?:static )?int ", body):
        return None
    new = _RETURNS_CALL.sub(r"\n\tret = \1;\n\treturn ret;\n}", body)
    return None if new == body else _with(source, function, new)


def _with(source: Source, function: Function, text: str) -> str:
    return source.text[: function.start] + text + source.text[function.end :]


KINDS: Final[Mapping[str, tuple[str, Change]]] = {
    "local": ("use a clearer name in {function}()", spelling.local_renamed),
    "comment": ("comment {function}()", _inserted("\t/* Nothing is left to be done. */")),
    "helper": ("add a helper to {function}()", _helped),
    "size": (
        "check the size of a key in {function}()",
        _inserted("\tBUILD_BUG_ON(sizeof(__le64) != 8);"),
    ),
    "split": ("call and return apart in {function}()", _split),
    "debug": (
        "{file}: trace {function}()",
        _inserted('\tpr_debug("BTRFS: %s is done\\n", __func__);'),
    ),
    "labels": ("rename the labels of {function}()", spelling.labels_renamed),
    "declarations": ("sort declarations of {function}()", layout.declarations),
    "branches": ("handle the other case first in {function}()", spelling.branches_exchanged),
}
"""By name: a commit's subject, and what is done."""
