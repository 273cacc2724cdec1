"""The benchmark of kernels: its scenarios are scenarios, and what it calls found was found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tomli_w
from bench.kernels import SIGNATURE, found, offered, scenario

from anyclue.hunt.driver import RULES
from anyclue.scenarios.read import read_scenario


@pytest.mark.parametrize(("series", "change"), [("6.1", "page_in"), ("6.12", "folio_in")])
def test_three_cells(series: str, change: str, tmp_path: Path) -> None:
    text = tomli_w.dumps(scenario(series, "x86_64"))
    read = read_scenario(text, origin="bench", base=tmp_path, workloads=RULES)
    assert {(cell.kernel, cell.mount) for cell in read.cells} == {
        *(("good", "lzo"), ("bad", "lzo"), ("bad", "none"))
    }
    variant = read.kernels["bad"].variant
    assert variant is not None
    assert change in variant.edits[0].find
    assert variant.edits[0].find != variant.edits[0].replace


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
    clue = {"places": [{"function": "lzo_compress_bio"}, {"function": "other"}]}
    said = {"planted": True, "place": True, "clean": True, "false_leaks": []}
    assert found(right, clue) == said
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
