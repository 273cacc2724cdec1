"""The contracts: their grammar, the loader's complaints, and the built-in tables."""

from __future__ import annotations

import re
import textwrap
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.model.errors import RequestError
from anyclue.review.pairs.contracts import schema
from anyclue.review.pairs.contracts.model import (
    Contracts,
    FailureConvention,
    Pair,
    PairKind,
    Template,
)
from anyclue.review.pairs.contracts.read import built_in, read

PAIR = """
[[pair]]
name = "gizmo"
title = "gizmo"
kind = "handle"
acquire = [{ call = "gizmo_open", holds = "$ret", fails = "null" }]
release = [{ call = "gizmo_close", takes = "$0" }]
"""
IDENTIFIER = r"[a-z_][a-z0-9_]{0,8}"
LOCK = """
[[pair]]
name = "gate"
title = "gate"
kind = "lock"
acquire = [
  { call = "gate_in", holds = "$0", mode = "in" },
  { call = "gate_out", holds = "$0", mode = "out" },
]
release = [{ call = "gate_leave", takes = "$0", mode = "in" }]
"""


def problems(*texts: str) -> list[tuple[str, str, str]]:
    names = [f"{number}.toml" for number, _ in enumerate(texts, start=1)]
    with pytest.raises(RequestError) as caught:
        read(dict(zip(names, texts, strict=True)), Contracts())
    return [(found.where, found.what, found.next_step) for found in caught.value.problems]


def one_problem(*texts: str) -> tuple[str, str, str]:
    found = problems(*texts)
    assert len(found) == 1, found
    return found[0]


# Templates


@pytest.mark.parametrize(
    ("text", "base", "prefix", "suffix"),
    [
        ("$ret", "ret", "", ""),
        ("$0", 0, "", ""),
        ("*$5", 5, "*", ""),
        ("$1->bh", 1, "", "->bh"),
        ("$ret.file", "ret", "", ".file"),
        ("&$0->dev.kobj", 0, "&", "->dev.kobj"),
        ("@rcu", "token", "", ""),
    ],
)
def test_a_template_is_taken_apart(text: str, base: str | int, prefix: str, suffix: str) -> None:
    template = Template.parse(text)
    assert (template.base, template.prefix, template.suffix) == (base, prefix, suffix)
    assert template.text == text


@pytest.mark.parametrize(
    "text",
    ["", "$", "0", "ret", "$10", "$-1", "$ret->", "*$ret", "*$0->bh", "&$0", "**$0", "@", "@RCU",
     "$0 ", "$0\n", "@rcu\n", "$0->9x", "$x", "$0->a()", "$٣"],
)  # fmt: skip
def test_what_is_no_template_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\$|\*|&"):
        Template.parse(text)


@given(st.text(alphabet="$@*&->.0123456789retabc_ \n", max_size=12))
def test_parsing_accepts_a_text_or_refuses_it(text: str) -> None:
    try:
        template = Template.parse(text)
    except ValueError:
        return
    base = "" if template.base == "token" else f"${template.base}"
    if template.base == "token":
        assert text == template.text
    else:
        assert f"{template.prefix}{base}{template.suffix}" == text


@given(
    st.sampled_from(["$ret", "$0", "$9"]),
    st.lists(st.tuples(st.sampled_from(["->", "."]), st.from_regex(IDENTIFIER, fullmatch=True))),
)
def test_members_of_any_depth_are_followed(base: str, members: list[tuple[str, str]]) -> None:
    suffix = "".join(arrow + name for arrow, name in members)
    assert Template.parse(base + suffix).suffix == suffix


# What is read


def test_a_pair_is_read_with_its_defaults() -> None:
    contracts = read({"mine.toml": PAIR}, Contracts())
    (pair,) = contracts.pairs
    assert pair.name == "gizmo"
    assert pair.kind is PairKind.HANDLE
    assert (pair.null_safe, pair.error_safe, pair.use_after_release) == (False, False, False)
    assert (pair.order, pair.good, pair.bad, pair.consume) == (None, "", "", ())
    (acquire,) = pair.acquire
    assert (acquire.call, acquire.holds, acquire.fails) == (
        "gizmo_open",
        Template.parse("$ret"),
        FailureConvention.NULL,
    )


