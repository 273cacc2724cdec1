from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from anyclue.hunt.render.junit import junit_xml
from anyclue.model.recording import Outcome

if TYPE_CHECKING:
    from tests.hunt.render.conftest import Inputs


def parse(inputs: Inputs) -> ET.Element:
    return ET.fromstring(junit_xml(inputs.findings, inputs.scenario))


def results(root: ET.Element) -> dict[str, str]:
    """How each case ended: the tag of its result, ``passed`` without one."""
    found: dict[str, str] = {}
    for case in root.iter("testcase"):
        tags = [child.tag for child in case if child.tag in {"failure", "error", "skipped"}]
        found[case.attrib["name"]] = tags[0] if tags else "passed"
    return found


def test_default_run(default_run: Inputs) -> None:
    root = parse(default_run)
    assert {suite.attrib["name"] for suite in root} == {
        "bad.i386-2g",
        "good.i386-2g",
        "bad.x86_64-2g",
        "good.x86_64-2g",
    }
    assert (root.attrib["tests"], root.attrib["failures"]) == ("7", "2")
    ended = results(root)
    assert ended["bad.i386-2g.default.lzo.small-files"] == "failure"
    assert ended["bad.i386-2g.default.zlib.small-files"] == "passed"
    leak = next(c for c in root.iter("testcase") if ".lzo." in c.attrib["name"])
    properties = {p.attrib["name"]: p.attrib["value"] for p in leak.iter("property")}
    assert properties["rate_kib_per_round"] == "2400"
    assert properties["signature"] == "page-cache-reference"
    failure = leak.find("failure")
    assert failure is not None
    assert failure.attrib["type"] == "leak"
    assert "orphaned-file-pages 2400 [2390, 2411]" in (failure.text or "")


def test_objects_are_told_in_objects(objects_run: Inputs) -> None:
    cases = {c.attrib["name"]: c for c in parse(objects_run).iter("testcase")}

    def properties(name: str) -> dict[str, str]:
        return {p.attrib["name"]: p.attrib["value"] for p in cases[name].iter("property")}

    leak = "bad.i386-2g.default.lzo.small-files"
    said = properties(leak)
    assert said["counted"] == "slab cache kmalloc-64"
    assert (said["rate_objects_per_round"], said["rate_ci95_objects"]) == ("14", "[13.9, 14.1]")
    failure = cases[leak].find("failure")
    assert failure is not None
    assert failure.attrib["message"].startswith("slab cache kmalloc-64 gained 14 objects a round")
    assert "signature object slab cache kmalloc-64: 14 objects a round" in (failure.text or "")
    assert "KiB" not in (failure.text or "")
    open_ = properties("bad.i386-2g.default.zstd.small-files")
    assert open_["counted"] == "slab cache kmalloc-128"
    assert open_["rate_objects_per_round"] == "1"
    assert "counted" not in properties("bad.i386-2g.default.none.small-files")


def test_what_was_not_judged_never_passes(broken_run: Inputs) -> None:
    ended = results(parse(broken_run))
    of = {name.rsplit(".", 1)[1]: end for name, end in ended.items() if name.startswith("bad")}
    assert of == {
        "crashed": "failure",
        "hung": "failure",
        "oom": "failure",
        "surge": "failure",
        "lost": "error",
        "unproven": "skipped",
        "skipped": "skipped",
        "cache": "passed",
    }
    assert ended["good.i386-2g.default.lzo.crashed"] == "passed"
    assert ended["good.i386-2g.default.zstd.crashed"] == "skipped"


def test_not_even_when_the_verdict_says_clean(default_run: Inputs) -> None:
    first, *others = default_run.findings.cells
    for outcome, tag in ((Outcome.LOST, "error"), (Outcome.NOT_RUN, "skipped")):
        cells = (replace(first, outcome=outcome), *others)
        inputs = replace(default_run, findings=replace(default_run.findings, cells=cells))
        assert results(parse(inputs))[first.cell.id] == tag
