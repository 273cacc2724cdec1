"""Every mistake that a scenario can hold, and the words it is told in."""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyclue.model.errors import RequestError
from anyclue.scenarios.read import read_scenario

Wrong = Callable[[str], list[str]]

KERNEL = '[kernels.k]\ndebian = "6.1"\n'
VARIANT = KERNEL + 'module = "fs/btrfs"\n[[kernels.k.edits]]\nfile = "fs/btrfs/a.c"\n'

MISTAKES = [
    # what is replaced in the smallest scenario, by what; where; what; next step
    ("schema = 1", "schema = 2", "1: schema", "must be 1, not 2", "reads schema 1"),
    ("schema = 1", "schema = true", "1: schema", "must be 1, not true", ""),
    ("schema = 1\n", "", "1", 'the key "schema" is missing', "for example: schema = 1"),
    ('"t"', '""', "2: title", "must not be empty", "for example: title ="),
    ('"t"', "1", "2: title", "must be text in quotes, not 1", ""),
    ('"t"', '"' + "t" * 201 + '"', "2: title", "at most 200 characters", ""),
    ('"t"', '"\\u001b[2J"', "2: title", "holds U+001B", "remove that character"),
    ('"t"', '"\u202e"', "2: title", "holds U+202E", "remove that character"),
    ('"t"', '"t"\nrounds = 5', "3: rounds", "unknown key", '"rounds" belongs in [limits]'),
    ('"t"', '"t"\narch = 5', "3: arch", "unknown key", "belongs in [machines.NAME]"),
    ('"t"', '"t"\ntimes = 5', "3: times", "unknown key", "belongs in [[kernels.NAME.edits]]"),
    ('"t"', '"t"\nzzz = 5', "3: zzz", "unknown key", "known: schema, title"),
    (
        "[kernels.k]",
        "[limits]\ntitle = 1\n[kernels.k]",
        "4: limits.title",
        "unknown key",
        "belongs at the top of the file",
    ),
    (KERNEL, "", "1", 'the key "kernels" is missing', "add a [kernels.NAME] table"),
    (KERNEL, "[kernels]\n", "3: kernels", "must not be empty", "add a [kernels.NAME] table"),
    (KERNEL, "[kernels]\nk = 1\n", "4: kernels.k", "must be a table, not 1", ""),
    ("[kernels.k]", "[kernels.K-6]", "3: kernels.K-6", "is not a valid name", '"k-6"'),
    ("[kernels.k]", '[kernels."../x"]', '3: kernels."../x"', "is not a valid name", '"x"'),
    ("debian =", "debain =", "4: kernels.k.debain", "unknown key", 'did you mean "debian"?'),
    ('"6.1"', "6.1", "4: kernels.k.debian", "text in quotes, not 6.1", 'debian = "6.1"'),
    ('"6.1"', '"6.1.176"', "4: kernels.k.debian", "exact package version", ""),
    ('"6.1"', '"6.1.0-28-amd64"', "4: kernels.k.debian", "exact package version", ""),
    (KERNEL, "[kernels.k]\n", "3: kernels.k", "does not say where", 'add debian = "6.1"'),
    (KERNEL, KERNEL + 'image = "f"\n', "5: kernels.k.image", "either from Debian", "more kernels"),
    (KERNEL, KERNEL + 'build = "."\n', "5: kernels.k.build", "either from Debian", "all of these"),
    (KERNEL, '[kernels.k]\nbuild = "no"\n', "4: kernels.k.build", "no such directory", "relative"),
    (KERNEL, '[kernels.k]\ngit = "root"\n', "4: kernels.k.git", "and a revision", '"~/linux@v6.1"'),
    (KERNEL, '[kernels.k]\ngit = "no@v6.1"\n', "4: kernels.k.git", "no such directory", "relative"),
    (KERNEL, '[kernels.k]\ngit = "root@@"\n', "4: kernels.k.git", "not name", "~/linux@v6.1"),
    (KERNEL, KERNEL + "config = []\n", "5: kernels.k.config", "from a commit", "add git ="),
    (KERNEL, KERNEL + "debug = []\n", "5: kernels.k.debug", "from a commit", "add git ="),
    (
        KERNEL,
        '[kernels.k]\ngit = "root@v1"\nconfig = ["f", "no"]\n',
        "5: kernels.k.config[1]",
        "no such file",
        "relative to",
    ),
    (
        KERNEL,
        '[kernels.k]\ngit = "root@v1"\ndebug = ["kmemleek"]\n',
        "5: kernels.k.debug[0]",
        'must be "page_owner" or "kmemleak"',
        'did you mean "kmemleak"?',
    ),
    (
        KERNEL,
        '[kernels.k]\ngit = "root@v1"\nmodule = "fs/btrfs"\n',
        "5: kernels.k.module",
        "only a kernel from Debian's packages can be rebuilt",
        "commit the change",
    ),
    (KERNEL, KERNEL + 'modules = "."\n', "5: kernels.k.modules", "there is none", "is module"),
    (KERNEL, '[kernels.k]\nimage = "no"\n', "4: kernels.k.image", "no such file", "relative to"),
    (KERNEL, '[kernels.k]\nimage = "a\\u0000"\n', "4: kernels.k.image", "no such file", ""),
    (KERNEL, f'[kernels.k]\nimage = "{"a" * 5000}"\n', "4: kernels.k.image", "no such file", ""),
    (
        KERNEL,
        '[kernels.k]\nimage = "f"\nmodules = "no"\n',
        "5: kernels.k.modules",
        "no such directory",
        "relative to",
    ),
    (
        KERNEL,
        '[kernels.k]\nimage = "f"\nmodules = "root"\n',
        "5: kernels.k.modules",
        "not the directory of one kernel release",
        '"root/lib/modules/RELEASE"',
    ),
    (
        KERNEL,
        '[kernels.k]\nimage = "f"\nmodule = "fs/btrfs"\n',
        "5: kernels.k.module",
        "only a kernel from Debian's packages can be rebuilt",
        "use debian",
    ),
    (KERNEL, KERNEL + 'module = "/fs"\n', "5: kernels.k.module", "a path inside the kernel", ""),
    (KERNEL, KERNEL + 'module = "fs/../.."\n', "5: kernels.k.module", "a path inside", ""),
    (KERNEL, KERNEL + "edits = []\n", "5: kernels.k.edits", "which module", "add module"),
    (KERNEL, KERNEL + 'tree = "."\n', "5: kernels.k.tree", "which module", "add module"),
    (
        KERNEL,
        KERNEL + 'module = "fs/btrfs"\ntree = "no"\n',
        "6: kernels.k.tree",
        "no such directory",
        "the top of a kernel tree",
    ),
    (KERNEL, KERNEL + "patches = []\n", "5: kernels.k.patches", "which module", "add module"),
    (
        KERNEL,
        KERNEL + 'module = "fs"\npatches = ["f", "no"]\n',
        "6: kernels.k.patches[1]",
        "no such file",
        "relative to",
    ),
    (KERNEL, VARIANT + 'find = "a"\n', "6: kernels.k.edits[0]", '"replace" is missing', ""),
    (KERNEL, VARIANT + 'find = ""\nreplace = "a"\n', "8: kernels.k.edits[0].find", "empty", ""),
    (
        KERNEL,
        VARIANT + 'find = " "\nreplace = "a"\n',
        "8: kernels.k.edits[0].find",
        "more than white space",
        "",
    ),
    (
        KERNEL,
        VARIANT + 'find = "a  b"\nreplace = "a b"\n',
        "9: kernels.k.edits[0].replace",
        "changes nothing",
        "leave the edit out",
    ),
    (
        KERNEL,
        VARIANT + 'find = "a"\nreplace = "\\u0000"\n',
        "9: kernels.k.edits[0].replace",
        "NUL",
        "",
    ),
    (
        KERNEL,
        VARIANT + 'find = "a"\nreplace = ""\ntimes = 0\n',
        "10: kernels.k.edits[0].times",
        "at least 1, not 0",
        "",
    ),
    (
        KERNEL,
        VARIANT + 'find = "a"\nreplace = ""\nfunction = "f()"\n',
        "10: kernels.k.edits[0].function",
        "name of a C function",
        "lzo_compress_pages",
    ),
    (
        KERNEL,
        VARIANT.replace("fs/btrfs/a.c", "fs/ext4/a.c") + 'find = "a"\nreplace = ""\n',
        "7: kernels.k.edits[0].file",
        "outside the module's directory",
        "only files of the module",
    ),
    (
        KERNEL,
        VARIANT.replace("fs/btrfs/a.c", "fs/btrfs/../a.c") + 'find = "a"\nreplace = ""\n',
        "7: kernels.k.edits[0].file",
        "a path inside the kernel tree",
        "",
    ),
    ("i386", "i686", "6: machines.m.arch", '"i386" or "x86_64"', 'did you mean "i386"?'),
    ("2 GiB", "2G", "7: machines.m.ram", "MiB or GiB", 'write "2 GiB"'),
    ("2 GiB", "2048 MB", "7: machines.m.ram", "MiB or GiB", 'write "2048 MiB"'),
    ('"2 GiB"', "2048", "7: machines.m.ram", "text in quotes", 'ram = "2 GiB"'),
    ("2 GiB", "127 MiB", "7: machines.m.ram", "too little", "at least 128 MiB"),
    ("2 GiB", "65 GiB", "7: machines.m.ram", "more than", "at most 64 GiB"),
    ("2 GiB", "0.3 GiB", "7: machines.m.ram", "whole number of MiB", 'write "307 MiB"'),
    ('2 GiB"', '2 GiB"\ncpus = 65', "8: machines.m.cpus", "at most 64, not 65", ""),
    ('2 GiB"', '2 GiB"\ncpus = true', "8: machines.m.cpus", "a whole number, not true", ""),
    ("enospc-small-files", "enospc-smal", "9: workloads.w.use", "no workload", "did you mean"),
    ("enospc-small-files", "x", "9: workloads.w.use", "no workload", "known: enospc-small-files"),
]

