"""Contracts against the names of a tree."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anyclue.review.pairs.contracts.coverage import (
    AbsentCall,
    ContractCoverage,
    TreeNames,
    UnknownCleanup,
    UnknownPair,
    coverage,
)
from anyclue.review.pairs.contracts.model import Contracts, KernelVersion
from anyclue.review.pairs.contracts.read import read

TABLE = """
[[pair]]
name = "gizmo"
title = "gizmo"
kind = "handle"
acquire = [
  { call = "gizmo_get", holds = "$0" },
  { call = "gizmo_find", holds = "$ret", fails = "null" },
  { call = "gizmo_make", holds = "$ret", until = "6.8" },
]
release = [{ call = "gizmo_put", takes = "$0" }]

[[guard]]
name = "gizmo"
pair = "gizmo"
holds = "$0"

[[free]]
name = "gizmo_put"
pair = "gizmo"
"""
HEADER = b"""\
/* gizmo_find() was here */
#define gizmo_get(g) __gizmo_get(g)
void gizmo_put(struct gizmo *g);
struct gizmo *gizmo_make(void);	// gizmo_find(1)

DEFINE_FREE(gizmo_put, struct gizmo *, if (_T) gizmo_put(_T))
DEFINE_FREE(widget_free, void *, widget_free(_T));
DEFINE_GUARD(gizmo, struct gizmo *, gizmo_get(_T), gizmo_put(_T))
DEFINE_GUARD_COND(gizmo, _try, gizmo_tryget(_T))
DEFINE_LOCK_GUARD_1(yard,
  struct yard, yard_lock(_T->lock), yard_unlock(_T->lock))
EXTEND_CLASS(gizmo, _two, gizmo_two(g), struct gizmo *g)
#define DEFINE_OTHER(_name) \\
	DEFINE_CLASS(_name, int, 0, 1, void)
static inline struct widget *get_widget(int id)
{
	return 0;
}
void put_widget(struct widget *w);
int widget_lock(struct widget *w), widget_unlocked(void);
void yard_acquire(struct yard *);
void yard_release(struct yard *);
int target_size(void);
int tarput_size(void);
"""
CODE = b"""\
int f(struct gizmo *g)
{
	guard(gizmo)(g);
	scoped_guard(yard, &g->yard)
		put_widget(get_widget(1));
	scoped_class(gizmo_two, two, g) {
		void *p __free(widget_free) = 0;
	}
	ACQUIRE(gizmo_try, try)(g);
	return CLASS( yard, x)(0);
}
"""


def checked(version: KernelVersion | None = None) -> ContractCoverage:
    names = TreeNames()
    names.add("include/gizmo.h", HEADER)
    names.add("fs/gizmo.c", CODE)
    return coverage(read({"x": TABLE}, Contracts()), names, version)


def test_calls_that_are_only_in_comments_are_absent() -> None:
    found = checked()
    assert (found.files, found.calls) == (2, 4)
    assert found.absent == (AbsentCall(call="gizmo_find", pairs=("gizmo",)),)
    assert found.excluded == ()


def test_a_call_that_should_be_gone_and_is_there_is_told() -> None:
    found = checked((6, 9))
    assert found.calls == 3
    assert found.excluded == (AbsentCall(call="gizmo_make", pairs=("gizmo",)),)
    assert checked((6, 8)).excluded == ()


def test_cleanups_without_contract_come_with_place_and_uses() -> None:
    found = checked()
    assert (found.cleanups, found.cleanup_uses) == (6, 6)
    path = "include/gizmo.h"
    assert found.unknown_cleanups == (
        UnknownCleanup(name="yard", macro="DEFINE_LOCK_GUARD_1", path=path, line=10, uses=2),
        UnknownCleanup(name="gizmo_try", macro="DEFINE_GUARD_COND", path=path, line=9, uses=1),
        UnknownCleanup(name="gizmo_two", macro="EXTEND_CLASS", path=path, line=12, uses=1),
        UnknownCleanup(name="widget_free", macro="DEFINE_FREE", path=path, line=7, uses=1),
    )


def test_functions_go_together_by_whole_words_of_their_names() -> None:
    assert checked().unknown_pairs == (
        UnknownPair(acquire="get_widget", release="put_widget", calls=4),
        UnknownPair(acquire="yard_acquire", release="yard_release", calls=2),
    )


@given(st.binary(max_size=300))
def test_any_bytes_are_read(text: bytes) -> None:
    names = TreeNames()
    names.add("a.c", text)
    assert coverage(read({"x": TABLE}, Contracts()), names, None).files == 1
