"""Contracts against a tree, as text and as JSON."""

from __future__ import annotations

import json

import jsonschema

from anyclue.review.pairs.contracts.coverage import (
    AbsentCall,
    ContractCoverage,
    UnknownCleanup,
    UnknownPair,
)
from anyclue.review.pairs.render.contract_check import (
    BRIEF,
    ContractCheckDocument,
    contract_check,
)

FOUND = ContractCoverage(
    version=(7, 3),
    files=2,
    calls=1130,
    absent=(AbsentCall(call="kzfree", pairs=("slab-memory",)),),
    excluded=(AbsentCall(call="get_acl", pairs=("posix-acl",)),),
    cleanups=25,
    cleanup_uses=75,
    unknown_cleanups=(
        UnknownCleanup(name="bprm", macro="DEFINE_CLASS", path="fs/ex\x1bec.c", line=9, uses=1),
    ),
    unknown_pairs=tuple(
        UnknownPair(acquire=f"a{n}_get", release=f"a{n}_put", calls=n) for n in range(BRIEF + 2)
    ),
)


def test_text_says_everything_that_does_not_fit() -> None:
    lines = contract_check(FOUND, as_json=False).splitlines()
    assert lines[0] == "contracts against Linux 7.3, 2 files"
    assert "1 of 1,130 calls of contracts are nowhere in it" in lines
    assert "  kzfree (slab-memory)" in lines
    assert "1 call that it has, though since or until says that it has not" in lines
    assert "1 of 25 guards, classes and names of __free() have no contract (1 of 75 uses)" in lines
    unknown = next(line for line in lines if "bprm" in line)
    assert unknown.endswith(":9: DEFINE_CLASS(bprm), 1 use")
    assert "  a1_get, a1_put: 1 call" in lines
    assert lines[-1] == "  ... and 2 more; --json lists all"
    assert "\x1b" not in "".join(lines)


def test_json_is_what_its_schema_says() -> None:
    document = json.loads(contract_check(FOUND, as_json=True))
    schema = ContractCheckDocument.model_json_schema(mode="serialization")
    jsonschema.Draft202012Validator(schema).validate(document)
    assert (document["schema"], document["version"]) == ("anyclue.contract-check/1", "7.3")
    assert len(document["unknown_pairs"]) == BRIEF + 2
    assert "\x1b" not in json.dumps(document["unknown_cleanups"])
