"""The benchmark of kernels: its scenarios are scenarios, and what it calls found was found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tomli_w
from bench.kernels import (
    KINDS,
    LEAK_KIB,
    SIGNATURE,
    SOURCES,
    Kind,
    changed_lines,
    found,
    kinds_scenario,
    lzo_scenario,
    offered,
    shows,
)

from anyclue.hunt.driver import RULES
from anyclue.scenarios.read import read_scenario


@pytest.mark.parametrize(("series", "change"), [("6.1", "page_in"), ("6.12", "folio_in")])
def test_three_cells(series: str, change: str, tmp_path: Path) -> None:
    text = tomli_w.dumps(lzo_scenario(series, "x86_64"))
    read = read_scenario(text, origin="bench", base=tmp_path, workloads=RULES)
    assert {(cell.kernel, cell.mount) for cell in read.cells} == {
        *(("good", "lzo"), ("bad", "lzo"), ("bad", "none"))
    }
    variant = read.kernels["bad"].variant
    assert variant is not None
    assert change in variant.edits[0].find
    assert variant.edits[0].find != variant.edits[0].replace


def test_a_cell_for_each_kind(tmp_path: Path) -> None:
    text = tomli_w.dumps(kinds_scenario("7.3", "x86_64"))
    read = read_scenario(text, origin="bench", base=tmp_path, workloads=RULES)
    assert {(cell.kernel, cell.mkfs) for cell in read.cells} == {
        ("good", "nothing"),
        *(("planted", label) for label in ("nothing", *KINDS)),
    }
    plants = read.kernels["planted"].variant
    assert plants is not None
    for label in KINDS:
        assert f'"{label}"' in plants.edits[1].replace


def test_what_shows() -> None:
    """Not by its verdict alone: by the class, and by how much."""
    kind = Kind(signature="vmalloc", memory="vmalloc")
    named = {"verdict": "leak", "signature": "vmalloc"}

    def leaking(rate: float) -> dict[str, Any]:
        return {**named, "classes": {"vmalloc": {"rate_kib_per_round": rate}}}

    assert shows(leaking(LEAK_KIB + 8.0), kind)
    assert not shows(leaking(LEAK_KIB / 2), kind)
    assert not shows({**leaking(LEAK_KIB), "signature": "percpu"}, kind)
    assert not shows({**leaking(LEAK_KIB), "verdict": "unproven"}, kind)
    assert shows({"verdict": "broken", "signature": "object"}, KINDS["inode"])


def test_lines_that_came_and_went() -> None:
    nothing: dict[str, set[str]] = {file: set() for file in SOURCES}
    lines = {
        "6.1": {**nothing, "slabinfo": {"a", "b"}},
        "7.3": {**nothing, "slabinfo": {"b", "d", "c"}},
    }
    changed = changed_lines(lines)
    assert list(changed) == ["7.3"]
    assert changed["7.3"]["slabinfo"] == {"new": ["c", "d"], "gone": ["a"]}
    assert changed["7.3"]["meminfo"] == {"new": [], "gone": []}


def test_what_is_offered_once_each() -> None:
    entries = [
        {"series": series, "arches": arches}
        for series, arches in (("6.1", ["i386"]), ("6.1", ["i386", "x86_64"]), ("7.0", []))
    ]
    assert offered({"entries": entries}) == [("6.1", "i386"), ("6.1", "x86_64")]


def cell(kernel: str, mount: str, verdict: str, signature: str | None = None) -> dict[str, Any]:
    named = {"cell": f"{kernel}.{mount}", "kernel": kernel, "mount": mount}
    return {**named, "verdict": verdict, "signature": signature}


def test_what_counts_as_found() -> None:
    right = [
        *(cell("bad", "lzo", "leak", SIGNATURE), cell("bad", "none", "clean")),
        cell("good", "lzo", "clean"),
    ]
    first = {"function": "lzo_compress_bio", "missing": {"release": ["folio_put", "other"]}}
    clue = {"places": [first, {"function": "other", "missing": None}]}
    said = {"planted": True, "place": True, "clean": True, "false_leaks": []}
    assert found(right, clue) == said
    for wrong_place in (
        {**first, "function": "other"},
        {**first, "missing": None},
        {**first, "missing": {"release": ["btrfs_free_compr_folio", "folio_put"]}},
    ):
        assert found(right, {"places": [wrong_place]}) == {**said, "place": False}
    wrong = [
        *(cell("bad", "lzo", "leak", "slab-object"), cell("bad", "none", "leak", SIGNATURE)),
        cell("good", "lzo", "unproven"),
    ]
    assert found(wrong, {"places": []}) == {
        "planted": False,
        "place": False,
        "clean": False,
        "false_leaks": ["bad.none"],
    }
