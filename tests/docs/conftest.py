"""Reading the documentation: its pages, sections, tables and code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    @property
    def text(self) -> str:
        return self.path.read_text()

    @property
    def prose(self) -> str:
        """The text with fenced blocks emptied; positions of lines are not kept."""
        return _FENCE.sub("", self.text)

    def fenced(self, language: str) -> list[str]:
        return [body for name, body in _FENCE.findall(self.text) if name == language]

    def headings(self) -> list[str]:
        return [title for _, title in _HEADING.findall(self.prose)]

    def section(self, title: str) -> str:
        """The text below a heading, up to the next heading of its level or above."""
        found = [match for match in _HEADING.finditer(self.prose) if match[2] == title]
        assert len(found) == 1, f"{self.path.name}: {len(found)} headings {title!r}"
        level = len(found[0][1])
        rest = self.prose[found[0].end() :]
        end = re.search(rf"^#{{1,{level}}} ", rest, re.MULTILINE)
        return rest[: end.start()] if end else rest

    def code_lines(self) -> list[str]:
        """Lines of indented and fenced blocks, and inline code, without their marks."""
        indented = re.findall(r"^ {4}(\S.*)$", self.prose, re.MULTILINE)
        fenced = [line for _, body in _FENCE.findall(self.text) for line in body.splitlines()]
        return [*indented, *fenced, *re.findall(r"`([^`\n]+)`", self.prose)]


def table_rows(section: str) -> list[list[str]]:
    """The body rows of all tables in a piece of text, as cells."""
    rows: list[list[str]] = []
    body = False
    for line in section.splitlines():
        if not line.startswith("|"):
            body = False
        elif re.fullmatch(r"[|\s:-]+", line):
            body = True
        elif body:
            rows.append([cell.strip() for cell in line.strip().strip("|").split("|")])
    return rows


def code_words(cell: str) -> list[str]:
    """What stands in backticks in a cell."""
    return re.findall(r"`([^`]+)`", cell)


@dataclass(frozen=True)
class Docs:
    """All pages of the repository, and what reads them."""

    root: Path = ROOT

    @property
    def pages(self) -> list[Page]:
        files = [*self.root.glob("*.md"), *sorted((self.root / "docs").rglob("*.md"))]
        return [Page(path) for path in files]

    def page(self, name: str) -> Page:
        return Page(self.root / name)

    def first_column(self, section: str) -> list[str]:
        """The words in backticks of the first column of every table in ``section``."""
        return [word for row in table_rows(section) for word in code_words(row[0])]

    def rows(self, section: str) -> list[list[str]]:
        return table_rows(section)

    def words(self, cell: str) -> list[str]:
        return code_words(cell)


@pytest.fixture
def docs() -> Docs:
    return Docs()