ADDED = [
    (
        '[kernels.q]\ndebian = "6.1"\nmodules = ["a b"]',
        "12: kernels.q.modules[0]",
        "no directory",
        "as in",
    ),
    ('[kernels.q]\ndebian = "6.1"\nmodules = []', "12: kernels.q.modules", "must not be empty", ""),
    (
        '[kernels.q]\ndebian = "6.1"\nmodules = [5]',
        "12: kernels.q.modules[0]",
        "text in quotes",
        "",
    ),
    (
        '[kernels.q]\ndebian = "6.1"\nmodule = "fs/jbd2"\nmodules = ["fs/ext4"]',
        "12: kernels.q.module",
        "names a directory beside modules",
        "all of them in modules",
    ),
    (
        '[kernels.q]\nbuild = "/"\nmodules = ["fs/ext4"]',
        "12: kernels.q.modules",
        "only a kernel from Debian's packages",
        "",
    ),
    (
        '[kernels.q]\ndebian = "6.1"\nmodules = ["fs/jbd2", "fs/ext4"]\n'
        '[[kernels.q.edits]]\nfile = "fs/xfs/a.c"\nfind = "a"\nreplace = "b"',
        "14: kernels.q.edits[0].file",
        'outside the module\'s directory "fs/jbd2" and "fs/ext4"',
        "",
    ),
    ("fils = 1", "10: workloads.w.fils", "no such parameter", 'did you mean "files"?'),
    ("files = true", "10: workloads.w.files", "a whole number, not true", "default: 600 files"),
    ("files = 1.0", "10: workloads.w.files", "a whole number, not 1.0", ""),
    ("files = 0", "10: workloads.w.files", "at least 1, not 0", ""),
    ("files = 100001", "10: workloads.w.files", "at most 100000", ""),
    ("ratio = nan", "10: workloads.w.ratio", "at least 0, not nan", "of O_DIRECT"),
    ("fsync = 1", "10: workloads.w.fsync", "true or false", ""),
    ('data = "zeros"', "10: workloads.w.data", 'one of "text", "random"', ""),
    ("files = [1]", "10: workloads.w.files", "text, a number, true or false", ""),
    ("files = 2000-01-01", "10: workloads.w.files", "text, a number, true or false", ""),
    ('[mount]\na = "-o compress=lzo"', "11: mount.a", "what follows -o", '"compress=lzo"'),
    ('[mount]\na = "x, y"', "11: mount.a", "must be one word", 'write "x,y"'),
    ('[mount]\na = "a\\nb"', "11: mount.a", "holds U+000A", ""),
    ('[mkfs]\na = "a\\u0000b"', "11: mkfs.a", "holds U+0000", ""),
    ('[mkfs]\na = "-L \'x"', "11: mkfs.a", "no closing quotation", "close the quote"),
    ('[mkfs]\na = "x\\\\"', "11: mkfs.a", "no escaped character", ""),
    ("[mkfs]\na = 1", "11: mkfs.a", "must be text in quotes, not 1", ""),
    ("[mkfs]", "10: mkfs", "must not be empty", ""),
    (f'[mkfs]\na = "{"a" * 1025}"', "11: mkfs.a", "at most 1024 characters", ""),
    ("[limits]\nrounds = 2", "11: limits.rounds", "at least 3, not 2", ""),
    ("[limits]\nround = 3", "11: limits.round", "unknown key", '"rounds"'),
    ("[limits]\nsample_hz = inf", "11: limits.sample_hz", "", ""),
    ("[sensitivity]\nsurge_percent = 0", "11: sensitivity.surge_percent", "more than 0", ""),
    (
        '[plan]\nreference = { kernel = "kk" }',
        "11: plan.reference.kernel",
        'there is no "kk" in [kernels]',
        'did you mean "k"?',
    ),
    ("[plan]\nreference = {}", "11: plan.reference", "names no axis", "kernel, machine, mkfs"),
    ("[plan]\ninclude = []", "11: plan.include", "must not be empty", ""),
    ("[plan]\ninclude = [\n{ mount = [] }]", "12: plan.include[0].mount", "not be empty", ""),
    (
        '[plan]\ninclude = [\n{ mounts = "default" }]',
        "12: plan.include[0].mounts",
        "unknown key",
        '"mount"',
    ),
    ('[plan]\nexclude = [{ machine = ["m", "m"] }]', "11: plan.exclude[0].machine", "twice", ""),
    ('[plan]\nexclude = [{ kernel = "k" }]', "11: plan.exclude", "excludes every cell", ""),
    (
        '[[plan.include]]\nkernel = "k"\n[[plan.include]]\nkernel = "q"',
        "13: plan.include[1].kernel",
        'there is no "q"',
        "",
    ),
    ("plan = 1", "10: workloads.w.plan", "no such parameter", ""),
]


