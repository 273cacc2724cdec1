"""Changes of nothing: what they may do to C written for this."""

from __future__ import annotations

import random
import re

import pytest
from bench.pairs_bench.noops import CHANGES
from bench.pairs_bench.reading import Source

TEXT = """#include <a.h>

static int helper(struct box *box, int n)
{
	int sum = 0;
	long count = n;

	if (!box)
		return -EINVAL;
	if (box->n && box->next != NULL) {
		sum = work(box, n,
		count);
	} else {
		goto out;
	}
	sum++;
out:
	return sum;
}

int user(struct box *box)
{
	return helper(box, 1);
}

int last(void)
{
	return 0;
}
"""
SOURCE = Source("fs/a/b.c", TEXT)


def changed(kind: str, function: int = 0) -> str | None:
    return CHANGES[kind](SOURCE, SOURCE.functions[function], random.Random(3))


@pytest.mark.parametrize("kind", sorted(CHANGES))
def test_every_change_changes_something_and_loses_no_statement(kind: str) -> None:
    new = changed(kind, 1 if kind == "functions-exchanged" else 0)
    assert new is not None
    assert new != TEXT
    assert len(Source("", new).functions) == 3
    code = Source("", new).code
    assert code.count(";") == TEXT.count(";") + (kind == "function-moved-to-end")
    assert code.count("return") == TEXT.count("return")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("lines-joined", "work(box, n, count);"),
        ("braces-added", "\tif (!box) {\n\t\treturn -EINVAL;\n\t}\n"),
        ("declarations-exchanged", "\tlong count = n;\n\tint sum = 0;\n"),
        ("null-spelled", "if (box == NULL)"),
        ("branches-exchanged", "if (!(box->n && box->next != NULL)) {\n\t\tgoto out;\n\t} else {"),
        ("function-moved-to-end", "static int helper(struct box *box, int n);\n"),
    ],
)
def test_what_is_made(kind: str, expected: str) -> None:
    assert expected in (changed(kind) or "")


def test_names_are_changed_wherever_they_stand() -> None:
    for kind, name in (("function-renamed", "helper"), ("labels-renamed", "out")):
        assert not re.search(rf"\b{name}\b", changed(kind) or "")


def test_functions_that_need_each_other_stay_in_order() -> None:
    assert changed("functions-exchanged", 0) is None
