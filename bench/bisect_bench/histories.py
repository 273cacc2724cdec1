"""The three histories, made of Debian's fs/btrfs: where the culprit is, and what is in its way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.bisect_bench import handwritten_commits
from bench.bisect_bench.handwritten_commits import EARLY, LATE, HandwrittenCommit
from bench.bisect_bench.harmless_edits import Edit, EditSampler, guard_commented
from bench.bisect_bench.repository import Repository
from bench.pairs_bench.reading import ENCODING

DIRECTORY: Final = "fs/btrfs"
SEED: Final = 5
HEADERS: Final = ("compression.h", "props.h", "raid56.h", "export.h")
README: Final = """\
fs/btrfs of Debian's Linux, with commits that bench/bisect_bench of anyclue made. One is bad.
"""


@dataclass(frozen=True, kw_only=True)
class BenchHistory:
    """A repository with a known culprit.

    Attributes:
        kind: the history's name.
        path: its work tree; ``bad`` is checked out.
        good: the commit that all others descend from.
        bad: the newest commit; it leaks.
        culprit: the commit that brought the leak.
        parents: the culprit's; none of them leaks.
        unbuildable: commits that do not build.
        crashing: commits that crash under the workload.
        merges: all merges.
        fix: a commit on top of ``bad`` that mends it.
    """

    kind: str
    path: Path
    good: str
    bad: str
    culprit: str
    parents: tuple[str, ...]
    unbuildable: tuple[str, ...]
    crashing: tuple[str, ...]
    merges: tuple[str, ...]
    fix: str

    @property
    def commits(self) -> tuple[str, ...]:
        """The commits behind ``good``, each behind its parents; those of a branch together."""
        listed = Repository(self.path).git(
            "rev-list", "--topo-order", "--reverse", f"{self.good}..{self.bad}"
        )
        return tuple(listed.split())


class _HistoryBuilder:
    """A repository that grows by harmless commits and by those that are written by hand."""

    def __init__(self, source: Path, path: Path) -> None:
        self.repository = Repository.new(path)
        files = {
            str(one.relative_to(source)): one.read_text(encoding=ENCODING)
            for one in sorted((source / DIRECTORY).rglob("*"))
            if one.is_file()
        }
        self.good = self.repository.commit("Import fs/btrfs", {"README": README, **files})
        self._sampler = EditSampler(SEED, handwritten_commits.SPARED)
        hand = {handwritten_commits.LZO}
        sources = [p for p in files if p.endswith(".c") and p.count("/") == 2 and p not in hand]
        self.pools = self._sampler.pools(sources, 4)
        self._headers = [p for p in (f"{DIRECTORY}/{name}" for name in HEADERS) if p in files]

    def harmless(self, number: int, pool: int = 0) -> str:
        """Make so many harmless commits to files of a pool; return the last."""
        for _ in range(number):
            last = self._edit(self._sampler.edit(self.pools[pool], self.repository.read))
        return last

    def header(self) -> str:
        """Make a harmless commit to a header that none touched so far."""
        path = self._headers.pop(0)
        return self._edit(guard_commented(path, self.repository.read(path)))

    def write(self, commit: HandwrittenCommit) -> str:
        """Make a commit that was written by hand."""
        text = commit.edit(self.repository.read(commit.path))
        return self.repository.commit(commit.subject, {commit.path: text})

    def _edit(self, edit: Edit) -> str:
        return self.repository.commit(edit.subject, {edit.path: edit.text})

    def finished(
        self,
        kind: str,
        culprit: str,
        *,
        unbuildable: Iterable[str] = (),
        crashing: Iterable[str] = (),
    ) -> BenchHistory:
        """End it: what is checked out is the bad end."""
        git = self.repository.git
        bad = git("rev-parse", "HEAD")
        merges = git("rev-list", "--merges", "--reverse", f"{self.good}..{bad}").split()
        self.repository.branch("fix", bad)
        fix = self.write(handwritten_commits.FIX)
        self.repository.branch("main")
        return BenchHistory(
            kind=kind,
            path=self.repository.path,
            good=self.good,
            bad=bad,
            culprit=culprit,
            parents=tuple(git("rev-parse", f"{culprit}^@").split()),
            unbuildable=tuple(unbuildable),
            crashing=tuple(crashing),
            merges=tuple(merges),
            fix=fix,
        )


def linear_with_merges(source: Path, path: Path) -> BenchHistory:
    """Make 60 commits, with two merges, a crash in the middle and a commit that does not build."""
    one = _HistoryBuilder(source, path)
    one.harmless(3)
    one.header()
    one.write(EARLY[0])
    fork = one.harmless(1)
    one.repository.branch("cleanups", fork)
    one.harmless(7, 1)
    one.repository.branch("main")
    one.harmless(4)
    one.write(EARLY[1])
    one.header()
    one.harmless(2)
    one.repository.merge("cleanups")
    fork = one.harmless(1)
    one.repository.branch("helpers", fork)
    one.harmless(6, 2)
    one.repository.branch("main")
    one.harmless(6)
    # The 30th of 60: where every bisection begins.
    crash = one.write(handwritten_commits.CRASH)
    crashing = (crash, one.write(EARLY[2]), one.harmless(1))
    one.repository.revert(crash)
    one.harmless(1)
    one.repository.merge("helpers")
    one.harmless(2)
    one.header()
    unbuildable = one.write(handwritten_commits.UNBUILDABLE)
    one.write(handwritten_commits.BUILDABLE)
    one.harmless(2)
    culprit = one.write(handwritten_commits.CULPRIT)
    one.harmless(1)
    one.write(LATE[0])
    one.harmless(3)
    one.write(LATE[1])
    one.harmless(2)
    one.write(LATE[2])
    one.harmless(2)
    return one.finished("linear-with-merges", culprit, unbuildable=[unbuildable], crashing=crashing)


def side_branch(source: Path, path: Path) -> BenchHistory:
    """Make 40 commits, the culprit among nine of a branch that was forked early and merged late."""
    one = _HistoryBuilder(source, path)
    one.harmless(3)
    fork = one.write(EARLY[0])
    one.repository.branch("sectors", fork)
    one.harmless(1, 1)
    one.write(EARLY[1])
    one.harmless(2, 1)
    culprit = one.write(handwritten_commits.CULPRIT)
    one.harmless(2, 1)
    one.write(LATE[1])
    one.harmless(1, 1)
    one.repository.branch("main")
    fork = one.harmless(2)
    one.repository.branch("cleanups", fork)
    one.harmless(5, 2)
    one.repository.branch("main")
    one.harmless(2)
    one.write(EARLY[2])
    one.repository.merge("cleanups")
    one.harmless(3)
    one.write(LATE[2])
    one.harmless(3)
    one.repository.merge("sectors")
    one.harmless(3)
    one.header()
    one.write(LATE[0])
    one.harmless(3)
    return one.finished("side-branch", culprit)


def evil_merge(source: Path, path: Path) -> BenchHistory:
    """Make 28 commits; the last of two merges loses the release in its conflict."""
    one = _HistoryBuilder(source, path)
    one.harmless(3)
    fork = one.write(EARLY[0])
    one.repository.branch("cleanups", fork)
    one.harmless(4, 1)
    one.repository.branch("main")
    one.harmless(2)
    fork = one.repository.merge("cleanups")
    one.repository.branch("comments", fork)
    one.harmless(3, 2)
    one.write(handwritten_commits.NOTED)
    one.harmless(2, 2)
    one.repository.branch("main")
    one.harmless(2)
    one.write(handwritten_commits.REFACTORING)
    one.write(EARLY[1])
    one.harmless(2)
    resolution = handwritten_commits.resolved(one.repository.read(handwritten_commits.LZO))
    culprit = one.repository.merge("comments", {handwritten_commits.LZO: resolution})
    one.harmless(2)
    one.write(LATE[0])
    one.write(LATE[2])
    one.harmless(1)
    return one.finished("evil-merge", culprit)


MAKERS: Final[Mapping[str, Callable[[Path, Path], BenchHistory]]] = {
    "linear-with-merges": linear_with_merges,
    "side-branch": side_branch,
    "evil-merge": evil_merge,
}
"""By kind, what makes the repository of a kernel tree's fs/btrfs, at a path that is not there."""
