from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from anyclue.hunt.render.verdicts_json import VerdictsDocument, verdicts_json
from anyclue.report.json_document import schema_text

if TYPE_CHECKING:
    from tests.hunt.render.conftest import Inputs

DOCS = Path(__file__).parents[3] / "docs"
SCHEMA: dict[str, Any] = json.loads((DOCS / "verdicts.schema.json").read_text())


def load(inputs: Inputs) -> dict[str, Any]:
    text = verdicts_json(inputs.findings, inputs.scenario)
    document: dict[str, Any] = json.loads(text)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    return document


def test_the_published_schema_is_the_generated_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert (DOCS / "verdicts.schema.json").read_text() == schema_text(VerdictsDocument), (
        "make schemas"
    )


def test_every_field_and_word_is_documented() -> None:
    text = (DOCS / "verdicts-schema.md").read_text()
    for part in (SCHEMA, *SCHEMA["$defs"].values()):
        assert all(f"`{field}`" in text for field in part.get("properties", ()))
        assert all(f"`{word}`" in text for word in part.get("enum", ()))


def test_every_field_is_described() -> None:
    for part in (SCHEMA, *SCHEMA["$defs"].values()):
        assert all("description" in field for field in part.get("properties", {}).values())


def test_default_run(default_run: Inputs) -> None:
    document = load(default_run)
    by_cell = {cell["cell"]: cell for cell in document["cells"]}
    bad = by_cell["bad.i386-2g.default.lzo.small-files"]
    assert (bad["verdict"], bad["signature"]) == ("leak", "page-cache-reference")
    assert bad["rate_kib_per_round"] == 2400.0
    assert bad["rate_ci95_kib"] == [2390.5, 2411.0]
    assert bad["reference"] == "good.i386-2g.default.lzo.small-files"
    assert bad["classes"]["orphaned-file-pages"]["grew"] is True
    assert bad["classes"]["slab-unreclaimable"]["top"][0]["name"] == "btrfs_inode"
    assert by_cell["good.i386-2g.default.lzo.small-files"]["reference"] is None
    assert {f["factor"]: f["matters"] for f in document["factors"]} == {
        "kernel": True,
        "machine": False,
        "mkfs": None,
        "mount": True,
        "workload": None,
    }
    assert document["not_judged"] == []


def test_broken_run_keeps_incidents_and_names_what_was_not_judged(broken_run: Inputs) -> None:
    document = load(broken_run)
    incident = document["cells"][0]["incident"]
    assert incident["function"] == "kunmap_local_indexed"
    assert "lzo_compress_pages+0x1f4/0x3a0 [btrfs]\n" in incident["text"]
    not_judged = "\n".join(document["not_judged"])
    for name in ("lost", "unproven", "skipped"):
        assert f"bad.i386-2g.default.lzo.{name}: " in not_judged
    assert "good.i386-2g.default.zstd.crashed: planned, not run" in not_judged
    assert not_judged.count("lzo.lost") == 1


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), None])
def test_numbers_that_json_cannot_hold_become_null(default_run: Inputs, rate: float | None) -> None:
    first, *others = default_run.findings.cells
    ci = None if rate is None else (0.0, rate)
    first = replace(first, rate_kib_per_round=rate, rate_ci95_kib=ci)
    document = load(
        replace(default_run, findings=replace(default_run.findings, cells=(first, *others)))
    )
    assert document["cells"][0]["rate_kib_per_round"] is None
    assert document["cells"][0]["rate_ci95_kib"] is None
