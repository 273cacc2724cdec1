"""Measure how much of a kernel tree is read.

    .venv/bin/python bench/reading.py TREE [DIRECTORY...]

TREE is an unpacked kernel source. By directory: C files and their lines, functions, the share of
them in which something could not be parsed (in the file as it lies there, and behind the pre-pass
with each choice of `#if`), places outside functions that could not be read, and processor seconds
on one core. The last line is one JSON object.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TypeVar

import tree_sitter_c
from tree_sitter import Language, Parser

from anyclue.review.source.model import Choice, CSource
from anyclue.review.source.parse import read
from anyclue.review.source.prepass import prepare_source

DIRECTORIES = ("fs", "mm", "kernel", "block", "lib")
T = TypeVar("T")


@dataclass(kw_only=True)
class Row:
    """What was counted in a directory; ``_s`` are processor seconds."""

    directory: str
    files: int = 0
    lines: int = 0
    functions: int = 0
    raw_functions: int = 0
    raw_broken: int = 0
    broken: int = 0
    off_functions: int = 0
    off_broken: int = 0
    unread: int = 0
    raw_parse_s: float = 0
    prepass_s: float = 0
    read_s: float = 0

    def add(self, source: bytes) -> None:
        """Count a file."""
        (raw_functions, raw_broken), raw_parse_s = _timed(lambda: _raw(source))
        _, prepass_s = _timed(lambda: prepare_source(source))
        on, read_s = _timed(lambda: read(source))
        off = read(source, Choice.OFF)
        self.files += 1
        self.lines += on.lines
        self.functions += len(on.functions)
        self.raw_functions += raw_functions
        self.raw_broken += raw_broken
        self.broken += _broken(on)
        self.off_functions += len(off.functions)
        self.off_broken += _broken(off)
        self.unread += len(on.unread)
        self.raw_parse_s += raw_parse_s
        self.prepass_s += prepass_s
        self.read_s += read_s


def main(arguments: Sequence[str]) -> None:
    """Print a line for each directory, then the sum as JSON."""
    if not arguments:
        sys.exit(__doc__)
    tree = Path(arguments[0])
    names = ("files", "lines", "functions", "raw %", "on %", "off %", "unread")
    print(
        f"{'directory':10}", *(f"{name:>9}" for name in (*names, "raw s", "prepass s", "parse s"))
    )
    rows = [_measure(tree, directory) for directory in arguments[1:] or DIRECTORIES]
    result = {
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
        "python": platform.python_version(),
        "tree": tree.name,
        "directories": [_rounded(row) for row in rows],
    }
    print(json.dumps(result))


def _measure(tree: Path, directory: str) -> Row:
    row = Row(directory=directory)
    for path in sorted((tree / directory).rglob("*.c")):
        row.add(path.read_bytes())
    shares = (
        _percent(row.raw_broken, row.raw_functions),
        _percent(row.broken, row.functions),
        _percent(row.off_broken, row.off_functions),
    )
    print(
        f"{directory:10} {row.files:9} {row.lines:9} {row.functions:9}",
        *(f"{share:9.2f}" for share in shares),
        f"{row.unread:9} {row.raw_parse_s:9.2f} {row.prepass_s:9.2f}",
        f"{row.read_s - row.prepass_s:9.2f}",
        flush=True,
    )
    return row


def _raw(source: bytes) -> tuple[int, int]:
    """Return the functions of a file as it lies there, and how many are broken."""
    tree = Parser(Language(tree_sitter_c.language())).parse(source)
    nodes = [node for node in tree.root_node.children if node.type == "function_definition"]
    return len(nodes), sum(node.has_error for node in nodes)


def _broken(source: CSource) -> int:
    return sum(function.broken for function in source.functions)


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    began = time.process_time()
    result = work()
    return result, time.process_time() - began


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0


def _rounded(row: Row) -> dict[str, object]:
    values = asdict(row)
    seconds = {field.name for field in fields(row) if field.name.endswith("_s")}
    return {name: round(values[name], 2) if name in seconds else values[name] for name in values}


if __name__ == "__main__":
    main(sys.argv[1:])
