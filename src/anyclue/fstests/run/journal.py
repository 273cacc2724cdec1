"""What a trial of fstests did: ``fstests.json`` and ``check``'s own words, written as it goes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from anyclue.fstests.core.model import Part, TestId
from anyclue.model.errors import Problem, RequestError
from anyclue.system.files import write_whole

SCHEMA = "anyclue.fstests/1"
FILE = "fstests.json"
RESULTS = "results"
REPORT = "result.xml"


@dataclass(frozen=True, kw_only=True)
class CheckCall:
    """One run of ``check``, for one test.

    Attributes:
        round: its number in the trial, from 1: that of the marks and of its output's file.
        section: the section of ``local.config``.
        test: the test.
        status: check's exit status; None when it did not come back.
        kept: the result files, as paths below ``results``.
        again: whether it is the second run in a row, as memory had moved in the first.
    """

    round: int
    section: str
    test: str
    status: int | None = None
    kept: tuple[str, ...] = ()
    again: bool = False

    @property
    def id(self) -> TestId:
        """The test with its section."""
        return TestId(section=self.section, test=self.test)

    @property
    def output(self) -> str:
        """The name of the file with check's output, below ``results``."""
        return f"check-{self.round:04}.out"


@dataclass(frozen=True, kw_only=True)
class TrialRecord:
    """A trial's ``fstests.json``: what was to run, in order, what was left out, what began.

    ``stopped`` says that a failure ended the list, as it was asked for.
    """

    part: Part
    tests: tuple[TestId, ...] = ()
    expunged: tuple[TestId, ...] = ()
    unknown: tuple[str, ...] = ()
    calls: tuple[CheckCall, ...] = ()
    stopped: bool = False
    place: Path = field(default=Path(), compare=False)

    def said(self, call: CheckCall) -> str:
        """Return what check printed in a call; nothing when it did not come back."""
        try:
            return (self.place / RESULTS / call.output).read_text(errors="replace")
        except OSError:
            return ""

    def reported(self, call: CheckCall) -> bytes | None:
        """Return check's own report of a call, if it was kept."""
        name = Path(f"{call.round:04}", call.test.partition("/")[0], REPORT)
        if str(name) not in call.kept or ".." in name.parts:
            return None
        try:
            return (self.place / RESULTS / name).read_bytes()
        except OSError:
            return None


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
        del fields["place"]
        write_whole(self._place / FILE, json.dumps(fields, indent=1))


_RECORD = TypeAdapter(TrialRecord)


def read_record(place: Path) -> TrialRecord | None:
    """Return what a trial of fstests did; None when the trial got nowhere near it.

    Raises:
        RequestError: it is damaged.
    """
    try:
        fields = _of_this_version(json.loads((place / FILE).read_text()))
        return _RECORD.validate_python({**fields, "place": place})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, AttributeError, ValidationError) as error:
        raise RequestError(
            [
                Problem(
                    what=f"not what a trial of fstests wrote: {error}",
                    where=str(place / FILE),
                    next_step="remove this trial's directory and continue with --resume",
                )
            ]
        ) from error


def _of_this_version(fields: dict[str, Any]) -> dict[str, Any]:
    if fields.pop("schema") != SCHEMA:
        raise ValueError(f"this anyclue reads {SCHEMA}")
    return fields