def test_everything_a_pair_can_say_is_read() -> None:
    text = """
    [[pair]]
    name = "gate"
    title = "gate of the yard"
    kind = "lock"
    subsystem = "yard"
    doc = "yard.h"
    null_safe = true
    error_safe = true
    order = "lifo"
    use_after_release = true
    since = "6.3"
    until = "6.12.1"
    acquire = [
      { call = "enter", holds = "&$1->gate", fails = "negative", mode = "$0", since = "6.4" },
      { call = "try_enter", holds = "*$0", fails = "null-or-error", mode = "wide" },
    ]
    release = [{ call = "leave", takes = "@yard", mode = "wide", until = "6.11" }]
    consume = [{ call = "give", takes = "$0", fails = "nonzero" }]
    borrow = ["look"]
    downgrade = [{ call = "narrow", takes = "$0", from = "wide", to = "slim" }]
    good = "void f(void) { }"
    bad = "void g(void) { }"
    """
    (pair,) = read({"x": text}, Contracts()).pairs
    assert (pair.order, pair.null_safe, pair.error_safe, pair.use_after_release) == (
        "lifo",
        True,
        True,
        True,
    )
    assert (pair.since, pair.until) == ("6.3", "6.12.1")
    assert [(entry.mode, entry.since) for entry in pair.acquire] == [("$0", "6.4"), ("wide", None)]
    assert (pair.release[0].takes.base, pair.release[0].until) == ("token", "6.11")
    assert pair.consume[0].fails is FailureConvention.NONZERO
    assert pair.borrow == {"look"}
    assert (pair.downgrade[0].from_mode, pair.downgrade[0].to_mode) == ("wide", "slim")


def test_a_users_pair_is_added_and_one_of_the_same_name_replaced() -> None:
    base = read({"base": PAIR + LOCK}, Contracts())
    mine = PAIR.replace("gizmo_open", "gizmo_get")
    merged = read({"mine": mine}, base)
    assert [pair.name for pair in merged.pairs] == ["gate", "gizmo"]
    assert set(merged.acquires_by_call) == {"gizmo_get", "gate_in", "gate_out"}


def test_functions_are_united_with_those_of_the_base() -> None:
    base = read({"base": '[functions]\nborrow = ["look"]\nnoreturn = ["stop"]'}, Contracts())
    text = (
        '[functions]\nborrow = ["peek"]\nescape = ["keep"]\nnonnull = ["ok"]\nnegative = ["no"]\n'
        'identity = ["me"]'
    )
    merged = read({"mine": text}, base)
    assert merged.borrow == {"look", "peek"}
    assert merged.noreturn == {"stop"}
    assert merged.escape == {"keep"}
    assert merged.nonnull == {"ok"}
    assert merged.negative == {"no"}
    assert merged.identity == {"me"}


def test_guards_and_frees_name_a_pair_of_any_file_or_of_the_base() -> None:
    base = read({"base": LOCK}, Contracts())
    text = """
    [[guard]]
    name = "gate"
    pair = "gate"
    holds = "$0"
    mode = "in"
    [[free]]
    name = "gizmo"
    pair = "gizmo"
    """
    merged = read({"a": text, "b": PAIR}, base)
    assert [(guard.name, guard.mode) for guard in merged.guards] == [("gate", "in")]
    assert [free.pair for free in merged.frees] == ["gizmo"]


def test_calls_are_found_by_name_in_every_pair_that_has_them() -> None:
    both = PAIR + PAIR.replace('"gizmo"', '"gadget"')
    contracts = read({"x": both}, Contracts())
    assert [pair.name for pair, _ in contracts.releases_by_call["gizmo_close"]] == [
        "gadget",
        "gizmo",
    ]
    assert contracts.consumes_by_call == {}
    assert contracts.downgrades_by_call == {}


def test_the_digest_tells_contents_apart_and_not_their_order() -> None:
    one = read({"x": PAIR + LOCK}, Contracts())
    other_order = read({"y": LOCK, "z": PAIR}, Contracts())
    changed = read({"x": PAIR + LOCK.replace('"out"', '"off"')}, Contracts())
    assert one.digest == other_order.digest
    assert len({one.digest, changed.digest, Contracts().digest}) == 3
    assert re.fullmatch(r"[0-9a-f]{64}", one.digest)


# What is refused


def test_an_unknown_key_is_shown_with_the_nearest_known() -> None:
    found = one_problem(PAIR.replace("holds", "hold"))
    assert found == (
        "1.toml: pair 1 (gizmo): acquire[0].hold",
        "unknown key",
        'did you mean "holds"?',
    )


def test_an_unknown_key_that_is_like_no_other_is_shown_with_all() -> None:
    where, what, step = one_problem("zzz = 1")
    assert (where, what) == ("1.toml: zzz", "unknown key")
    assert step == "known: pair, functions, guard, free"


def test_a_bad_template_says_what_one_looks_like() -> None:
    where, what, _ = one_problem(PAIR.replace('"$ret"', '"ret"'))
    assert where == "1.toml: pair 1 (gizmo): acquire[0].holds"
    assert what == 'must be $ret, $0 to $9, *$0, $0->member, &$0->member or @name, not "ret"'


def test_a_release_cannot_take_what_is_returned() -> None:
    where, what, _ = one_problem(PAIR.replace('"$0"', '"$ret"'))
    assert where == "1.toml: pair 1 (gizmo): release[0].takes"
    assert "must be an argument" in what


