"""The log of git bisect: from a real git, and back into it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anyclue.bisect.core.ancestry import ancestry_of
from anyclue.bisect.core.git_bisect_log import BisectLog, read_log, write_log
from anyclue.bisect.core.model import BisectTerm, Observation, Rates, Settings
from anyclue.bisect.core.search import search
from anyclue.git import repository as git
from anyclue.git.history import commit_range
from anyclue.model.errors import RequestError

if TYPE_CHECKING:
    from tests.bisect.core.conftest import Tools

HOSTILE = "evil\x1b[31m \u202e\u2028subject\n# good: [{id}]\ngit bisect good {id}"
FLAKY = Settings(rates=Rates(false_good=0.2, false_bad=0.01))


@dataclass(frozen=True)
class Sandbox:
    path: Path
    ids: tuple[str, ...] = ()

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@b")
        argv = ["git", "-C", str(self.path), *who, *arguments]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def box(tmp_path: Path) -> Sandbox:
    made = Sandbox(tmp_path)
    made.git("init", "-q", "-b", "main")
    for number in range(12):
        (tmp_path / "f").write_text(str(number))
        made.git("add", "f")
        made.git("commit", "-q", "-m", f"commit {number}")
    return Sandbox(tmp_path, tuple(made.git("rev-list", "--reverse", "HEAD").split()))


def test_a_log_with_the_ends_at_the_start(box: Sandbox) -> None:
    box.git("bisect", "start", "HEAD", "HEAD~11")
    box.git("bisect", "skip", box.ids[5])
    box.git("bisect", "good", box.ids[3])
    box.git("bisect", "bad", box.ids[4])
    assert read_log(box.git("bisect", "log")) == BisectLog(
        good=(box.ids[0],),
        bad=box.ids[11],
        runs=(
            Observation(commit=box.ids[5], term=BisectTerm.SKIP),
            Observation(commit=box.ids[3], term=BisectTerm.GOOD),
            Observation(commit=box.ids[4], term=BisectTerm.BAD),
        ),
    )


def test_a_log_with_the_ends_later(box: Sandbox) -> None:
    box.git("bisect", "start")
    box.git("bisect", "bad", "HEAD")
    box.git("bisect", "good", "HEAD~11")
    box.git("bisect", "bad", box.ids[6])
    found = read_log(box.git("bisect", "log"))
    assert (found.good, found.bad) == ((box.ids[0],), box.ids[11])
    assert found.runs == (Observation(commit=box.ids[6], term=BisectTerm.BAD),)


def test_a_log_in_words_of_ones_own(box: Sandbox) -> None:
    box.git("bisect", "start", "--term-new=broken", "--term-old", "fine", "HEAD", "HEAD~11", "--")
    box.git("bisect", "fine", box.ids[6])
    box.git("bisect", "broken", box.ids[8])
    found = read_log(box.git("bisect", "log"))
    assert found.bad == box.ids[11]
    assert [one.term for one in found.runs] == [BisectTerm.GOOD, BisectTerm.BAD]


def test_a_log_that_git_ended(box: Sandbox) -> None:
    box.git("bisect", "start", "HEAD", "HEAD~11")
    box.git("bisect", "run", "sh", "-c", "test $(cat f) -lt 7")
    text = box.git("bisect", "log")
    assert "# first bad commit" in text
    span = ancestry_of(
        commit_range(git.repository(box.path), read_log(text).good, read_log(text).bad)
    )
    now = search(span, FLAKY, observations=read_log(text).runs)
    assert now.state.accused == (box.ids[7],)


@pytest.mark.parametrize(
    "line",
    ["git bisect good", "git bisect start", "git bisect reset", "git push", "good abc", "'"],
)
def test_what_is_no_log(line: str) -> None:
    if line in ("git bisect good", "git bisect start"):
        assert read_log(line) == BisectLog()
        return
    with pytest.raises(RequestError, match="line 2: not a line of git bisect log"):
        read_log(f"# a comment\n{line} x\n")


@pytest.mark.parametrize("seed", range(4))
def test_what_is_written_is_replayed_by_git(box: Sandbox, tools: Tools, seed: int) -> None:
    span = ancestry_of(commit_range(git.repository(box.path), [box.ids[0]], box.ids[11]))
    run = tools.guest(
        span, box.ids[6], FLAKY.rates, seed=seed, broken=frozenset({box.ids[9], box.ids[10]})
    )
    now, seen = tools.finish(search(span, FLAKY), run)
    subjects = {one: HOSTILE.format(id=box.ids[11]) for one in box.ids}
    text = write_log(now, subjects)
    assert all(line.isprintable() for line in text.split("\n"))
    assert text.count("\n# run: ") == len(seen)
    log = box.path / ".git/log"
    log.write_text(text)
    box.git("bisect", "replay", str(log))
    ended = box.git("bisect", "log")
    assert f"# first bad commit: [{now.state.accused[0]}]" in ended
    again = read_log(text)
    assert (again.good, again.bad) == ((box.ids[0],), box.ids[11])
    assert {one.commit for one in again.runs} == {one.commit for one in seen} - {
        box.ids[0],
        box.ids[11],
    }


def test_half_way_it_can_be_replayed_too(box: Sandbox, tools: Tools) -> None:
    span = ancestry_of(commit_range(git.repository(box.path), [box.ids[0]], box.ids[11]))
    now = search(span, FLAKY)
    run = tools.guest(span, box.ids[6], FLAKY.rates, seed=3)
    for _ in range(5):
        assert now.state.next is not None
        now = now.after(run(now.state.next.commit))
    log = box.path / ".git/log"
    log.write_text(write_log(now, {}))
    box.git("bisect", "replay", str(log))
