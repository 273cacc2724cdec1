"""A repository with a mainline and stable branches, made as each test needs it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from anyclue.review.stable.core.model import Branch, StableReview
from anyclue.review.stable.driver.request import StableRequest
from anyclue.review.stable.driver.review import review

AUTHOR = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
START = "".join(f"\tline_{number}();\n" for number in range(40))


@dataclass
class Stable:
    """Mainline has a culprit and its fix; branches begin where a test says.

    Attributes:
        path: the work tree.
        base: the commit before the culprit.
        culprit: the commit that breaks line 20.
        fix: the commit that mends it.
    """

    path: Path
    base: str = ""
    culprit: str = ""
    fix: str = ""
    titles: dict[str, str] = field(
        default_factory=lambda: {"culprit": "fs: break", "fix": "fs: mend"}
    )

    def git(self, *arguments: str, status: bool = True) -> str:
        command = ["git", "-C", str(self.path), *AUTHOR, *arguments]
        done = subprocess.run(command, check=status, capture_output=True)
        return done.stdout.decode(errors="replace").strip()

    def commit(self, message: str, *, old: str = "", new: str = "", name: str = "fs/a.c") -> str:
        """Commit a change of a file; without text to replace, one that is about another file."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if old:
            text = path.read_text()
            assert old in text
            path.write_text(text.replace(old, new))
        else:
            with path.open("a") as file:
                file.write(new or message)
        self.git("add", "--all")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def on(self, branch: str, at: str = "") -> None:
        self.git("checkout", "-q", *(("-B", branch, at) if at else (branch,)))

    def broken(self, message: str = "", old: str = "line_20();", new: str = "leak_20();") -> str:
        return self.commit(message or self.titles["culprit"], old=old, new=new)

    def mended(self, message: str = "") -> str:
        return self.commit(message or self.titles["fix"], old="leak_20();", new="put_20();")

    def mended_again(self, message: str) -> str:
        return self.commit(message, old="put_20();", new="put_20(1);")

    def mainline(self, *more: str) -> None:
        """Make the base (v5.10), the culprit (v5.15-rc1) and the fix (v5.16)."""
        self.git("init", "-q", "-b", "main")
        self.commit("start", new=START)
        self.base = self.commit("more", name="fs/b.c")
        self.git("tag", "v5.10")
        self.culprit = self.broken()
        self.git("tag", "v5.15-rc1")
        lines = more or (f'Fixes: {self.culprit[:12]} ("{self.titles["culprit"]}")',)
        self.fix = self.mended("\n".join((self.titles["fix"], "", "Why.", "", *lines)))
        self.git("tag", "v5.16")

    def review(self, *trees: str, culprits: tuple[str, ...] = ()) -> StableReview:
        return review(StableRequest(fix=self.fix, tree=self.path, trees=trees, culprits=culprits))

    def branch(self, *trees: str) -> Branch:
        (one,) = self.review(*trees).branches
        return one


@pytest.fixture
def stable(tmp_path: Path) -> Stable:
    path = tmp_path / "tree"
    path.mkdir()
    made = Stable(path)
    made.mainline()
    return made


@pytest.fixture
def empty(tmp_path: Path) -> Stable:
    path = tmp_path / "empty"
    path.mkdir()
    return Stable(path)
