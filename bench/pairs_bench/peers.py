"""What other tools say about the same mutants: new messages, compared with the untouched file."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from bench.pairs_bench.reading import ENCODING
from bench.pairs_bench.sampling import Mutant
from bench.pairs_bench.tools import Headers, Message, Tool, compiles

WORKERS = 2
_Made = TypeVar("_Made")


@dataclass(frozen=True, kw_only=True)
class Peer:
    """What one tool found of the sample; ``seconds`` is how long it had a processor for it.

    ``found`` holds the mutants with a new message anywhere in the file, ``in_function`` those with
    one in the mutated function; ``failed`` counts runs that ran out of time or crashed.
    """

    name: str
    mutants: int
    found: frozenset[str]
    in_function: frozenset[str]
    seconds: float
    failed: int

    @property
    def recall(self) -> float:
        """The share of the sample for which the tool says anything new."""
        return len(self.found) / self.mutants if self.mutants else 0.0


class Workplace:
    """A copy of the tree, of hard links, in which one file at a time is another."""

    def __init__(self, tree: Path, directory: Path) -> None:
        self.root = directory
        for part in ("fs", "mm", "include"):
            shutil.copytree(tree / part, directory / part, copy_function=_link, symlinks=True)

    def put(self, path: str, text: str) -> None:
        """Make ``path`` a file of its own with this text."""
        target = self.root / path
        target.unlink()
        target.write_text(text, encoding=ENCODING)


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copyfile(source, target)
    return target


class Comparison:
    """Runs tools on a sample of mutants, in a few workplaces at once."""

    def __init__(self, tree: Path, headers: Headers, directory: Path) -> None:
        self._headers = headers
        self._free: SimpleQueue[Workplace] = SimpleQueue()
        for number in range(WORKERS):
            self._free.put(Workplace(tree, directory / str(number)))

    def _in_workplace(self, path: str, text: str, work: Callable[[Path], _Made]) -> _Made:
        place = self._free.get()
        try:
            place.put(path, text)
            return work(place.root)
        finally:
            self._free.put(place)

    def sample(self, mutants: Sequence[Mutant], wanted: int, seed: int) -> list[Mutant]:
        """Draw mutants that compile, from every tree as many; untouched they have to, too."""
        generator = random.Random(f"{seed}/peers")  # noqa: S311 - a sample, no secret
        trees = sorted({mutant.tree for mutant in mutants})
        drawn: list[Mutant] = []
        for number, tree in enumerate(trees):
            mine = [mutant for mutant in mutants if mutant.tree == tree]
            rest = wanted * (number + 1) // len(trees) - wanted * number // len(trees)
            for mutant in generator.sample(mine, len(mine)):
                if rest and self._compiles(mutant):
                    drawn.append(mutant)
                    rest -= 1
        return drawn

    def _compiles(self, mutant: Mutant) -> bool:
        source = mutant.mutation.source
        return all(
            self._in_workplace(
                source.path, text, lambda root: compiles(root, source.path, self._headers)
            )
            for text in (source.text, mutant.mutation.text)
        )

    def peer(self, tool: Tool, mutants: Sequence[Mutant]) -> Peer:
        """Run one tool on every mutant, and once on every file that one of them is in."""
        originals = {m.mutation.source.path: m.mutation.source.text for m in mutants}
        jobs = [
            *originals.items(),
            *((m.mutation.source.path, m.mutation.text) for m in mutants),
        ]
        with ThreadPoolExecutor(WORKERS) as pool:
            results = list(pool.map(lambda job: self._run(tool, *job), jobs))
        untouched = dict(zip(originals, results, strict=False))
        found, in_function = set(), set()
        for mutant, result in zip(mutants, results[len(originals) :], strict=True):
            before = untouched[mutant.mutation.source.path]
            if result.failed or before.failed:
                continue
            known = Counter(message.text for message in before.messages)
            if Counter(message.text for message in result.messages) - known:
                found.add(mutant.id)
            if _in_function(mutant, before.messages, result.messages):
                in_function.add(mutant.id)
        return Peer(
            name=tool.name,
            mutants=len(mutants),
            found=frozenset(found),
            in_function=frozenset(in_function),
            seconds=round(sum(result.seconds for result in results), 1),
            failed=sum(result.failed for result in results),
        )

    def _run(self, tool: Tool, path: str, text: str) -> _Result:
        return self._in_workplace(path, text, lambda root: _run(tool, root, path, self._headers))


@dataclass(frozen=True, kw_only=True)
class _Result:
    messages: tuple[Message, ...]
    seconds: float
    failed: bool


def _run(tool: Tool, root: Path, path: str, headers: Headers) -> _Result:
    seconds, failed = 0.0, False
    messages: list[Message] = []
    for argv in tool.commands(root, path, headers):
        output, status, spent = _spent(argv, root, tool.limit_s)
        messages += tool.messages(path, output)
        failed = failed or status < 0 or spent >= tool.limit_s - 1
        seconds += spent
    said = "out of time, or crashed" if failed else f"{len(messages)} messages"
    print(f"{tool.name}: {path}: {said}, {seconds:.1f} s", file=sys.stderr)
    return _Result(messages=tuple(messages), seconds=seconds, failed=failed)


def _spent(argv: Sequence[str], root: Path, limit_s: int) -> tuple[str, int, float]:
    """Run a command; return its output, its status and the seconds of processor it took."""
    limited = ("prlimit", f"--cpu={limit_s}", "--", *argv)
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            limited, cwd=root, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    return text, process.returncode, usage.ru_utime + usage.ru_stime


def _in_function(mutant: Mutant, before: Sequence[Message], after: Sequence[Message]) -> bool:
    """Whether there are more messages of some text in the mutated function than before."""
    source, function = mutant.mutation.source, mutant.mutation.function
    last = source.line(function.end)
    old = Counter(m.text for m in before if mutant.first_line <= m.line <= last)
    new = Counter(m.text for m in after if mutant.first_line <= m.line <= mutant.last_line)
    return bool(new - old)