def check(problems: list[str], where: str, what: str, step: str) -> None:
    assert len(problems) == 1, problems
    place, _, rest = problems[0].partition(": ")
    if ": " in where:
        key, _, rest = rest.partition(": ")
        place = f"{place}: {key}"
    message, _, next_step = rest.partition("\n  ")
    assert place == f"s.toml:{where}"
    assert what in message
    assert step in next_step


@pytest.mark.parametrize(("old", "new", "where", "what", "step"), MISTAKES)
def test_mistake(
    wrong: Wrong,
    smallest: str,
    tmp_path: Path,
    old: str,
    new: str,
    where: str,
    what: str,
    step: str,
) -> None:
    (tmp_path / "f").write_text("")
    (tmp_path / "root" / "lib" / "modules" / "6.1").mkdir(parents=True)
    assert smallest.count(old) == 1
    check(wrong(smallest.replace(old, new)), where, what, step)


@pytest.mark.parametrize(("added", "where", "what", "step"), ADDED)
def test_mistake_added(
    wrong: Wrong, smallest: str, added: str, where: str, what: str, step: str
) -> None:
    check(wrong(smallest + added + "\n"), where, what, step)


def test_every_mistake_is_told_at_once_and_in_order(wrong: Wrong) -> None:
    problems = wrong(
        """\
schema = 1
titel = "x"
[kernels.good]
debain = "6.1"
[kernels.bad]
debian = 6.1
edits = 3
[[machines]]
[mount]
lzo = "-o x"
[workloads.w]
use = "none"
[plan]
reference = { kernel = "god" }
include = [{ mount = "lz" }, { cpu = 1 }]
[limits]
rounds = 1
trials = 1.5
"""
    )
    starts = [
        's.toml:1: the key "title" is missing',
        "s.toml:2: titel: unknown key",
        "s.toml:4: kernels.good.debain: unknown key",
        "s.toml:6: kernels.bad.debian: must be text in quotes, not 6.1",
        "s.toml:7: kernels.bad.edits: must be a list, not 3",
        "s.toml:7: kernels.bad.edits: needs to know which module to rebuild",
        "s.toml:8: machines: must be a table, not a list",
        "s.toml:10: mount.lzo: must be what follows -o",
        "s.toml:12: workloads.w.use: there is no workload",
        's.toml:14: plan.reference.kernel: there is no "god" in [kernels]',
        "s.toml:15: plan.include[1].cpu: unknown key",
        's.toml:15: plan.include[0].mount: there is no "lz" in [mount]',
        "s.toml:15: plan.include[1]: names no axis",
        "s.toml:17: limits.rounds: must be at least 3, not 1",
        "s.toml:18: limits.trials: must be a whole number, not 1.5",
    ]
    for problem, start in zip(problems, starts, strict=True):
        assert problem.startswith(start)


