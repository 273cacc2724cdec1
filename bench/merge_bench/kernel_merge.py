"""A merge of 500 C files of the whole kernel: mechanical edits on both sides, and conflicts."""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.merge_bench.forge import AUTHOR
from bench.pairs_bench.reading import ENCODING, Function, Source

from anyclue.review.merge.core.conflict_markers import resolve_markers

FILES: Final = 500
SHARED: Final = 200
CONFLICTS: Final = 36
DROPPED: Final = 4
"""So many conflicts are decided for theirs; the others keep both sides."""
SEED: Final = 7
CLOSE: Final = ("fs/", "mm/", "block/")
"""Half of the files are from here, the others from all over the kernel."""
AWAY: Final = ("Documentation/", "samples/", "scripts/", "tools/", "usr/")
_RENAMED: Final = {"ret": "status", "err": "error", "i": "index", "len": "length"}
_LAST_RETURN: Final = re.compile(r"^\treturn\b[^;]*;\n\}", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Made:
    """A merge that was made.

    Attributes:
        repository: a bare one; the merge is its HEAD.
        files: how many C files the sides changed.
        shared: how many of them both sides changed.
        conflicts: how many git left with a conflict.
    """

    repository: Path
    files: int
    shared: int
    conflicts: int


class _Kernel:
    """A bare repository with the kernel's files, and a directory for those that are edited."""

    def __init__(self, source: Path, repository: Path, files: Path) -> None:
        self.repository = repository
        self.files = files
        files.mkdir()
        argv = ["git", "clone", "-q", "--bare", "--shared", str(source), str(repository)]
        subprocess.run(argv, check=True)

    def git(self, *words: str, status: int = 0) -> str:
        """Run git with the directory as work tree."""
        argv = ["git", "--git-dir", str(self.repository), "--work-tree", str(self.files)]
        ran = subprocess.run([*argv, *AUTHOR, *words], check=False, capture_output=True, text=True)
        if ran.returncode > status:
            raise SystemExit(ran.stderr)
        return ran.stdout.rstrip("\n")

    def read(self, rev: str, paths: Sequence[str]) -> dict[str, str]:
        """Return files of a commit or tree."""
        self.git("read-tree", rev)
        self.git("checkout-index", "--force", "--", *paths)
        return {path: (self.files / path).read_bytes().decode(ENCODING) for path in paths}

    def commit(self, at: str, texts: Mapping[str, str], *parents: str) -> str:
        """Return a commit: a tree with these files in place of its own."""
        self.git("read-tree", at)
        for path, text in texts.items():
            (self.files / path).write_bytes(text.encode(ENCODING))
        self.git("add", "--force", "--", *texts)
        named = [word for one in parents for word in ("-p", one)]
        return self.git("commit-tree", self.git("write-tree"), *named, "-m", "a commit")


def make(source: Path, repository: Path, files: Path) -> Made:
    """Make the merge, the same one whenever the source is the same.

    Args:
        source: a bare repository with the kernel on ``main``.
        repository: the one to be made, which borrows its objects.
        files: a directory to be made, for the files that are edited.
    """
    kernel = _Kernel(source, repository, files)
    dice = random.Random(SEED)  # noqa: S311
    texts = _drawn(kernel, dice)
    paths = list(texts)
    dice.shuffle(paths)
    alone = (FILES - SHARED) // 2
    of_ours, of_theirs = paths[: SHARED + alone], [*paths[:SHARED], *paths[SHARED + alone :]]
    clash = frozenset(paths[:CONFLICTS])
    base = kernel.git("rev-parse", "main")
    ours, theirs = (
        kernel.commit(
            base,
            {path: _edited(path, texts[path], number, clash=path in clash) for path in mine},
            base,
        )
        for number, mine in enumerate((of_ours, of_theirs))
    )
    tree, *conflicts = kernel.git(
        "merge-tree", "--write-tree", "--name-only", "--no-messages", ours, theirs, status=1
    ).splitlines()
    result = {
        path: _resolved(text, ours, theirs, dropped=number < DROPPED)
        for number, (path, text) in enumerate(kernel.read(tree, conflicts).items())
    }
    merge = kernel.commit(tree, result, ours, theirs)
    kernel.git("update-ref", "refs/heads/main", merge)
    return Made(repository=repository, files=len(paths), shared=SHARED, conflicts=len(conflicts))


def _drawn(kernel: _Kernel, dice: random.Random) -> dict[str, str]:
    """Return C files of the kernel with at least four functions."""
    every = kernel.git("ls-tree", "-r", "--name-only", "main").splitlines()
    sources = [path for path in every if path.endswith(".c") and not path.startswith(AWAY)]
    close = [path for path in sources if path.startswith(CLOSE)]
    drawn = [*dice.sample(close, FILES), *dice.sample(sources, FILES * 2)]
    texts = kernel.read("main", list(dict.fromkeys(drawn)))
    usable = {path: text for path, text in texts.items() if len(_functions(path, text)) > 3}
    near = [path for path in usable if path.startswith(CLOSE)][: FILES // 2]
    far = [path for path in usable if not path.startswith(CLOSE)][: FILES - len(near)]
    return {path: usable[path] for path in (*near, *far)}


def _functions(path: str, text: str) -> list[Function]:
    """Return the functions that end with a return in their first column."""
    return [
        one for one in Source(path, text).functions if _LAST_RETURN.search(text, one.body, one.end)
    ]


def _edited(path: str, text: str, side: int, *, clash: bool) -> str:
    """Return a file with up to four of its functions edited.

    Ours edits every second function, theirs the others; only with ``clash`` both edit the last one,
    in the same place.
    """
    *functions, last = _functions(path, text)
    edits = {one: number for number, one in enumerate(functions[side::2][:4])}
    for one in reversed((*functions, last)):
        body = text[one.start : one.end]
        if one is last and clash:
            body = _before_return(body, f"\tbench_side{side}();\n")
        elif one in edits:
            body = _change(body, edits[one], side)
        text = text[: one.start] + body + text[one.end :]
    return text


def _change(body: str, number: int, side: int) -> str:
    if number % 2 == 0:
        for old, new in _RENAMED.items():
            changed = re.sub(rf"(?<![.>\w]){old}\b", new, body)
            if changed != body:
                return changed
    return _before_return(body, f'\tpr_debug("%s {side}\\n", __func__);\n')


def _before_return(body: str, lines: str) -> str:
    return _LAST_RETURN.sub(lambda found: lines + found[0], body)


def _resolved(text: str, ours: str, theirs: str, *, dropped: bool) -> str:
    """Return a file with its conflicts decided for theirs, or with both sides kept."""
    if dropped:
        ways = resolve_markers(text.encode(ENCODING), ours, theirs)
        return ways[1].decode(ENCODING) if ways else text
    return re.sub(r"^(?:<{7} .*|={7}|>{7} .*)\n", "", text, flags=re.MULTILINE)
