"""The mutants of `make bench-pairs`, made of C written for this."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from bench.pairs_bench.mutations import Kind, Mutation, Origin, mutations
from bench.pairs_bench.reading import Source
from bench.pairs_bench.sampling import LOCAL_SHARE, REPORT, TUNE, errors, half_of, parses, sample

if TYPE_CHECKING:
    from anyclue.review.pairs.contracts.model import Contracts

PROLOGUE = """/* take(a); { */
#define TWICE(x) \\
	do { drop(x); } while (0)

"""


def of(contracts: Contracts, text: str, kind: Kind | None = None) -> list[Mutation]:
    source = Source("fs/some/file.c", PROLOGUE + text)
    found = [m for f in source.functions for m in mutations(source, f, contracts)]
    assert all(parses(mutation) for mutation in found)
    return [mutation for mutation in found if kind in (None, mutation.kind)]


BRANCHES = """static int branches(struct box *box, int flag)
{
	take(&box->lock);
	if (flag) {
		drop(&box->lock);
		return -EINVAL;
	}
	work("drop(&box->lock);");
	drop(&box->lock);	/* done */
	return 0;
}
"""


def test_all_releases_of_a_resource_are_deleted(contracts: Contracts) -> None:
    (mutation,) = of(contracts, BRANCHES, Kind.EVERYWHERE)
    assert mutation.before == BRANCHES.rstrip("\n")
    assert mutation.after == (
        "static int branches(struct box *box, int flag)\n{\n\ttake(&box->lock);\n\tif (flag) {\n"
        '\t\treturn -EINVAL;\n\t}\n\twork("drop(&box->lock);");\n\t\t/* done */\n\treturn 0;\n}'
    )
    assert (mutation.pairs, mutation.resource) == (("lock",), "box.lock")
    assert mutation.origin is Origin.LOCAL


def test_one_of_several_releases_is_deleted(contracts: Contracts) -> None:
    first, second = of(contracts, BRANCHES, Kind.ONCE)
    assert [m.after.count("drop(&box->lock)") for m in (first, second)] == [2, 2]
    assert (first.line, second.line) == (9, 13)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("\tif (x)\n\t\tdrop(x);\n\telse\n\t\twork();\n", "\tif (x)\n\t\t;\n\telse\n\t\twork();\n"),
        ("\tgoto out;\nout:\n\tdrop(x);\n", "\tgoto out;\nout:\n\t;\n"),
        ("\tfor_each(x, y)\n\t\tdrop(x);\n", "\tfor_each(x, y)\n\t\t;\n"),
        ("\tswitch (n) {\n\tcase 1:\n\t\tdrop(x);\n\t\tbreak;\n\t}\n", None),
    ],
)
def test_what_is_left_of_a_deletion_parses(
    contracts: Contracts, before: str, after: str | None
) -> None:
    (mutation,) = of(contracts, f"void f(struct thing *x)\n{{\n{before}}}\n", Kind.EVERYWHERE)
    expected = before.replace("\t\tdrop(x);\n", "") if after is None else after
    assert mutation.after == f"void f(struct thing *x)\n{{\n{expected}}}"
    assert mutation.origin is Origin.HANDED


@pytest.mark.parametrize(
    "line",
    ["\tif (drop(x))\n\t\twork();", "\terr = drop(x);", "\treturn drop(x);", "\ta ? 0 : drop(x);"],
)
def test_a_release_in_an_expression_stays(contracts: Contracts, line: str) -> None:
    assert not of(contracts, f"int f(struct thing *x)\n{{\n{line}\n}}\n")


GOTOS = """int gotos(struct box *box)
{
	struct thing *thing;
	int err;

	thing = get_thing(box);
	if (!thing)
		goto fail;
	err = first(thing);
	if (err)
		goto out;
	if (second(box)) {
		put_thing(thing);
		goto fail;
	}
	put_thing(thing);
	err = third(box);
	if (err)
		goto out_after;
	return 0;
out:
	put_thing(thing);
out_after:
	return err;
fail:
	return -ENOMEM;
}
"""


def test_a_goto_becomes_a_return_where_something_is_held(contracts: Contracts) -> None:
    text = GOTOS.replace("fail:\n\treturn -ENOMEM;\n", "fail:\n\terr = 1;\n\treturn err;\n")
    (mutation,) = of(contracts, text, Kind.GOTO)
    changed = [line for line in mutation.after.splitlines() if line not in text.splitlines()]
    assert changed == ["\t\treturn err;"]
    assert mutation.line == text[: text.index("goto out;")].count("\n") + 1 + PROLOGUE.count("\n")
    assert (mutation.pairs, mutation.origin) == (("thing",), Origin.LOCAL)


@pytest.mark.parametrize(
    "guard",
    [
        "if (!thing)",
        "if (IS_ERR(thing))",
        "if (unlikely(thing == NULL))",
        "err = check(1);\n\tif (!thing || err)",
        "err = PTR_ERR_OR_ZERO(thing);\n\twork();\n\tif (err)",
        "put_thing(thing);\n\terr = check(1);\n\tif (err)",
    ],
)
def test_a_goto_of_a_failed_acquire_stays(contracts: Contracts, guard: str) -> None:
    text = (
        "int f(struct box *box)\n{\n\tstruct thing *thing;\n\tint err = 0;\n\n"
        f"\tthing = get_thing(box);\n\t{guard}\n\t\tgoto out;\n\twork();\nout:\n"
        "\tput_thing(thing);\n\treturn err;\n}\n"
    )
    assert not of(contracts, text, Kind.GOTO)


def test_a_field_of_an_argument_is_the_resource(contracts: Contracts) -> None:
    text = (
        "int f(struct box *box)\n{\n\tstruct loc loc;\n\tint err;\n\n"
        "\terr = find_slot(box, &loc);\n\tif (err)\n\t\treturn err;\n"
        "\tput_buffer(loc.bh);\n\treturn 0;\n}\n"
    )
    (mutation,) = of(contracts, text, Kind.EVERYWHERE)
    assert (mutation.resource, mutation.origin) == ("loc.bh", Origin.LOCAL)


def test_a_release_is_doubled_in_every_way(contracts: Contracts) -> None:
    text = (
        "int f(struct box *box)\n{\n\ttake(&box->lock);\n\tif (box->n) {\n"
        "\t\tdrop(&box->lock);\n\t\tgoto out;\n\t}\n\tdrop(&box->lock);\n\twork();\n"
        "\treturn 0;\nout:\n\treturn 1;\n}\n"
    )
    afters = [mutation.after for mutation in of(contracts, text, Kind.DOUBLED)]
    release = "\tdrop(&box->lock);\n"
    assert [after.count(release) for after in afters] == [3] * 4
    assert sum("out:\n\tdrop" in after for after in afters) == 1
    assert sum(f"work();\n{release}\treturn 0;" in after for after in afters) == 1


def test_a_doubled_sole_body_gets_braces(contracts: Contracts) -> None:
    text = "void f(struct thing *x)\n{\n\tif (x)\n\t\tput_thing(x);\n\telse\n\t\twork();\n}\n"
    (mutation,) = of(contracts, text, Kind.DOUBLED)
    assert "\tif (x)\n\t\t{\n\t\tput_thing(x);\n\t\tput_thing(x);\n\t}\n\telse" in mutation.after


def test_unmaps_and_maps_are_exchanged(contracts: Contracts) -> None:
    text = (
        "void f(struct page *p, struct page *q)\n{\n\tchar *a, *b;\n\n\ta = map(p);\n"
        "\tb = map(q);\n\twork(a, b);\n\tunmap(b);\n\twork(p);\n\tunmap(a);\n}\n"
    )
    unmaps, maps = of(contracts, text, Kind.LIFO)
    assert unmaps.after.endswith("\tunmap(a);\n\twork(p);\n\tunmap(b);\n}")
    assert "\tb = map(q);\n\ta = map(p);\n" in maps.after


def test_a_sample_is_the_same_every_time_and_half_and_half(contracts: Contracts) -> None:
    texts = [BRANCHES.replace("branches", f"branches_{number}") for number in range(60)]
    handed = [f"void h{n}(struct box *b)\n{{\n\tdrop(&b->lock);\n}}\n" for n in range(60)]
    pool = of(contracts, "\n".join(texts + handed))
    drawn = sample({"fs/a": pool, "fs/b": pool}, 80, seed=1)
    assert drawn == sample({"fs/a": pool[::-1], "fs/b": pool}, 80, seed=1)
    assert {half_of(m.mutation, 1) == m.half for m in drawn} == {True}
    assert drawn != sample({"fs/a": pool, "fs/b": pool}, 80, seed=2)
    assert len(drawn) == 80
    assert len({mutant.id for mutant in drawn if mutant.tree == "fs/a"}) == 40
    halves = [mutant.half for mutant in drawn]
    assert abs(halves.count(TUNE) - halves.count(REPORT)) <= 8
    local = sum(mutant.mutation.origin is Origin.LOCAL for mutant in drawn)
    assert local / len(drawn) >= LOCAL_SHARE - 0.02


def test_a_diff_applies_to_the_file(contracts: Contracts) -> None:
    pool = of(contracts, BRANCHES, Kind.ONCE)
    mutant = next(m for m in sample({"fs/a": pool}, 20, seed=1) if m.mutation.line == 9)
    assert "--- a/fs/some/file.c\n+++ b/fs/some/file.c\n@@ -6,7 +6,6 @@\n" in mutant.diff
    assert "-\t\tdrop(&box->lock);\n" in mutant.diff
    assert mutant.last_line == 14


def test_errors_of_a_parse_are_counted() -> None:
    assert errors("int f(void) { return 0; }") == 0
    assert errors("int f(void) { return ) 0; }") > 0
