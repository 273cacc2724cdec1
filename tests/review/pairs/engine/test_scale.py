"""What a write ends, and how the work grows with the branches of a function: counted, not timed."""

from __future__ import annotations

from collections.abc import Callable

from anyclue.review.pairs.engine.path_facts import PathFacts
from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.rules.program import Program


def comparisons(analyse: Callable[[str], Program], number: int) -> int:
    """Return how many paths are compared in a function that sets and tests so many members."""
    body = "".join(f"\tx->p{n} = g();\n\tif (!x->p{n})\n\t\tgoto out;\n" for n in range(number))
    head = "int f(struct x *x)\n{\n\tvoid *p = kmalloc(8, GFP_KERNEL);\n\n"
    before = paths.reached_through.cache_info()
    analyse(f"{head}{body}out:\n\tkfree(p);\n\treturn 0;\n}}\n")
    after = paths.reached_through.cache_info()
    return after.hits + after.misses - before.hits - before.misses


def test_members_are_not_all_compared_with_each_other(analyse: Callable[[str], Program]) -> None:
    assert comparisons(analyse, 200) < 200 * 200 / 10


def test_a_bit_that_is_set_ends_what_is_known_of_the_whole(
    analyse: Callable[[str], Program],
) -> None:
    text = (
        "int f(int flags)\n{\n\tif (flags)\n\t\tg();\n\tflags |= F_A;\n"
        "\tif (flags & F_A)\n\t\tg();\n\tif (flags & F_B)\n\t\tg();\n\treturn 0;\n}\n"
    )
    facts = PathFacts(analyse(text).files["x.c"].functions[0].function)
    assert facts.killed_keys("flags&F_A") == {"flags", "flags&F_A"}


def test_a_list_of_any_length_is_followed_to_its_end(analyse: Callable[[str], Program]) -> None:
    text = """
int f(struct folio *folio, long size)
{
	struct entry *one, *head = NULL;

	while ((size -= 8) >= 0) {
		one = kmalloc(8, GFP_KERNEL);
		if (!one)
			goto fail;
		one->next = head;
		head = one;
		one->size = size;
	}
	folio->entries = head;
	return 0;
fail:
	while (head) {
		one = head;
		head = one->next;
		kfree(one);
	}
	return -ENOMEM;
}
"""
    assert [why for _, _, why in analyse(text).unjudged()] == []
