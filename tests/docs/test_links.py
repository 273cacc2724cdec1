"""Links, anchors, paths and make targets that the documentation names: they are there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.docs.conftest import Docs

LINK = re.compile(r"\]\(([^)\s]+)\)")
LABELLED = re.compile(r"\[`?([\w/.-]+\.(?:py|toml|c|md))`?\]\(([^)#\s]+)")
PATH = re.compile(r"(?:docs|src|tests|scenarios|bench|tools)/[\w./-]*[\w/]")
TARGET = re.compile(r"^make ([a-z][a-z-]*)(?![\w=])")


def anchor(title: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def anchors(path: Path, docs: Docs) -> set[str]:
    page = next(page for page in docs.pages if page.path.resolve() == path.resolve())
    return {anchor(title) for title in page.headings()}


def test_links_lead_somewhere(docs: Docs) -> None:
    for page in docs.pages:
        for link in LINK.findall(page.text):
            if re.match(r"[a-z]+:", link):
                continue
            name, _, fragment = link.partition("#")
            target = page.path.parent / name if name else page.path
            assert target.exists(), f"{page.path.name}: {link}"
            if fragment:
                assert fragment in anchors(target, docs), f"{page.path.name}: {link}"


def test_a_link_that_names_a_file_leads_to_it(docs: Docs) -> None:
    for page in docs.pages:
        for label, target in LABELLED.findall(page.text):
            assert target.endswith(label), f"{page.path.name}: [{label}]({target})"


def test_paths_exist(docs: Docs) -> None:
    for page in docs.pages:
        for line in page.code_lines():
            for name in PATH.findall(line) if " " not in line or "/" in line.split()[0] else []:
                if line.startswith(name) and not re.search(r"[A-Z]{4}", name):
                    assert (docs.root / name).exists(), f"{page.path.name}: {name}"


def test_make_targets_exist(docs: Docs) -> None:
    known = set(re.findall(r"^([a-z-]+):", makefile(docs), re.MULTILINE))
    named = {
        (page.path.name, match[1])
        for page in docs.pages
        for line in page.code_lines()
        if (match := TARGET.match(line))
    }
    assert {"hunt", "test"} <= {target for _, target in named}
    assert not {(page, target) for page, target in named if target not in known}


def test_every_make_target_is_described(docs: Docs) -> None:
    shown = set(re.findall(r"^([a-z-]+):.*##", makefile(docs), re.MULTILINE)) - {"help"}
    page = docs.page("CONTRIBUTING.md")
    described = {match[1] for line in page.code_lines() if (match := TARGET.match(line))}
    assert shown <= described
    measured = {title.strip("`") for title in docs.page("docs/bench.md").headings()}
    assert {f"make {name}" for name in shown if name.startswith("bench-")} <= measured


def makefile(docs: Docs) -> str:
    return (docs.root / "Makefile").read_text()


def test_every_decision_is_listed(docs: Docs) -> None:
    index = docs.page("docs/adr/README.md")
    decisions = {path.name for path in (docs.root / "docs/adr").glob("0*.md")}
    assert set(LINK.findall(index.text)) == decisions


def test_every_page_is_reached_from_the_readme(docs: Docs) -> None:
    reached: set[Path] = set()
    todo = [docs.root / "README.md"]
    while todo:
        path = todo.pop().resolve()
        if path in reached:
            continue
        reached.add(path)
        links = [link.partition("#")[0] for link in LINK.findall(path.read_text())]
        todo += [path.parent / link for link in links if link.endswith(".md") and "://" not in link]
    assert {page.path.resolve() for page in docs.pages} <= reached
