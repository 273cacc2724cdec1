"""Access paths: what is written, and what is reached through it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.review.pairs.ir import access_paths as paths

PATHS = st.recursive(
    st.sampled_from(["a", "b", "ab", "%1"]),
    lambda inner: st.one_of(
        st.builds(paths.dereference, inner),
        st.builds(paths.address, inner),
        st.builds(paths.member, inner, st.sampled_from(["->", "."]), st.sampled_from(["x", "xy"])),
        st.builds(paths.element, inner, st.sampled_from([None, "#1"])),
        st.builds(paths.masked, inner, st.sampled_from(["#A", "#A|B"])),
        st.builds(paths.conversion, inner, st.sampled_from(["I", "I_SB"])),
    ),
    max_leaves=4,
)


@given(PATHS, PATHS)
def test_what_a_path_is_reached_through_is_one_of_its_beginnings(path: str, place: str) -> None:
    if path == place or paths.reached_through(path, place):
        assert place.lstrip("(") in paths.beginnings(path)


@given(PATHS)
def test_a_path_begins_with_itself(path: str) -> None:
    assert path.lstrip("(") in paths.beginnings(path)


@pytest.mark.parametrize(
    ("path", "recursive"),
    [
        ("head->next", False),
        ("head->next->next", True),
        ("node->left->right->left", True),
        ("dir->i_sb->s_root", False),
        ("&head->next->list", False),
    ],
)
def test_a_member_that_is_gone_through_twice_is_that_of_a_list(path: str, recursive: bool) -> None:
    assert paths.is_recursive(path) is recursive
