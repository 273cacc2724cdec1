"""Theories in a scenario: what each is about, and every mistake in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from anyclue.model.scenario import (
    Arch,
    Axis,
    OfArch,
    OfCommit,
    OfFactor,
    OfFunction,
    OfResource,
    OfSubsystem,
    Resource,
    Scenario,
    WorkloadRules,
)
from anyclue.scenarios.plan_document import scenario_from_json, scenario_to_json
from anyclue.scenarios.read import load_scenario

Read = Callable[[str], Scenario]
Wrong = Callable[[str], list[str]]
FILE = Path(__file__).parents[2] / "scenarios" / "lzo-leak.toml"

ABOUT = [
    ('factor = { kernel = "k" }', OfFactor(axis=Axis.KERNEL, value="k")),
    ('commit = "037c50bfbeb3"', OfCommit(commit="037c50bfbeb3")),
    ('commit = "v6.1~2^2"', OfCommit(commit="v6.1~2^2")),
    ('function = "f"', OfFunction(function="f")),
    ('subsystem = "fs/btrfs/"', OfSubsystem(subsystem="fs/btrfs")),
    ('resource = "kmap"', OfResource(resources=(Resource.KMAP,))),
    (
        'resource = ["slab", "raw-pages", "slab"]',
        OfResource(resources=(Resource.SLAB, Resource.RAW_PAGES)),
    ),
    ('arch = "i386"', OfArch(arch=Arch.I386)),
]


@pytest.mark.parametrize(("line", "about"), ABOUT, ids=[line for line, _ in ABOUT])
def test_what_a_theory_is_about(read: Read, smallest: str, line: str, about: object) -> None:
    scenario = read(f'{smallest}[suspects.it]\ntheory = "it was him"\n{line}\n')
    (theory,) = scenario.suspects
    assert (theory.name, theory.theory, theory.about) == ("it", "it was him", about)
    assert scenario_from_json(scenario_to_json(scenario)) == scenario


MISTAKES = [
    ("", "suspects.it", "says nothing of what it is about"),
    ('arch = "i386"\nfunction = "f"', "suspects.it", "is about function and arch"),
    ('arch = "arm"', "suspects.it.arch", "must be"),
    ("factor = { }", "suspects.it.factor", "names 0 axes"),
    ('factor = { kernel = "k", machine = "m" }', "suspects.it.factor", "names 2 axes"),
    ('factor = { kernel = "kk" }', "suspects.it.factor.kernel", 'did you mean "k"?'),
    ('factor = { mont = "x" }', "suspects.it.factor.mont", 'did you mean "mount"?'),
    ('commit = "--help"', "suspects.it.commit", "must be a commit"),
    ('function = "a b"', "suspects.it.function", "must be the name of a C function"),
    ('subsystem = "../x"', "suspects.it.subsystem", "must be a path inside the kernel tree"),
    ('resource = "pages"', "suspects.it.resource", "must be"),
    ("resource = []", "suspects.it.resource", "must not be empty"),
]


@pytest.mark.parametrize(("lines", "where", "what"), MISTAKES, ids=[m[0] for m in MISTAKES])
def test_mistakes(wrong: Wrong, smallest: str, lines: str, where: str, what: str) -> None:
    problems = wrong(f'{smallest}[suspects.it]\ntheory = "t"\n{lines}\n')
    assert any(where in one and what in one for one in problems), problems


def test_hostile_words(wrong: Wrong, smallest: str) -> None:
    problems = wrong(f'{smallest}[suspects.it]\ntheory = "\\u001b[2J"\narch = "i386"\n')
    assert any("suspects.it.theory" in one and "U+001B" in one for one in problems)


def test_the_five_of_the_mail(rules: Mapping[str, WorkloadRules]) -> None:
    scenario = load_scenario(FILE, workloads=rules)
    assert {one.name: one.about for one in scenario.suspects} == {
        "kmap": OfResource(resources=(Resource.KMAP,)),
        "mm": OfResource(resources=(Resource.RAW_PAGES, Resource.SLAB)),
        "merge": OfCommit(commit="037c50bfbeb3"),
        "32-bit": OfArch(arch=Arch.I386),
        "lzo": OfFactor(axis=Axis.MOUNT, value="lzo"),
    }
