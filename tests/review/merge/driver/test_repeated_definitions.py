"""Definitions that both sides added: git merges them without a conflict."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from anyclue.review.merge.core.model import Origin
from anyclue.review.merge.render.html import merge_html
from anyclue.review.merge.render.json_document import merge_json
from anyclue.review.merge.render.text import merge_text

if TYPE_CHECKING:
    from bench.merge_bench.forge import Forge

    from anyclue.review.merge.core.model import MergeReview

FIRST = "".join(f"static int first_{n}(int v)\n{{\n\treturn v + {n};\n}}\n\n" for n in range(6))
LAST = "".join(f"static int last_{n}(int v)\n{{\n\treturn v - {n};\n}}\n\n" for n in range(6))


def both(forge: Forge, above: str, below: str, *, first: str = FIRST) -> MergeReview:
    """Review what git makes of ours with something above LAST, and theirs with it below."""
    root = forge.commit("main", None, {"fs/a.c": first + LAST})
    ours = forge.commit("ours", root, {"fs/a.c": first + above + LAST})
    theirs = forge.commit("theirs", root, {"fs/a.c": first + LAST + below})
    merged = forge.merge([ours, theirs], {})
    assert "<<<<<<<" not in (forge.path / "fs/a.c").read_text()
    return forge.review(merged)


FUNCTION = "static bool index_of(struct x *x, int *out)\n{\n\t*out = x->at;\n\treturn true;\n}\n\n"


@pytest.mark.parametrize(
    ("text", "name", "verdict"),
    [
        (FUNCTION, "index_of", "index_of() is defined twice"),
        ("#define LIMIT 3\n\n", "LIMIT", "the macro LIMIT is defined twice"),
        ("struct state {\n\tint at;\n};\n\n", "struct state", "struct state is defined twice"),
        ("typedef int index_t;\n\n", "index_t", "the type index_t is defined twice"),
        ("static int limit = 3;\n\n", "limit", "the variable limit is defined twice"),
        ("static int limit;\n\n", "limit", "the variable limit is defined twice"),
        (
            "static DEFINE_MUTEX(lock);\n\n",
            "DEFINE_MUTEX(lock)",
            "DEFINE_MUTEX(lock) is defined twice",
        ),
    ],
)
def test_both_sides_added_it(forge: Forge, text: str, name: str, verdict: str) -> None:
    found = both(forge, text, text)
    one = found.result.repeated[0]
    assert one.name == name
    assert [place.path for place in one.places] == ["fs/a.c", "fs/a.c"]
    assert one.places[0].line == FIRST.count("\n") + 1
    assert one.places[1].line == (FIRST + text + LAST).count("\n") + 1
    assert one.added == ("ours", "theirs")
    assert one.origin is Origin.MERGE
    assert not found.result.innocent
    assert found.found
    said = merge_text(found)
    assert f"fs/a.c:{one.places[1].line}: warning: {verdict}\n" in said
    assert said.rstrip().split("\n")[-1].startswith(verdict)
    document = json.loads(merge_json(found))
    assert not document["innocent"]
    assert document["result"]["repeated"][0]["name"] == name
    assert verdict in merge_html(found)


def test_constants_of_two_enums(forge: Forge) -> None:
    found = both(forge, "enum {\n\tA_ONE,\n\tA_TWO,\n};\n\n", "enum {\n\tA_TWO = 2,\n};\n\n")
    assert [one.name for one in found.result.repeated] == ["A_TWO"]


def test_a_constant_of_one_enum(forge: Forge) -> None:
    constants = "".join(f"\tA_{n} = {n},\n" for n in range(12))
    root = forge.commit("main", None, {"a.h": f"enum a {{\n{constants}}};\n"})
    ours = forge.commit("ours", root, {"a.h": f"enum a {{\n\tB_1,\n\tNEW,\n{constants}}};\n"})
    theirs = forge.commit("theirs", root, {"a.h": f"enum a {{\n{constants}\tNEW = 12,\n}};\n"})
    found = forge.review(forge.merge([ours, theirs], {}))
    assert [one.name for one in found.result.repeated] == ["NEW"]


def test_a_function_with_another_body(forge: Forge) -> None:
    found = both(forge, FUNCTION, FUNCTION.replace("true", "false").replace("static bool", "int"))
    assert [one.name for one in found.result.repeated] == ["index_of"]


def test_members_of_one_struct(forge: Forge) -> None:
    members = "".join(f"\tint member_{n};\n" for n in range(12))
    root = forge.commit("main", None, {"a.h": f"struct s {{\n{members}}};\n"})
    ours = forge.commit("ours", root, {"a.h": f"struct s {{\n\tu64 flags;\n{members}}};\n"})
    theirs = forge.commit("theirs", root, {"a.h": f"struct s {{\n{members}\tlong flags;\n}};\n"})
    found = forge.review(forge.merge([ours, theirs], {}))
    assert [one.name for one in found.result.repeated] == ["struct s.flags"]


@pytest.mark.parametrize(
    ("above", "below"),
    [
        ("int index_of(struct x *x);\n\n", "int index_of(struct x *x);\n\n"),
        ("static const int limit;\n\n", "static const int limit = 3;\n\n"),
        ("#ifdef A\n#define LIMIT 3\n#endif\n\n", "#ifdef B\n#define LIMIT 3\n#endif\n\n"),
        ("#define LIMIT 3\n\n", "#ifndef LIMIT\n#define LIMIT 4\n#endif\n\n"),
        ("struct state {\n\tint at;\n};\n\n", "static int state = 1;\n\n"),
    ],
)
def test_what_is_no_fault(forge: Forge, above: str, below: str) -> None:
    found = both(forge, above, below)
    assert found.result.repeated == ()
    assert found.result.innocent


def test_a_function_that_both_sides_moved(forge: Forge) -> None:
    root = forge.commit("main", None, {"a.c": FIRST + FUNCTION + LAST})
    ours = forge.commit("ours", root, {"a.c": FUNCTION + FIRST + LAST})
    theirs = forge.commit("theirs", root, {"a.c": FIRST + LAST + FUNCTION})
    merged = forge.merge([ours, theirs], {})
    assert (forge.path / "a.c").read_text() == FUNCTION + FIRST + LAST + FUNCTION
    (one,) = forge.review(merged).result.repeated
    assert (one.name, one.added, one.origin) == ("index_of", (), Origin.MERGE)


def test_one_side_has_it_twice_already(forge: Forge) -> None:
    found = both(forge, FUNCTION, "static int other;\n\n", first=FUNCTION + FIRST)
    assert found.result.repeated == ()


def test_a_conflict_in_which_both_were_kept(forge: Forge) -> None:
    one, two = FUNCTION, FUNCTION.replace("true", "false")
    root = forge.commit("main", None, {"a.c": FIRST})
    ours = forge.commit("ours", root, {"a.c": FIRST + one})
    theirs = forge.commit("theirs", root, {"a.c": FIRST + two})
    found = forge.review(forge.merge([ours, theirs], {"a.c": FIRST + one + two}))
    (repeated,) = found.result.repeated
    assert repeated.origin is Origin.RESOLUTION
    assert not found.result.innocent
    assert "the resolution made it" in merge_text(found)


HEADER = "#ifndef _B_H\n#define _B_H\n\nint b(void);\n\n#endif\n"


@pytest.mark.parametrize("include", ['#include "b.h"\n', "#include <linux/b.h>\n"])
@pytest.mark.parametrize(
    "text",
    [
        "static inline int f(void)\n{\n\treturn 0;\n}\n",
        "struct s {\n\tint m;\n};\n",
        "#define LIMIT 3\n",
        "typedef int limit_t;\n",
        "enum {\n\tLIMIT,\n};\n",
        "static const int limit = 3;\n",
    ],
)
def test_in_a_header_and_in_a_file_that_includes_it(forge: Forge, include: str, text: str) -> None:
    header = "fs/b.h" if '"' in include else "include/linux/b.h"
    root = forge.commit("main", None, {"fs/a.c": include + FIRST, header: HEADER})
    changed = HEADER.replace("int b(void);\n", f"int b(void);\n\n{text}")
    ours = forge.commit("ours", root, {header: changed})
    theirs = forge.commit("theirs", root, {"fs/a.c": include + text + FIRST})
    found = forge.review(forge.merge([ours, theirs], {}))
    one = found.result.repeated[0]
    assert [place.path for place in one.places] == [header, "fs/a.c"]
    assert one.origin is Origin.MERGE
    assert not found.result.innocent


def test_through_another_header(forge: Forge) -> None:
    files = {"fs/a.c": '#include "c.h"\n' + FIRST, "fs/b.h": HEADER, "fs/c.h": '#include "b.h"\n'}
    root = forge.commit("main", None, files)
    ours = forge.commit("ours", root, {"fs/b.h": HEADER.replace("\n#endif", FUNCTION + "#endif")})
    theirs = forge.commit("theirs", root, {"fs/a.c": files["fs/a.c"] + FUNCTION})
    (one,) = forge.review(forge.merge([ours, theirs], {})).result.repeated
    assert one.name == "index_of"


@pytest.mark.parametrize(
    ("include", "added"),
    [
        ("", "#define LIMIT 3\n"),
        ('#include "b.h"\n', "#ifdef A\n#define LIMIT 3\n#else\n#define LIMIT 4\n#endif\n"),
    ],
)
def test_a_header_that_does_not_count(forge: Forge, include: str, added: str) -> None:
    root = forge.commit("main", None, {"fs/a.c": include + FIRST, "fs/b.h": HEADER})
    ours = forge.commit("ours", root, {"fs/b.h": HEADER.replace("\n#endif", f"{added}#endif")})
    theirs = forge.commit("theirs", root, {"fs/a.c": f"{include}{FIRST}#define LIMIT 3\n"})
    found = forge.review(forge.merge([ours, theirs], {}))
    assert found.result.repeated == ()
    assert found.result.innocent