def test_a_word_that_is_none_of_the_known_is_refused_with_the_nearest() -> None:
    found = one_problem(PAIR.replace('"null"', '"nul"'))
    assert found == (
        "1.toml: pair 1 (gizmo): acquire[0].fails",
        'must be one of never, null, error, null-or-error, zero, nonzero, negative, not "nul"',
        'did you mean "null"?',
    )


def test_all_mistakes_of_all_files_come_at_once() -> None:
    broken = PAIR.replace('title = "gizmo"\n', "").replace("gizmo_close", "gizmo close")
    wrong = LOCK.replace('"lock"', '"luck"')
    found = problems(broken + wrong, "[[pair]\n", PAIR.replace("gizmo_open", ""))
    assert [(where, what) for where, what, _ in found] == [
        ("1.toml: pair 1 (gizmo)", 'the key "title" is missing'),
        (
            "1.toml: pair 1 (gizmo): release[0].call",
            'must be the name of a C function or macro, not "gizmo close"',
        ),
        (
            "1.toml: pair 2 (gate): kind",
            'must be one of lock, reference, memory, mapping, handle, access, count, not "luck"',
        ),
        (
            "2.toml",
            "is not TOML: Expected ']]' at the end of an array declaration (at line 1, column 7)",
        ),
        (
            "3.toml: pair 1 (gizmo): acquire[0].call",
            'must be the name of a C function or macro, not ""',
        ),
    ]


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("pair = 3", "1.toml: pair", "must be a list, not a number"),
        ("pair = [3]", "1.toml: pair 1", "must be a table, not a number"),
        ("functions = []", "1.toml: functions", "must be a table, not a list"),
        ('[functions]\nborrow = [""]', "1.toml: functions: borrow[0]", "must be the name"),
        ('[functions]\nborow = ["x"]', "1.toml: functions: borow", "unknown key"),
        (PAIR + "null_safe = 1", "1.toml: pair 1 (gizmo): null_safe", "must be true or false"),
        (PAIR + 'since = "six"', "1.toml: pair 1 (gizmo): since", "must be a kernel version"),
        (PAIR + 'order = "fifo"', "1.toml: pair 1 (gizmo): order", "must be lifo"),
        (PAIR + "borrow = 1979-05-27", "1.toml: pair 1 (gizmo): borrow", "must be a list"),
        (PAIR.replace('title = "gizmo"', 'title = ""'), "1.toml: pair 1 (gizmo): title", "empty"),
        (PAIR.replace('title = "gizmo"', 'title = "a\\u202eb"'), "1.toml: pair 1 (gizmo): title",
         "must be one line of visible characters"),
        (PAIR.replace('title = "gizmo"', f'title = "{"x" * 99}"'), "1.toml: pair 1 (gizmo): title",
         "at most 80 characters"),
        (PAIR.replace('name = "gizmo"', 'name = "Gizmo"'), "1.toml: pair 1 (Gizmo): name",
         "must be a-z, 0-9 and single - between them"),
        (re.sub(r"release = .*", "release = []", PAIR), "1.toml: pair 1 (gizmo): release", "empty"),
        (re.sub(r"acquire = .*", "acquire = [1]", PAIR), "1.toml: pair 1 (gizmo): acquire[0]",
         "must be a table"),
        ("x = " + "[" * 5000, "1.toml", "nested too deeply"),
        ("x = " + "9" * 5000, "1.toml", "is not TOML"),
    ],
)  # fmt: skip
def test_a_mistake_of_shape_is_placed_and_worded(text: str, where: str, what: str) -> None:
    place, message, _ = one_problem(text)
    assert place == where
    assert what in message


def test_names_are_unique_in_all_files() -> None:
    assert one_problem(PAIR, LOCK + PAIR) == (
        "2.toml: pair 2 (gizmo): name",
        '"gizmo" is there twice',
        "the first is at 1.toml: pair 1 (gizmo)",
    )


def test_what_one_pair_says_twice_or_against_itself_is_refused() -> None:
    text = """
    [[pair]]
    name = "gizmo"
    title = "gizmo"
    kind = "handle"
    acquire = [{ call = "open", holds = "$ret" }, { call = "open", holds = "$ret" }]
    release = [{ call = "close", takes = "$0" }, { call = "shut", takes = "$0" }]
    consume = [{ call = "shut", takes = "$0" }, { call = "give", takes = "$0" }]
    borrow = ["close", "give", "look"]
    """
    found = problems(text)
    assert [(where.removeprefix("1.toml: pair 1 (gizmo): "), what) for where, what, _ in found] == [
        ("acquire[1]", "open stands here twice"),
        ("consume[0]", "shut also releases $0"),
        ("borrow", "close also releases or consumes"),
        ("borrow", "give also releases or consumes"),
    ]


