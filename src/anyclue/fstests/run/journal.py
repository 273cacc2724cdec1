"""What a trial of fstests did: ``fstests.json`` and ``check``'s own words, written as it goes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from anyclue.fstests.core.evidence import Trial
from anyclue.fstests.core.model import CallOutput, CheckCall, Part, TestId, TrialRecord
from anyclue.model.errors import RequestError
from anyclue.model.recording import Recording
from anyclue.system.files import write_whole

SCHEMA = "anyclue.fstests/1"
FILE = "fstests.json"
RESULTS = "results"
REPORT = "result.xml"


class TrialJournal:
    """Writes the record anew after every step, so that what ran is kept whatever happens then."""

    def __init__(self, *, place: Path, part: Part) -> None:
        self._place = place
        self._record: dict[str, Any] = {"part": part, "tests": (), "expunged": [], "unknown": []}
        self._calls: list[CheckCall] = []
        self.results.mkdir()
        self._write()

    @property
    def results(self) -> Path:
        """The directory of result files."""
        return self._place / RESULTS

    def planned(self, tests: Sequence[TestId]) -> None:
        """Note what is to run."""
        self._record["tests"] = tuple(tests)
        self._write()

    def left_out(self, expunged: Sequence[TestId], unknown: Sequence[str]) -> None:
        """Note what check listed as expunged, and what it did not know."""
        self._record["expunged"] += expunged
        self._record["unknown"] += unknown

    def stopped(self) -> None:
        """Note that a failure ended the list."""
        self._record["stopped"] = True
        self._write()

    def begin(self, call: CheckCall) -> None:
        """Note that a call begins."""
        self._calls.append(call)
        self._write()

    def end(self, call: CheckCall, output: str) -> None:
        """Note how the call that began last ended."""
        (self.results / call.output).write_text(output, errors="replace")
        self._calls[-1] = call
        self._write()

    def _write(self) -> None:
        record = TrialRecord(**self._record, calls=tuple(self._calls))
        fields = {"schema": SCHEMA, **asdict(record)}
        write_whole(self._place / FILE, json.dumps(fields, indent=1))


_RECORD = TypeAdapter(TrialRecord)


def read_trial(place: Path, recording: Recording) -> Trial:
    """Return a trial with what it did; a trial that got nowhere near a test did nothing.

    Raises:
        RequestError: it is damaged.
    """
    record = read_record(place) or TrialRecord(part=Part.LIST)
    return Trial(
        recording=recording,
        record=record,
        outputs={call.round: _output(place / RESULTS, call) for call in record.calls},
    )


def read_record(place: Path) -> TrialRecord | None:
    """Return what a trial of fstests did; None when the trial got nowhere near it.

    Raises:
        RequestError: it is damaged.
    """
    try:
        return _RECORD.validate_python(_of_this_version(json.loads((place / FILE).read_text())))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, AttributeError, ValidationError) as error:
        raise RequestError.of(
            f"not what a trial of fstests wrote: {error}",
            where=str(place / FILE),
            next_step="remove this trial's directory and continue with --resume",
        ) from error


def _output(results: Path, call: CheckCall) -> CallOutput:
    """Return what a call left; nothing of one that did not come back."""
    printed, report = "", None
    with suppress(OSError):
        printed = (results / call.output).read_text(errors="replace")
    name = Path(f"{call.round:04}", call.test.partition("/")[0], REPORT)
    if str(name) in call.kept and ".." not in name.parts:
        with suppress(OSError):
            report = (results / name).read_bytes()
    return CallOutput(printed=printed, report=report)


def _of_this_version(fields: dict[str, Any]) -> dict[str, Any]:
    if fields.pop("schema") != SCHEMA:
        raise ValueError(f"this anyclue reads {SCHEMA}")
    return fields
