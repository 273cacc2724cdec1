"""docs/cli.md against the command itself: every verb, every option, every example."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest
import typer.main

from anyclue.cli.main import app

if TYPE_CHECKING:
    from tests.docs.conftest import Docs

COMMAND: Any = typer.main.get_command(app)
VERBS: dict[str, Any] = COMMAND.commands
HELP = {"-h", "--help"}
VERB = "anyclue "


def options(command: Any) -> set[str]:  # noqa: ANN401 - Typer brings its own copy of Click
    return {name for p in command.params if p.param_type_name == "option" for name in p.opts}


def documented(docs: Docs, text: str) -> set[str]:
    words = docs.first_column(text)
    assert all(word.startswith("-") for word in words), words
    return {word.split()[0] for word in words}


def test_every_verb_has_a_section_and_no_other_has(docs: Docs) -> None:
    titles = docs.page("docs/cli.md").headings()
    assert {t.removeprefix(VERB) for t in titles if t.startswith(VERB)} == set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_the_options_of_a_verb(docs: Docs, verb: str) -> None:
    section = docs.page("docs/cli.md").section(VERB + verb)
    assert documented(docs, section) == options(VERBS[verb]) - HELP


@pytest.mark.parametrize("verb", VERBS)
def test_the_usage_names_the_arguments(docs: Docs, verb: str) -> None:
    section = docs.page("docs/cli.md").section(VERB + verb)
    usage = next(line.split() for line in section.splitlines() if line.startswith("    "))
    arguments = [p.name.upper() for p in VERBS[verb].params if p.param_type_name == "argument"]
    assert usage == ["anyclue", verb, "[OPTIONS]", *arguments]


def test_the_common_options(docs: Docs) -> None:
    before, _, _ = docs.page("docs/cli.md").prose.partition("\n## ")
    table = "\n".join(line for line in before.splitlines() if line.startswith(("| `-", "| opt")))
    words = {w for row in table.splitlines() for w in re.findall(r"`(-[\w-]+)`", row)}
    assert words == options(COMMAND) | HELP


def test_the_verbs_say_how_they_exit(docs: Docs) -> None:
    page = docs.page("docs/cli.md")
    for verb in VERBS:
        assert "Exit status" in page.section(VERB + verb), verb


def examples(docs: Docs) -> list[tuple[str, list[str]]]:
    """Every command line of anyclue that a page shows, as arguments."""
    found = []
    for page in docs.pages:
        for line in page.code_lines():
            text = line.removeprefix("$ ").removeprefix(".venv/bin/")
            if not text.startswith(VERB) or "[" in text or "RUN" in text.split("--")[0].split():
                continue
            command = re.split(r"  +| [#>|&;] ?", text)[0]
            found.append((page.path.name, shlex.split(command)[1:]))
    return found


def test_every_example_is_a_command_line_that_parses(docs: Docs) -> None:
    shown = examples(docs)
    assert {"README.md", "cli.md"} <= {name for name, _ in shown}
    for name, words in shown:
        verb = next((word for word in words if not word.startswith("-")), None)
        if verb is None:
            assert set(words) <= options(COMMAND) | HELP, (name, words)
            continue
        assert verb in VERBS, (name, words)
        rest = words[words.index(verb) + 1 :]
        own = rest[: rest.index("--")] if "--" in rest else rest  # behind it: another command's
        given = {word.split("=")[0] for word in own if word.startswith("-")}
        assert given <= options(VERBS[verb]) | HELP, (name, words)
        in_prose = all(
            word.startswith("-") for word in rest
        )  # as in "`anyclue plan --json` prints"
        if not in_prose and not given & HELP:
            VERBS[verb].make_context(verb, list(rest))
