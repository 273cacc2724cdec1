"""Presence on a branch from events in any order: never a crash, never sure without a reason."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anyclue.git.model import Commit, HistoryPosition
from anyclue.review.stable.core.model import BranchStatus, Doubt, MatchKind, Presence
from anyclue.review.stable.core.presence import PresenceEvent, events, presence
from anyclue.review.stable.core.verdicts import branch_verdict, with_doubt

IDS = [letter * 40 for letter in "0123456789ab"]
SUBJECT = Commit(id=IDS[0], parents=(), message="fs: break\n")
EVENTS = st.lists(
    st.builds(
        PresenceEvent,
        commit=st.sampled_from(IDS),
        brings=st.booleans(),
        how=st.sampled_from(list(MatchKind)),
    ),
    unique_by=lambda one: one.commit,
)
PRESENCES = st.builds(
    Presence,
    there=st.booleans(),
    how=st.none() | st.sampled_from(list(MatchKind)),
    doubt=st.none() | st.sampled_from(list(Doubt)),
)


def commit(number: int, message: str) -> Commit:
    return Commit(id=IDS[number], parents=(), message=message)


def kinds(*hits: Commit, same: frozenset[str] = frozenset()) -> dict[str, tuple[bool, MatchKind]]:
    return {one.commit: (one.brings, one.how) for one in events(SUBJECT, hits, same)}


def test_a_backport_of_a_backport() -> None:
    found = kinds(
        commit(2, f"x\n\n(cherry picked from commit {IDS[1]})"),
        commit(1, f"x\n\n[ Upstream commit {IDS[0]} ]"),
    )
    assert found[IDS[2]] == (True, MatchKind.UPSTREAM)


def test_reverts_of_reverts() -> None:
    found = kinds(
        commit(3, f"again\n\nThis reverts commit {IDS[2]}."),
        commit(2, f"off\n\nThis reverts commit {IDS[1]}."),
        commit(1, "x"),
        same=frozenset({IDS[1]}),
    )
    assert found[IDS[2]] == (False, MatchKind.PATCH_ID)
    assert found[IDS[3]] == (True, MatchKind.PATCH_ID)
    assert kinds(commit(4, 'Revert "Revert "fs: break""'))[IDS[4]] == (
        True,
        MatchKind.TITLE,
    )


def test_what_is_a_revert_itself() -> None:
    subject = commit(0, 'Revert "fs: break"')
    hits = [commit(1, 'Revert "Revert "fs: break""'), commit(2, 'Reapply "fs: break"')]
    hits += [commit(3, 'Reapply "Revert "fs: break""'), commit(4, "fs: break")]
    found = {one.commit: one.brings for one in events(subject, hits, frozenset())}
    assert found == {IDS[0]: True, IDS[1]: False, IDS[2]: False, IDS[3]: True}


def test_a_revert_of_another_commit_of_the_same_title() -> None:
    other = commit(1, f"fs: break\n\n[ Upstream commit {IDS[5]} ]")
    assert IDS[2] not in kinds(
        other,
        commit(5, "fs: break"),
        commit(2, f'Revert "fs: break"\n\nThis reverts commit {IDS[6]}.'),
        commit(6, "fs: unlike"),
    )


def test_revert_that_names_itself_and_circles() -> None:
    found = kinds(
        commit(1, f"a\n\nThis reverts commit {IDS[1]}."),
        commit(2, f"a\n\n[ Upstream commit {IDS[3]} ]"),
        commit(3, f"a\n\n[ Upstream commit {IDS[2]} ]"),
    )
    assert set(found) == {IDS[0]}


@given(EVENTS, st.permutations(IDS))
def test_any_events(every: list[PresenceEvent], order: list[str]) -> None:
    places = {one: HistoryPosition(branches=1, order=order.index(one)) for one in IDS}
    found = presence(every, places, 0)
    assert presence(every, places, 1) == Presence(there=False)
    if every:
        last = min(every, key=lambda one: places[one.commit].order)
        assert found.there == last.brings


@given(st.lists(PRESENCES, min_size=1, max_size=3), PRESENCES)
def test_what_is_not_sure_is_never_clean(culprits: list[Presence], fix: Presence) -> None:
    found = branch_verdict(culprits, fix)
    if found.status is BranchStatus.HAS:
        assert fix.there
        assert fix.sure
    if found.status is BranchStatus.NOT_AFFECTED:
        assert all(one.sure and not one.there for one in culprits)
    if found.status is BranchStatus.UNKNOWN:
        assert found.probably is not None
        assert found.doubt is not None


def test_doubt_is_of_what_was_never_seen() -> None:
    assert not with_doubt(Presence(there=False), Doubt.SHALLOW).sure
    assert with_doubt(Presence(there=True, how=MatchKind.ANCESTOR), Doubt.SHALLOW).sure
    assert with_doubt(Presence(there=False, how=MatchKind.ANCESTOR), Doubt.SHALLOW).sure
    assert with_doubt(Presence(there=False), None).sure