def test_messages_hold_no_raw_control_characters(wrong: Wrong, smallest: str) -> None:
    text = smallest + '"\\u001b[2J" = 1\n[mount]\n"\\u0007" = 1\n[plan]\n"\\u009b" = "\\n"\n'
    for problem in wrong(text):
        assert problem.replace("\n  ", " ").isprintable()


GOOD = tomllib.loads(
    """
schema = 1
title = "t"
kernels.k = { debian = "6.1", module = "fs", edits = [{ file = "fs/a", find = "a", replace = "" }] }
machines.m = { arch = "i386", ram = "2 GiB" }
mkfs.d = ""
mount.d = ""
workloads.w = { use = "x" }
plan = { reference = { kernel = "k" }, include = [{ kernel = "k" }], exclude = [{ mount = "d" }] }
limits = { rounds = 3 }
sensitivity = { surge_percent = 3 }
"""
)


def toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(key)} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    if isinstance(value, float):
        return str(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def items_of(value: object) -> Iterable[tuple[str | int, object]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    below = [place for key, item in items_of(value) for place in places(item, (*path, key))]
    return [path, *below] if path else below


VALUES = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["k", "d"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=3,
)


@given(st.lists(st.tuples(st.sampled_from(places(GOOD)), VALUES), min_size=1, max_size=3))
@settings(max_examples=250)
def test_whatever_the_values_are_only_a_request_error_is_raised(changes: list[Any]) -> None:
    document = copy.deepcopy(GOOD)
    for path, value in changes:
        *parents, last = path
        table: Any = document
        for parent in parents:
            try:
                table = table[parent]
            except (LookupError, TypeError):
                table = {}
        if isinstance(table, dict):
            table[last] = value
    text = "\n".join(f"{key} = {toml(value)}" for key, value in document.items())
    with pytest.raises(RequestError) as caught:  # the workload is unknown, so always
        read_scenario(text, origin="s.toml", base=Path("/nowhere"), workloads={})
    assert all(problem.where.startswith("s.toml:") for problem in caught.value.problems)