def test_a_downgrade_is_between_modes_that_are_acquired() -> None:
    text = LOCK + 'downgrade = [{ call = "turn", takes = "$0", from = "in", to = "ou" }]'
    assert one_problem(text) == (
        "1.toml: pair 1 (gate): downgrade[0].to",
        'nothing is acquired in mode "ou"',
        'did you mean "out"?',
    )
    free_text = LOCK.replace('mode = "in" },\n', 'mode = "$1" },\n', 1)
    read({"x": free_text + text.removeprefix(LOCK)}, Contracts())


def test_a_guard_for_a_pair_that_is_not_there_is_refused_with_the_nearest() -> None:
    text = LOCK + '[[guard]]\nname = "g"\npair = "gat"\nholds = "$0"'
    assert one_problem(text) == (
        "1.toml: guard 1 (g): pair",
        'no pair is named "gat"',
        'did you mean "gate"?',
    )


def test_a_guard_for_a_pair_with_another_mistake_does_not_complain_twice() -> None:
    text = LOCK.replace('"lock"', '"luck"') + '[[free]]\nname = "g"\npair = "gate"'
    where, _, _ = one_problem(text)
    assert where == "1.toml: pair 1 (gate): kind"


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_with_problems(text: str) -> None:
    try:
        contracts = read({"x": text}, Contracts())
    except RequestError as error:
        found = error.problems
    else:
        found = ()
        assert contracts.digest
    assert all(problem.what for problem in found)


# The built-in tables


def test_the_built_in_tables_are_read_once_and_are_many() -> None:
    contracts = built_in()
    assert contracts is built_in()
    names = [pair.name for pair in contracts.pairs]
    assert len(names) >= 55
    assert names == sorted(set(names))


@pytest.mark.parametrize("pair", built_in().pairs, ids=lambda pair: pair.name)
def test_a_built_in_pair_shows_good_and_bad_code(pair: Pair) -> None:
    assert pair.subsystem
    assert pair.doc
    for code in (pair.good, pair.bad):
        functions = re.findall(r"^[a-z].*\)\n\{$", code, re.MULTILINE)
        assert len(functions) >= 2
        assert len({re.sub(r"\(.*", "", function) for function in functions}) == len(functions)
        called = set(re.findall(r"\b([A-Za-z_]\w*)\(", code))
        assert called & {entry.call for entry in pair.acquire}
        assert called & {entry.call for entry in pair.release}


def test_modes_of_releases_are_modes_of_acquires() -> None:
    for pair in built_in().pairs:
        acquired = {entry.mode for entry in pair.acquire}
        released = {entry.mode for entry in pair.release}
        if not any(mode is not None and mode.startswith("$") for mode in acquired):
            assert released == acquired, pair.name


def test_what_borrows_everywhere_releases_nowhere() -> None:
    contracts = built_in()
    changing = (
        contracts.releases_by_call.keys()
        | contracts.consumes_by_call.keys()
        | contracts.downgrades_by_call.keys()
        | contracts.acquires_by_call.keys()
    )
    assert not contracts.borrow & changing
    assert not contracts.borrow & contracts.escape
    assert not contracts.noreturn & changing


def test_what_returns_its_argument_holds_it() -> None:
    contracts = built_in()
    for call in contracts.identity:
        for pair, acquire in contracts.acquires_by_call.get(call, ()):
            assert acquire.holds.text == "$0", (pair.name, call)


def test_the_tables_lie_in_the_package() -> None:
    tables = files("anyclue.review.pairs.contracts").joinpath("tables")
    assert {"common.toml", "locks.toml"} <= {entry.name for entry in tables.iterdir()}


# The documentation


def page() -> str:
    return (Path(__file__).parents[4] / "docs/contracts.md").read_text()


def test_the_examples_of_the_documentation_are_right() -> None:
    blocks = re.findall(r"(?:^ {4}.*\n|^\n(?= {4}))+", page(), re.MULTILINE)
    text = "\n".join(textwrap.dedent(block) for block in blocks)
    contracts = read({"contracts.md": text + LOCK.replace('"gate"', '"gizmo-lock"')}, built_in())
    assert [guard.holds.text for guard in contracts.guards if guard.name == "gizmo_lock"] == ["$0"]
    assert contracts.acquires_by_call["gizmo_find"][0][1].holds.text == "*$1"


def test_every_key_and_word_is_documented() -> None:
    documented = set(re.findall(r"`([^`\n]+)`", page()))
    tables = (
        schema.PairTable,
        schema.AcquireTable,
        schema.ConsumeTable,
        schema.DowngradeTable,
        schema.FunctionsTable,
        schema.GuardTable,
    )
    keys = {field.alias or name for table in tables for name, field in table.model_fields.items()}
    assert keys | {*PairKind} | {*FailureConvention} <= documented | {"pair", "name"}
