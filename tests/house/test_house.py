"""What the house is built by: names, imports, and lines of the documentation."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src/anyclue"
MODULES = sorted(PACKAGE.rglob("*.py"))

FIELD_TERMS = {"debugging", "recording"}
"""Gerunds that are nouns of the field: delta debugging, a recording."""

BANNED = {"helpers", "misc", "stuff", "told", "asked", "said", "things", "util", "utils"}
"""Names that say nothing of what a module holds; gerunds are banned besides."""

REASONS = {"SignatureDetail", "VerdictReason"}
"""Bases of classes that are facts, and named so: `GrowthProven`."""

COLUMNS = 100


def test_there_is_something_to_look_at() -> None:
    assert len(MODULES) > 100


def test_a_public_class_name_is_defined_once() -> None:
    defined: dict[str, list[str]] = defaultdict(list)
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                defined[node.name].append(str(path.relative_to(PACKAGE)))
    assert {name: where for name, where in defined.items() if len(where) > 1} == {}


def test_modules_are_named_after_what_they_hold() -> None:
    names = {path: path.stem for path in MODULES}
    names |= {path: path.name for path in PACKAGE.rglob("*") if path.is_dir()}
    wrong = [
        str(path.relative_to(PACKAGE))
        for path, name in names.items()
        if name in BANNED or (name.endswith("ing") and name.split("_")[-1] not in FIELD_TERMS)
    ]
    assert wrong == []


def glossary() -> tuple[list[str], set[str]]:
    """Return the words that the glossary defines, and every word that it knows."""
    page, _, plain = (ROOT / "docs/glossary.md").read_text().partition("## Plain words")
    defined = [
        row[1]
        for row in re.findall(r"^\| (([^|]+?)) \| [^|]+ \|$", page, re.MULTILINE)
        if row[1] not in {"word", "---"}
    ]
    known = " ".join((*defined, plain.partition(":")[2])).lower()
    return defined, set(re.findall(r"[a-z]+", known))


def singular(word: str) -> set[str]:
    """Return what a word may be the plural of, and itself."""
    return {word, word.removesuffix("s"), word.removesuffix("es"), re.sub("ies$", "y", word)}


def test_classes_are_named_after_words_of_the_glossary() -> None:
    """The last word of a name says what it is; a verdict's reason is named after its fact."""
    defined, known = glossary()
    assert len(defined) > 100
    assert len(set(defined)) == len(defined), "each word is said once"
    unknown = []
    for path in MODULES:
        for node in ast.parse(path.read_text()).body:
            if not isinstance(node, ast.ClassDef) or node.name.startswith("_"):
                continue
            if any(isinstance(base, ast.Name) and base.id in REASONS for base in node.bases):
                continue
            last = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*", node.name)[-1].lower()
            if not singular(last) & known:
                unknown.append(f"{node.name} in {path.relative_to(PACKAGE)}")
    assert unknown == []


def test_no_import_goes_in_a_circle() -> None:
    graph = grimp.build_graph("anyclue", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    TopologicalSorter(imports).prepare()  # raises CycleError, which names the modules


def test_a_package_exports_nothing_by_its_init() -> None:
    for path in PACKAGE.rglob("__init__.py"):
        imports = [
            node
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        assert imports == [] or path.parent == PACKAGE, path


def test_lines_of_the_documentation_are_short() -> None:
    long = []
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")):
        fenced = False
        for number, line in enumerate(page.read_text().splitlines(), start=1):
            fenced ^= line.lstrip().startswith("```")
            aside = fenced or line.startswith(("|", "    ", "!["))
            if len(line) > COLUMNS and not aside:
                long.append(f"{page.relative_to(ROOT)}:{number}: {len(line)}")
    assert long == []
