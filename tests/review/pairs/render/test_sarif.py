"""The review as SARIF: what the standard requires of it, and what readers make use of."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.review.pairs.model import FindingKind, StepKind
from anyclue.review.pairs.render.sarif import _STEPS, FINGERPRINT, ROOT, sarif, uri
from anyclue.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anyclue.review.pairs.model import Review

# Property names that SARIF 2.1.0 (OASIS Standard, 27 March 2020) gives the objects in use, and
# those among them that it requires: section 3, each object's "properties".
KNOWN: dict[str, tuple[set[str], set[str]]] = {
    "log": ({"$schema", "version", "runs"}, {"version", "runs"}),
    "run": (
        {
            "tool",
            "invocations",
            "originalUriBaseIds",
            "columnKind",
            "results",
            "properties",
        },
        {"tool"},
    ),
    "driver": ({"name", "version", "rules", "notifications"}, {"name"}),
    "rule": (
        {
            "id",
            "name",
            "shortDescription",
            "fullDescription",
            "defaultConfiguration",
            "help",
            "properties",
        },
        {"id"},
    ),
    "invocation": (
        {"executionSuccessful", "toolExecutionNotifications"},
        {"executionSuccessful"},
    ),
    "notification": ({"descriptor", "level", "message", "locations"}, {"message"}),
    "result": (
        {
            "ruleId",
            "ruleIndex",
            "level",
            "message",
            "locations",
            "partialFingerprints",
            "properties",
            "baselineState",
            "codeFlows",
            "relatedLocations",
            "fixes",
        },
        {"message"},
    ),
    "location": ({"id", "physicalLocation", "logicalLocations", "message"}, set()),
    "physicalLocation": ({"artifactLocation", "region"}, {"artifactLocation"}),
    "artifactLocation": ({"uri", "uriBaseId"}, {"uri"}),
    "region": ({"startLine", "startColumn", "endColumn"}, {"startLine"}),
    "step": ({"location", "kinds", "executionOrder"}, set()),
    "fix": ({"description", "artifactChanges"}, {"artifactChanges"}),
    "artifactChange": ({"artifactLocation", "replacements"}, {"artifactLocation", "replacements"}),
    "replacement": ({"deletedRegion", "insertedContent"}, {"deletedRegion"}),
}


def check(kind: str, found: dict[str, Any]) -> dict[str, Any]:
    known, required = KNOWN[kind]
    assert required <= set(found) <= known, (kind, set(found))
    return found


def check_message(found: dict[str, Any]) -> None:
    assert set(found) == {"text"}
    assert found["text"]


def check_physical(found: dict[str, Any]) -> None:
    check("physicalLocation", found)
    artifact = check("artifactLocation", found["artifactLocation"])
    assert artifact["uriBaseId"] == ROOT
    assert re.fullmatch(r"(?:[\w.~/-]|%[0-9A-F]{2})*", artifact["uri"], re.ASCII)
    assert not artifact["uri"].startswith("/")
    if "region" in found:
        assert all(value >= 1 for value in check("region", found["region"]).values())


def check_location(found: dict[str, Any]) -> None:
    check("location", found)
    check_physical(found["physicalLocation"])
    assert found.get("id", 0) >= 0
    if "message" in found:
        check_message(found["message"])
    for logical in found.get("logicalLocations", ()):
        assert set(logical) == {"name", "kind"}


def check_result(found: dict[str, Any], rules: list[dict[str, Any]]) -> None:
    check("result", found)
    check_message(found["message"])
    assert rules[found["ruleIndex"]]["id"] == found["ruleId"]
    assert found["level"] in {"none", "note", "warning", "error"}
    assert found.get("baselineState", "new") in {"new", "unchanged", "updated", "absent"}
    assert all(isinstance(value, str) for value in found["partialFingerprints"].values())
    for location in (*found["locations"], *found.get("relatedLocations", ())):
        check_location(location)
    for flow in found.get("codeFlows", ()):
        assert flow["threadFlows"]
        for thread in flow["threadFlows"]:
            assert thread["locations"]
            for step in thread["locations"]:
                check("step", step)
                check_location(step["location"])
    for fix in found.get("fixes", ()):
        check("fix", fix)
        check_message(fix["description"])
        for change in fix["artifactChanges"]:
            check("artifactChange", change)
            assert change["replacements"]
            for replacement in change["replacements"]:
                check("region", check("replacement", replacement)["deletedRegion"])
                assert set(replacement["insertedContent"]) == {"text"}


def load(review: Review) -> dict[str, Any]:
    """Read a log back; it must be as the standard says. Returns its run."""
    text = sarif(review)
    assert text.isascii()
    document = check("log", json.loads(text))
    assert document["version"] == "2.1.0"
    assert len(document["runs"]) == 1
    run: dict[str, Any] = check("run", document["runs"][0])
    driver = check("driver", run["tool"]["driver"])
    for rule in driver["rules"]:
        check("rule", rule)
        for name in ("shortDescription", "fullDescription", "help"):
            check_message(rule[name])
    assert len({rule["id"] for rule in driver["rules"]}) == len(driver["rules"])
    for invocation in run["invocations"]:
        check("invocation", invocation)
        for one in invocation["toolExecutionNotifications"]:
            check("notification", one)
            check_message(one["message"])
            wanted = driver["notifications"][one["descriptor"]["index"]]["id"]
            assert one["descriptor"]["id"] == wanted
            for location in one["locations"]:
                check_physical(location["physicalLocation"])
    for result in run["results"]:
        check_result(result, driver["rules"])
    assert run["columnKind"] in {"utf16CodeUnits", "unicodeCodePoints"}
    return run


def test_a_tree(tree: Review) -> None:
    run = load(tree)
    assert run["tool"]["driver"]["version"] == __version__
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [k.value for k in FindingKind]
    leak, swapped = run["results"]
    assert leak["level"] == "error"
    assert swapped["level"] == "warning"
    assert "baselineState" not in leak
    assert leak["message"]["text"] == (
        "page reference `page_in` is not released on this path (page-reference). "
        "Confidence high: released on other paths of the same function"
    )
    place = leak["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": "fs/btrfs/lzo.c", "uriBaseId": ROOT},
        "region": {"startLine": 312, "startColumn": 2},
    }
    assert leak["locations"][0]["logicalLocations"][0]["name"] == "lzo_compress_pages"
    related = [one["physicalLocation"]["region"]["startLine"] for one in leak["relatedLocations"]]
    assert related == [280, 301]
    assert leak["properties"]["pair"] == "page-reference"
    assert "codeFlows" not in swapped


def test_the_path(tree: Review) -> None:
    (thread,) = load(tree)["results"][0]["codeFlows"][0]["threadFlows"]
    lines = [
        step["location"]["physicalLocation"]["region"]["startLine"] for step in thread["locations"]
    ]
    assert lines == [280, 296, 297, 312]
    assert thread["locations"][1]["location"]["message"] == {"text": "if (ret < 0) -- taken"}
    assert [step["executionOrder"] for step in thread["locations"]] == [1, 2, 3, 4]
    assert set(_STEPS) == set(StepKind)


def test_the_fix_is_the_insertion(tree: Review) -> None:
    (fix,) = load(tree)["results"][0]["fixes"]
    (change,) = fix["artifactChanges"]
    (replacement,) = change["replacements"]
    assert replacement == {
        "deletedRegion": {"startLine": 312, "startColumn": 1, "endColumn": 1},
        "insertedContent": {"text": "\tput_page(page_in);\n"},
    }


def test_a_change(change: Review) -> None:
    run = load(change)
    assert {result["baselineState"] for result in run["results"]} == {"new"}
    assert run["results"][2]["level"] == "note"
    assert [one["path"] for one in run["properties"]["fixed"]] == ["fs/btrfs/zlib.c"]
    assert run["properties"]["change"] == "v6.1..v6.2"
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is True
    told = invocation["toolExecutionNotifications"]
    assert len(told) == len(change.unjudged)
    assert told[0]["message"]["text"] == "odd() was not judged: more than 20,000 paths"
    assert "region" not in told[1]["locations"][0]["physicalLocation"]


def test_fingerprints_stay_when_lines_move(tree: Review) -> None:
    moved = replace(tree, findings=tuple(replace(one, line=one.line + 7) for one in tree.findings))
    assert list(prints(tree)) == list(prints(moved))
    assert len(set(prints(tree))) == 2


def prints(review: Review) -> Iterator[str]:
    for result in load(review)["results"]:
        yield result["partialFingerprints"][FINGERPRINT]


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("fs/btrfs/lzo.c", "fs/btrfs/lzo.c"),
        ("fs/a b/größe.c", "fs/a%20b/gr%C3%B6%C3%9Fe.c"),
        ("c:x.c", "c%3Ax.c"),
        ("//evil.example/x.c", "evil.example/x.c"),
        ("a#b?c%d.c", "a%23b%3Fc%25d.c"),
        ("\udcff.c", "%FF.c"),
        ("\ud800.c", "%3F.c"),
    ],
)
def test_uris(path: str, wanted: str) -> None:
    assert uri(path) == wanted


@given(st.binary(max_size=30))
def test_any_path_comes_back_from_its_uri(raw: bytes) -> None:
    path = raw.decode("utf-8", "surrogateescape")
    assert unquote_to_bytes(uri(path)) == raw.lstrip(b"/")
