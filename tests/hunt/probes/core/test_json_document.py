"""probes.json: what is written is read back, and what is not such a file is refused."""

import json

import pytest

from anyclue.hunt.probes.core.json_document import readings_from_json, readings_to_json
from anyclue.hunt.probes.core.model import (
    Amount,
    Frame,
    ProbeFinding,
    ProbeReading,
    SourceLocation,
    StackEvidence,
)
from anyclue.model.errors import RequestError
from anyclue.model.scenario import Cell
from anyclue.model.verdict import Signature

GUILTY = Cell(kernel="bad", machine="i386", mkfs="default", mount="lzo", workload="small")
INNOCENT = Cell(kernel="good", machine="i386", mkfs="default", mount="lzo", workload="small")
READING = ProbeReading(
    probe="page-allocations",
    cell=GUILTY,
    innocent=INNOCENT,
    rounds=2,
    lost={"overrun events": 3},
    cannot_see="who holds the page",
    findings=(
        ProbeFinding(
            probe="page-allocations",
            what=StackEvidence.ALLOCATION,
            signature=Signature.RAW_PAGES,
            stack=(
                Frame(
                    symbol="btrfs_compress_pages",
                    offset=0x42,
                    module="btrfs",
                    places=(SourceLocation(function="btrfs_compress_pages", file="a.c", line=7),),
                ),
            ),
            guilty=Amount(kib_per_round=2400.0, count_per_round=600.0),
            innocent=Amount(kib_per_round=0.0, count_per_round=0.0),
            because="600 pages a round",
        ),
    ),
)


def test_what_is_written_is_read_back() -> None:
    assert readings_from_json(readings_to_json([READING])) == (READING,)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"schema": "anyclue.probes/2"}', '{"schema": "anyclue.probes/1"}', "[" * 9999],
)
def test_what_is_not_such_a_file_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="RUN/probes"):
        readings_from_json(text, origin="RUN/probes.json")


def test_a_wrong_value_is_named() -> None:
    value = json.loads(readings_to_json([READING]))
    value["readings"][0]["findings"][0]["what"] = "weather"
    with pytest.raises(RequestError, match=r"readings\.0\.findings\.0\.what"):
        readings_from_json(json.dumps(value))
