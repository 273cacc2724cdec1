"""Branches of generated repositories: each gets its verdict, with how that is known."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from anyclue.model.errors import RequestError
from anyclue.review.stable.core.model import (
    BranchStatus,
    Doubt,
    MatchKind,
    TitleMismatch,
    UpstreamRevert,
)
from anyclue.review.stable.render.text import stable_text
from anyclue.review.stable.render.words import cc_line

if TYPE_CHECKING:
    from pathlib import Path

    from tests.review.stable.driver.conftest import Stable

BRANCH = "linux-5.15.y"


def test_a_branch_with_the_culprit_and_no_fix(stable: Stable) -> None:
    stable.on(BRANCH, stable.culprit)
    stable.commit("something else", name="fs/c.c")
    found = stable.review()
    (one,) = found.branches
    assert one.status is BranchStatus.NEEDS
    assert (one.culprits[0].how, one.culprits[0].version) == (
        MatchKind.ANCESTOR,
        "v5.15-rc1",
    )
    assert one.pick is not None
    assert (one.pick.conflicts, one.pick.empty) == ((), False)
    assert cc_line(found) == "Cc: stable@vger.kernel.org # 5.15+"
    text = stable_text(found)
    assert f"git switch {BRANCH} && git cherry-pick -x {stable.fix}" in text
    assert f"[ Upstream commit {stable.fix} ]" in text


def test_nothing_is_written_to_the_repository(stable: Stable) -> None:
    stable.on(BRANCH, stable.culprit)
    before = sorted(str(path) for path in stable.path.rglob("*"))
    stable.review()
    assert sorted(str(path) for path in stable.path.rglob("*")) == before


def test_branches_that_have_the_fix_or_never_had_the_culprit(stable: Stable) -> None:
    stable.on("linux-5.16.y", stable.fix)
    stable.on("linux-5.10.y", stable.base)
    stable.commit("something else", name="fs/c.c")
    standings = {one.name: one.status for one in stable.review().branches}
    assert standings == {
        "linux-5.16.y": BranchStatus.HAS,
        "linux-5.10.y": BranchStatus.NOT_AFFECTED,
    }


@pytest.mark.parametrize(
    "line",
    [
        "commit {} upstream.",
        "[ Upstream commit {} ]",
        "(cherry picked from commit {})",
        "[ commit {} upstream ]",
    ],
)
def test_a_culprit_backported_as_its_message_says(stable: Stable, line: str) -> None:
    stable.on("linux-5.10.y", stable.base)
    stable.broken(f"other title\n\n{line.format(stable.culprit)}", new="leak_20(); /* old */")
    stable.git("tag", "v5.10.7")
    one = stable.branch()
    assert (one.status, one.culprits[0].how) == (BranchStatus.NEEDS, MatchKind.UPSTREAM)
    assert one.culprits[0].version == "v5.10.7"


def test_a_culprit_backported_under_another_title(stable: Stable) -> None:
    stable.on("linux-5.10.y", stable.base)
    stable.broken("other title")
    one = stable.branch()
    assert (one.status, one.culprits[0].how) == (BranchStatus.NEEDS, MatchKind.PATCH_ID)


def test_a_culprit_known_by_its_title_alone(stable: Stable) -> None:
    stable.on("linux-5.10.y", stable.base)
    stable.broken(new="leak_20(); /* old */")
    one = stable.branch()
    assert (one.status, one.culprits[0].how) == (BranchStatus.UNKNOWN, MatchKind.TITLE)
    assert one.verdict.probably is BranchStatus.NEEDS


def test_another_commit_of_the_same_title(stable: Stable) -> None:
    stable.on("main")
    other = stable.commit(stable.titles["culprit"], name="fs/c.c", new="other")
    stable.on("linux-5.10.y", stable.base)
    stable.commit(
        f"{stable.titles['culprit']}\n\n[ Upstream commit {other} ]", name="fs/c.c", new="other"
    )
    assert stable.branch().status is BranchStatus.NOT_AFFECTED


def test_a_fix_backported(stable: Stable) -> None:
    messages = {
        "linux-5.15.y": (
            f"{stable.titles['fix']}\n\n[ Upstream commit {stable.fix} ]",
            MatchKind.UPSTREAM,
        ),
        "linux-5.14.y": ("other title", MatchKind.PATCH_ID),
    }
    for branch, (message, _) in messages.items():
        stable.on(branch, stable.culprit)
        stable.mended(message)
    for one in stable.review().branches:
        assert (one.status, one.fix.how) == (BranchStatus.HAS, messages[one.name][1])


def test_a_fix_known_by_its_title_alone_is_not_taken_for_one(stable: Stable) -> None:
    stable.on(BRANCH, stable.culprit)
    stable.commit(stable.titles["fix"], name="fs/c.c", new="other")
    one = stable.branch()
    assert one.status is BranchStatus.UNKNOWN
    assert one.verdict.probably is BranchStatus.HAS


def test_a_fix_that_is_there_under_no_name(stable: Stable) -> None:
    stable.on(BRANCH, stable.culprit)
    stable.commit("unlike", old="leak_20();\n\tline_21();", new="put_20();\n\tline_21_new();")
    stable.commit("unlike 2", old="line_21_new", new="line_21")
    one = stable.branch()
    assert one.status is BranchStatus.UNKNOWN
    assert one.verdict.doubt is Doubt.EMPTY_PICK


def test_a_culprit_reverted_and_applied_again(stable: Stable) -> None:
    stable.on(BRANCH, stable.culprit)
    stable.git("revert", "--no-edit", stable.culprit)
    one = stable.branch()
    assert one.status is BranchStatus.NOT_AFFECTED
    assert one.verdict.reverted
    stable.git("revert", "--no-edit", "HEAD")
    assert stable.branch().status is BranchStatus.NEEDS


def test_a_backport_reverted_as_stable_maintainers_do(stable: Stable) -> None:
    stable.on("linux-5.10.y", stable.base)
    at = stable.broken(f"fs: break\n\ncommit {stable.culprit} upstream.")
    message = f"drop it\n\nThis reverts commit {at} which is\ncommit {stable.culprit} upstream.\n"
    stable.commit(message, old="leak_20", new="line_20")
    assert stable.branch().status is BranchStatus.NOT_AFFECTED


def test_a_fix_reverted(stable: Stable) -> None:
    stable.on(BRANCH, stable.fix)
    stable.git("revert", "--no-edit", stable.fix)
    one = stable.branch()
    assert (one.status, one.fix.reverted) == (BranchStatus.NEEDS, stable.git("rev-parse", "HEAD"))
    assert one.pick is not None
    assert not one.pick.empty


def test_a_revert_known_by_its_title_alone(stable: Stable) -> None:
    stable.on(BRANCH, stable.culprit)
    stable.commit(f'Revert "{stable.titles["culprit"]}"', name="fs/c.c", new="x")
    one = stable.branch()
    assert one.status is BranchStatus.UNKNOWN
    assert one.verdict.probably is BranchStatus.NOT_AFFECTED


def test_a_fix_reverted_upstream(stable: Stable) -> None:
    stable.git("revert", "--no-edit", stable.fix)
    stable.on(BRANCH, stable.culprit)
    (note,) = stable.review().notes
    assert isinstance(note, UpstreamRevert)


def test_follow_ups(stable: Stable) -> None:
    message = f'fs: mend more\n\nFixes: {stable.fix[:12]} ("{stable.titles["fix"]}")\n'
    follow_up = stable.commit(message, old="put_20();", new="put_20(); check();")
    stable.on("linux-5.15.y", stable.culprit)
    backport = stable.mended(f"fs: mend\n\n[ Upstream commit {stable.fix} ]")
    stable.on("linux-5.14.y", "linux-5.15.y")
    stable.commit(
        message.replace("\n\n", f"\n\n[ Upstream commit {follow_up} ]\n\n"),
        old="put_20();",
        new="put_20(); check();",
    )
    own = stable.commit(f"only here\n\nFixes: {backport[:12]} (x)", name="fs/c.c", new="x")
    found = stable.review()
    assert {one.id for one in found.follow_ups} == {follow_up, own}
    lacking = {one.name: set(one.lacking) for one in found.branches}
    assert lacking == {"linux-5.15.y": {follow_up, own}, "linux-5.14.y": set()}
    assert "take along" in stable_text(found)


def test_a_cherry_pick_with_a_conflict(stable: Stable) -> None:
    stable.on(BRANCH, stable.culprit)
    stable.commit("near", old="leak_20();\n", new="leak_20(1);\n")
    one = stable.branch()
    assert one.status is BranchStatus.NEEDS
    assert one.pick is not None
    assert one.pick.conflicts == ("fs/a.c",)
    assert "conflict in fs/a.c" in stable_text(stable.review())


def clone(stable: Stable, path: Path, *options: str) -> None:
    source = f"file://{stable.path}"
    command = ["git", "clone", "-q", "--no-single-branch", *options, source, str(path)]
    subprocess.run(command, check=True, capture_output=True)
    stable.path = path


def test_a_shallow_clone_knows_what_it_cannot_know(stable: Stable, tmp_path: Path) -> None:
    stable.on("linux-5.15.y", stable.culprit)
    stable.commit("later", name="fs/c.c")
    stable.commit("later still", name="fs/c.c")
    stable.on("linux-5.10.y", stable.base)
    for number in range(4):
        stable.commit(f"older {number}", name="fs/d.c")
    stable.on("main")
    clone(stable, tmp_path / "shallow", "--depth", "3")
    found = {one.name: one for one in stable.review("origin/linux-*.y").branches}
    assert found["origin/linux-5.15.y"].status is BranchStatus.NEEDS
    assert found["origin/linux-5.10.y"].status is BranchStatus.UNKNOWN
    assert found["origin/linux-5.10.y"].verdict.doubt is Doubt.SHALLOW


def test_a_culprit_beyond_a_shallow_clone(stable: Stable, tmp_path: Path) -> None:
    stable.git("tag", "-d", "v5.10", "v5.15-rc1")
    clone(stable, tmp_path / "shallow", "--depth", "1")
    with pytest.raises(RequestError, match="no such commit in this clone"):
        stable.review("origin/main")


def test_a_clone_without_contents(stable: Stable, tmp_path: Path) -> None:
    stable.on("linux-5.15.y", stable.culprit)
    stable.on("linux-5.10.y", stable.base)
    stable.git("config", "uploadpack.allowFilter", "true")
    clone(stable, tmp_path / "partial", "--filter=blob:none", "--no-checkout")
    for one in stable.review("origin/linux-*.y").branches:
        assert one.status is BranchStatus.UNKNOWN
        assert one.verdict.doubt is Doubt.NOT_COMPARED


def test_several_culprits(empty: Stable) -> None:
    empty.mainline()
    second = empty.commit("second", old="line_30();", new="leak_30();")
    message = (
        f"fix both\n\nFixes: {empty.culprit[:12]} (fs: break)\nFixes: {second[:12]} (second)\n"
    )
    empty.fix = empty.commit(message, old="leak_30();", new="put_30();")
    empty.on("linux-5.15.y", empty.culprit)
    empty.on("linux-5.10.y", empty.base)
    empty.commit(
        "fs: x\n\n(cherry picked from commit " + second + ")", old="line_30", new="leak_30"
    )
    found = empty.review()
    assert len(found.culprits) == 2
    assert [one.status for one in found.branches] == [BranchStatus.NEEDS] * 2
    assert [[two.there for two in one.culprits] for one in found.branches] == [
        [True, False],
        [False, True],
    ]


def test_a_fix_that_reverts_its_culprit(empty: Stable) -> None:
    empty.mainline()
    empty.on("again", empty.culprit)
    empty.git("revert", "--no-edit", empty.culprit)
    message = empty.git("log", "-1", "--format=%B")
    empty.git(
        "commit", "-q", "--amend", "-m", f"{message}\n\nFixes: {empty.culprit[:12]} (fs: break)"
    )
    empty.fix = empty.git("rev-parse", "HEAD")
    empty.on("linux-5.15.y", empty.culprit)
    empty.on("linux-5.14.y", empty.culprit)
    empty.git("cherry-pick", "-x", empty.fix)
    empty.on("linux-5.13.y", "linux-5.14.y")
    empty.git("revert", "--no-edit", "HEAD")
    found = {one.name: one.status for one in empty.review().branches}
    assert found == {
        "linux-5.15.y": BranchStatus.NEEDS,
        "linux-5.14.y": BranchStatus.HAS,
        "linux-5.13.y": BranchStatus.NEEDS,
    }


def test_ids_of_another_length(empty: Stable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DEFAULT_HASH", "sha256")
    empty.mainline()
    monkeypatch.delenv("GIT_DEFAULT_HASH")
    assert len(empty.fix) == 64
    empty.on("linux-5.15.y", empty.culprit)
    empty.on("linux-5.10.y", empty.base)
    empty.broken("other title")
    for one in empty.review().branches:
        assert one.status is BranchStatus.NEEDS
        assert one.pick is not None
        assert not one.pick.conflicts


def test_culprits_of_the_users_own(stable: Stable) -> None:
    stable.on("linux-5.10.y", stable.base)
    found = stable.review(culprits=("v5.10", "main~1"))
    assert [one.id for one in found.culprits] == [stable.base, stable.culprit]
    assert found.branches[0].status is BranchStatus.NEEDS


def test_an_ambiguous_abbreviation(empty: Stable, monkeypatch: pytest.MonkeyPatch) -> None:
    empty.mainline()
    both = (empty.culprit, empty.base)
    monkeypatch.setattr("anyclue.review.stable.driver.request.abbreviated", lambda *_: both)
    assert empty.review("main").culprits[0].id == empty.culprit, "the title tells them apart"
    empty.fix = empty.mended_again("fs: mend\n\nFixes: 1234567 (neither)")
    with pytest.raises(RequestError, match="is ambiguous") as told:
        empty.review("main")
    assert "--culprit" in str(told.value)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "the fix has no Fixes: line"),
        ("Fixes: https://example.org/1", "the fix has no Fixes: line"),
        ("Fixes: the bug", "does not begin with a commit's id"),
        ("Fixes: abcd (short)", "does not begin with a commit's id"),
        ("Fixes: fffffffffff0 (x)", "no such commit in this clone"),
    ],
)
def test_fixes_that_name_no_commit(stable: Stable, line: str, told: str) -> None:
    stable.fix = stable.mended_again(f"fs: again\n\n{line}")
    with pytest.raises(RequestError, match=told) as error:
        stable.review("main")
    assert "--culprit REV" in str(error.value)
    assert stable.review("main", culprits=("v5.15-rc1",)).branches[0].status is BranchStatus.HAS


def test_every_mistake_at_once(stable: Stable) -> None:
    stable.fix = stable.mended_again("fs: again")
    with pytest.raises(RequestError) as error:
        stable.review("nowhere", "no/such-*")
    text = str(error.value)
    assert "'nowhere'" in text
    assert "'no/such-*'" in text
    assert "Fixes:" in text


def test_no_stable_branch(stable: Stable) -> None:
    with pytest.raises(RequestError, match="--trees REF"):
        stable.review()


def test_a_merge_is_no_fix(stable: Stable) -> None:
    stable.on("topic", stable.base)
    stable.commit("x", name="fs/c.c")
    stable.git("merge", "-q", "--no-edit", "main")
    stable.fix = stable.git("rev-parse", "HEAD")
    with pytest.raises(RequestError, match="it has 2 parents"):
        stable.review("main")


def test_a_title_that_differs_from_the_culprits(empty: Stable) -> None:
    empty.mainline()
    empty.fix = empty.mended_again(f"fs: again\n\nFixes: {empty.culprit[:12]} (another title)")
    (note,) = empty.review("main").notes
    line = f"{empty.culprit[:12]} (another title)"
    assert note == TitleMismatch(line=line, commit=empty.culprit, title=empty.titles["culprit"])
