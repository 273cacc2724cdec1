"""Edits of C functions by text: only in the function's definition, only as often as expected."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.model.errors import RequestError
from anyclue.model.scenario import Edit
from anyclue.trial.kernels.variants import apply_edit, function_body

LZO = """\
/* lzo_compress_pages(x) { if (page_in) put_page(page_in); } */
// lzo_compress_pages(y) {
int lzo_compress_pages(struct list_head *ws, u64 start);
#define CALL lzo_compress_pages(a, b)
struct other {
	int a;
};
#define lzo_compress_pages_many(x) \\
	do { \\
		lzo_compress_pages(x); \\
	} while (0)
static const char *name = "lzo_compress_pages(x) { }";

static int caller(void)
{
	if (lzo_compress_pages(1, 2)) {
		if (page_in)
			put_page(page_in);
	}
	return lzo_compress_pages(1, 2);
}

int lzo_compress_pages(struct list_head *ws, u64 start,
		int (*visit)(struct page *))
{
	char brace = '}', quote = '"';
	const char *text = "}";

	/* } */
	while (len) {
		if (len > 1) {
			goto out;
		}
	}
out:
	if (page_in)
		put_page(page_in);
	return 0;
}

int after(void)
{
	if (page_in)
		put_page(page_in);
	return 0;
}
"""
RELEASE = "if (page_in) put_page(page_in);"


def edit(
    find: str = RELEASE,
    replace: str = "",
    function: str | None = "lzo_compress_pages",
    times: int = 1,
) -> Edit:
    return Edit(file="fs/btrfs/lzo.c", function=function, find=find, replace=replace, times=times)


def test_only_the_definition_is_changed() -> None:
    changed = apply_edit(LZO, edit())
    gone = "\tif (page_in)\n\t\tput_page(page_in);\n"
    at = LZO.index("out:\n") + len("out:\n")
    assert LZO[at:].startswith(gone)
    assert changed == LZO[:at] + LZO[at + len(gone) :]


def test_a_replacement_is_taken_literally() -> None:
    changed = apply_edit(LZO, edit("goto  out ;".replace(" ;", ";"), r"goto \1 \g<0>;"))
    assert r"goto \1 \g<0>;" in changed


def test_the_whole_file() -> None:
    assert apply_edit(LZO, edit(function=None, times=4)).count("put_page(page_in)") == 0
    with pytest.raises(RequestError, match="occurs 4 times, expected 1"):
        apply_edit(LZO, edit(function=None))


@pytest.mark.parametrize(
    ("find", "times", "said"),
    [
        ("put_page(page_out);", 1, "occurs 0 times, expected 1: 'put_page(page_out);'"),
        ("return 0;", 2, "occurs 1 times, expected 2"),
        ("", 1, "expected 1"),
        ("   ", 1, "expected 1"),
    ],
)
def test_counts(find: str, times: int, said: str) -> None:
    with pytest.raises(RequestError) as caught:
        apply_edit(LZO, edit(find, times=times))
    (problem,) = caught.value.problems
    assert said in problem.what
    assert problem.where == "fs/btrfs/lzo.c, function lzo_compress_pages"


@pytest.mark.parametrize(
    "definition",
    [
        "int f(void) { x; }",
        "int f ( void )\n{\n\tx;\n}",
        "static noinline int\nf(int (*g)(int, char (*)[3]))\n{ x; }",
        "int f(void)\n\t__must_hold(&a->lock)\n{ x; }",
        "int f(void) __releases(l) __acquires(l->b(1)) { x; }",
        "int f(void) __cold { x; }",
        "int f(a, /* ) */ b) { if (1) { { x; } } }",
        "#if f(1)\n#endif\nint f(void) { x; }",
        "#define X f(1)\nstruct s { int a; };\nint f(void) { x; }",
        "int v = f(1) + (struct s) { 1 }.a;\nint f(void) { x; }",
        "DECLARE(f);\nint f(void);\nint f(void) { x; }",
    ],
)
def test_definitions(definition: str) -> None:
    begin, end = function_body(definition, edit(function="f"))
    assert definition[begin:end].startswith("f")
    assert "x;" in definition[begin:end]
    assert apply_edit(f"x;\n{definition}\nx;", edit("x;", "y;", "f")).count("y;") == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "int f(void);",
        "int g(void) { return f(1); }",
        "#define f(x) do { x; } while (0)\n",
        "/* int f(void) { x; } */",
        'char *s = "f(void) { x; }";',
        "int ff(void) { x; } int f2(void) { x; }",
        "int f(void) { x;",
        "int f(void",
        "int f(a) int a; { x; }",  # the old style of C, which the kernel has none of
        "if (f(1)) { x; }",
        "for (; f(1);) { x; }",
    ],
)
def test_what_is_no_definition(text: str) -> None:
    with pytest.raises(RequestError, match="no function 'f' is defined there"):
        apply_edit(text, edit("x;", "y;", "f"))


WORDS = (
    "f",
    "(",
    ")",
    "{",
    "}",
    ";",
    "x;",
    "=",
    "#",
    "__a",
    '"',
    "'",
    "\\",
    "/*",
    "*/",
    "//",
    "\n",
)


@given(st.lists(st.sampled_from(WORDS), max_size=40).map("\n".join), st.sampled_from(WORDS))
def test_whatever_the_text_only_a_request_is_refused(text: str, find: str) -> None:
    for function in ("f", None):
        with contextlib.suppress(RequestError):
            changed = apply_edit(text, edit(find, find or "x", function))
            assert changed.split() == text.split()
