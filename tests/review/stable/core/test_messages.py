"""What messages name: real forms, and nonsense that must not crash."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.git.model import Commit
from anyclue.review.stable.core.messages import (
    fixes_commit,
    fixes_tags,
    matches_id,
    reverted_ids,
    unwrap_reverts,
    upstream_ids,
)

ID = "2cf3f8133bda2a0945cc4c70e681ecb25b52b913"
OTHER = "d0b5e15f1a4b7a7a9b1f0ac3e5d7b6a2c4f3e1d0"
PIECES = [
    "Fixes:",
    "fixes :",
    ID,
    ID[:12],
    OTHER[:7],
    '("',
    '")',
    "commit ",
    " upstream.",
    "[ Upstream commit ",
    "(cherry picked from commit ",
    "This reverts commit ",
    " which is",
    'Revert "',
    'Reapply "',
    '"',
    "\n",
    "\x1b[31m",
    "\0",
    "\u202e",
    "\udcff",
    " ",
    "[",
]
NONSENSE = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5))).map("".join)


@pytest.mark.parametrize(
    ("line", "commit", "title"),
    [
        (f'Fixes: {ID[:12]} ("btrfs: break it")', ID[:12], "btrfs: break it"),
        (f"Fixes: {ID} (btrfs: (really) break it)", ID, "btrfs: (really) break it"),
        (f'fixes: commit {ID[:12].upper()} "x"', ID[:12], "x"),
        (f'Fixes: {ID[:12]} ("say "no"")\r', ID[:12], 'say "no"'),
        (f"Fixes: {ID[:8]}", ID[:8], ""),
        (f"Fixes: {ID[:8]}: btrfs: x", ID[:8], "btrfs: x"),
        ("Fixes: 123456 (too short)", "", ""),
        ("Fixes: the bug of yesterday", "", ""),
        ("Fixes:", "", ""),
        (f"Fixes: {ID}{ID} (too long)", "", ""),
    ],
)
def test_fixes(line: str, commit: str, title: str) -> None:
    (tag,) = fixes_tags(f"title\n\nbody\n{line}\nSigned-off-by: a\n")
    assert (tag.id, tag.title) == (commit, title)


@pytest.mark.parametrize("line", ["Fixes: https://a.b/1", "  Fixes: x", "This Fixes: x", "Fixes x"])
def test_no_fixes(line: str) -> None:
    assert fixes_tags(f"title\n\n{line}\n") == ()


@pytest.mark.parametrize(
    "line",
    [
        f"commit {ID} upstream.",
        f"Commit {ID} upstream",
        f"[ Upstream commit {ID} ]",
        f"[Upstream commit {ID}]",
        f"[ commit {ID} upstream ]",
        f"Upstream commit {ID}.",
        f"(cherry picked from commit {ID})",
        f"(cherry-picked from commit {ID})",
        f"(backported from commit {ID} linux-next)",
    ],
)
def test_upstream(line: str) -> None:
    assert upstream_ids(f"title\n\n{line}\n\nWhy.\n") == (ID,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"This reverts commit {ID}.", (ID,)),
        (f"This reverts commit {ID}, reversing\nchanges made to {OTHER}.", (ID,)),
        (f"This reverts commit {ID} which is commit {OTHER} upstream.", (ID, OTHER)),
        (f"This reverts commit {ID} which is\ncommit {OTHER} upstream.", (ID, OTHER)),
        (f"This reverts commit\n{ID}.", (ID,)),
        (f"It reverts {ID}", ()),
    ],
)
def test_reverted(text: str, expected: tuple[str, ...]) -> None:
    assert reverted_ids(f'Revert "x"\n\n{text}\n') == expected
    assert upstream_ids(text) == (), "what is reverted is no backport of it"


def test_titles_of_reverts() -> None:
    assert unwrap_reverts("btrfs: x") == ("btrfs: x", 0)
    assert unwrap_reverts('Revert "btrfs: "x""') == ('btrfs: "x"', 1)
    assert unwrap_reverts('Revert "Revert "btrfs: x""') == ("btrfs: x", 2)
    assert unwrap_reverts('Reapply "btrfs: x"') == ("btrfs: x", 2)
    assert unwrap_reverts('Revert ""') == ("", 1)


def test_names_and_titles() -> None:
    assert matches_id(ID[:7], ID)
    assert not matches_id(ID[:6], ID)
    commit = Commit(id=OTHER, parents=(), message=f"\n a \n\tb\n\nFixes: {ID[:12]}\n")
    assert commit.title == "a b"
    assert fixes_commit(commit, ID)
    assert not fixes_commit(commit, OTHER)


@given(NONSENSE)
def test_nonsense_is_read_to_its_end(text: str) -> None:
    for tag in fixes_tags(text):
        assert tag.id == "" or matches_id(tag.id, tag.id)
        assert "\n" not in tag.text
    assert all(len(one) >= 7 for one in (*upstream_ids(text), *reverted_ids(text)))
    assert unwrap_reverts(text)[0] in text
    assert "\n" not in Commit(id=ID, parents=(), message=text).title


@pytest.mark.parametrize(
    "text",
    [
        " " * 300_000,
        "Fixes: " + " " * 300_000 + "x",
        "[ " * 150_000,
        "This reverts commit " * 20_000,
        'Revert "' * 40_000 + '"' * 40_000,
        "(cherry picked from commit " * 15_000,
        f'Fixes: {ID} ("' + '"' * 300_000,
    ],
)
def test_long_nonsense_takes_no_time(text: str) -> None:
    begin = time.monotonic()
    fixes_tags(text)
    upstream_ids(text)
    reverted_ids(text)
    unwrap_reverts(text)
    assert time.monotonic() - begin < 2
