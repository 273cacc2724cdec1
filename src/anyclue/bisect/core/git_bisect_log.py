"""The log of ``git bisect``: read as it prints it, and written so that it can be replayed.

git knows one word a commit. What is written as that word is what the posterior says of the commit,
which never contradicts itself along the history; the single runs stand in comments.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from anyclue.bisect.core.model import BisectionStatus, BisectTerm, Observation, Rates
from anyclue.bisect.core.search import Search
from anyclue.model.errors import RequestError

MAX_SUBJECT: Final = 100
"""Characters of a commit's subject that are written."""
LOG_RATES: Final = Rates(false_bad=0.05, false_good=0.2)
"""How often a log's word is wrong: nobody knows how it was come by, so more often than a run."""

_COMMENT = re.compile(r"# ([\w-]+): \[([0-9a-f]{40}|[0-9a-f]{64})\]")
_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_TERM = re.compile(r"--term-(new|bad|old|good)=(.+)")
_TWO_WORDS = frozenset({"--term-new", "--term-bad", "--term-old", "--term-good"})


@dataclass(frozen=True, kw_only=True)
class BisectLog:
    """What a log says.

    Attributes:
        good: the good ends: those named at the start, or the first one.
        bad: the bad end; empty when there is none yet.
        runs: what was said after that, in order.
    """

    good: tuple[str, ...] = ()
    bad: str = ""
    runs: tuple[Observation, ...] = ()


def read_log(text: str) -> BisectLog:
    """Read what ``git bisect log`` printed, with any terms; ids are full, as git writes them.

    Raises:
        RequestError: a line is none of git's; it names the line.
    """
    terms = {
        **{one.value: one for one in BisectTerm},
        "old": BisectTerm.GOOD,
        "new": BisectTerm.BAD,
    }
    comments: list[tuple[str, str]] = []
    good: list[str] = []
    bad = ""
    runs: list[Observation] = []
    for number, line in enumerate(text.splitlines(), 1):
        if comment := _COMMENT.match(line):
            comments.append((comment[1], comment[2]))
            continue
        if not line.strip() or line.startswith("#"):
            continue
        command, *rest = _command(number, line)
        if command == "start":
            terms |= _terms(rest)
            ends = [(terms.get(word), commit) for word, commit in comments]
            good = [commit for term, commit in ends if term is BisectTerm.GOOD]
            bad = next((commit for term, commit in ends if term is BisectTerm.BAD), "")
            runs = []
        elif command == "terms" or not rest:
            continue
        elif command in terms and all(map(_ID.fullmatch, rest)):
            term = terms[command]
            for commit in rest:
                if term is BisectTerm.BAD and not bad:
                    bad = commit
                elif term is BisectTerm.GOOD and not good:
                    good = [commit]
                else:
                    runs.append(Observation(commit=commit, term=term))
        else:
            raise _not_a_log_line(number, line)
    return BisectLog(good=tuple(good), bad=bad, runs=tuple(runs))


def imported(log: BisectLog, commits: Container[str]) -> tuple[Observation, ...]:
    """Return what a log says of commits of a range; it steers the search and proves nothing.

    What it skips is tried here: it may have been skipped for a reason that does not hold here.
    """
    return tuple(
        replace(one, rates=LOG_RATES, because="git bisect log", imported=True)
        for one in log.runs
        if one.commit in commits and one.term is not BisectTerm.SKIP
    )


def write_log(search: Search, subjects: Mapping[str, str]) -> str:
    """Return a bisection as a log that ``git bisect replay`` accepts.

    Args:
        search: the bisection.
        subjects: subjects of commits, as far as they are known; they may hold anything.
    """
    ancestry = search.ancestry
    bad = ancestry.ids[ancestry.bad]
    lines = [_comment("bad", bad, subjects)]
    lines += [_comment("good", one, subjects) for one in ancestry.good]
    lines.append(shlex.join(("git", "bisect", "start", bad, *ancestry.good)))
    for commit, runs in search.runs.items():
        lines += [f"# run: {one.term.value}{_because(one)}" for one in runs]
        if commit != bad and commit in ancestry.number:
            term = _term(search, commit)
            lines += [_comment(term, commit, subjects), f"git bisect {term} {commit}"]
    if search.state.status is BisectionStatus.FOUND:
        lines.append(_comment("first bad commit", search.state.accused[0], subjects))
    return "\n".join(lines) + "\n"


def _term(search: Search, commit: str) -> BisectTerm:
    if commit in search.skipped:
        return BisectTerm.SKIP
    likely_bad = search.posterior.with_bug[search.ancestry.number[commit]] >= 0.5
    return BisectTerm.BAD if likely_bad else BisectTerm.GOOD


def _command(number: int, line: str) -> list[str]:
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise _not_a_log_line(number, line) from error
    if words[:2] == ["git", "bisect"] and len(words) > 2:
        return words[2:]
    if words[:1] == ["git-bisect"] and len(words) > 1:
        return words[1:]
    raise _not_a_log_line(number, line)


def _terms(options: Sequence[str]) -> dict[str, BisectTerm]:
    """Return the user's own words; those after ``--`` are paths."""
    options = options[: options.index("--")] if "--" in options else options
    joined = [f"{one}={value}" for one, value in pairwise(options) if one in _TWO_WORDS]
    found = [match for one in (*options, *joined) if (match := _TERM.fullmatch(one))]
    return {m[2]: BisectTerm.BAD if m[1] in ("new", "bad") else BisectTerm.GOOD for m in found}


def _comment(word: str, commit: str, subjects: Mapping[str, str]) -> str:
    return f"# {word}: [{commit}] {_plain(subjects.get(commit, ''))}".rstrip()


def _because(run: Observation) -> str:
    return f" ({_plain(run.because)})" if run.because else ""


def _plain(text: str) -> str:
    """Return a text on one line, without characters that do something."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= MAX_SUBJECT else f"{line[: MAX_SUBJECT - 3]}..."


def _not_a_log_line(number: int, line: str) -> RequestError:
    return RequestError.of(
        f"not a line of git bisect log: {_plain(line)!r}",
        where=f"line {number}",
        next_step="give what `git bisect log` printed",
    )
