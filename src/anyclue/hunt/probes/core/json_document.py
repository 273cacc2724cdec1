"""The readings of a run's probes as ``probes.json`` holds them; ``docs/probes.md`` describes it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError

from anyclue.hunt.probes.core.model import ProbeReading
from anyclue.model.errors import RequestError

SCHEMA = "anyclue.probes/1"
_READINGS = TypeAdapter(tuple[ProbeReading, ...])


def readings_to_json(readings: Sequence[ProbeReading]) -> str:
    """Return the text of ``probes.json``."""
    value = {
        "schema": SCHEMA,
        "readings": _READINGS.dump_python(tuple(readings), mode="json"),
    }
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def readings_from_json(text: str, *, origin: str = "probes.json") -> tuple[ProbeReading, ...]:
    """Return the readings that `readings_to_json` wrote.

    Raises:
        RequestError: the text is not of that form; ``origin`` names it.
    """
    step = "run `anyclue probe` again, or remove the file"
    try:
        value = json.loads(text)
        if not isinstance(value, dict) or value.get("schema") != SCHEMA:
            raise RequestError.of(f"is not of the form {SCHEMA}", where=origin, next_step=step)
        return _READINGS.validate_python(value.get("readings"))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in (origin + ": readings", *first["loc"]))
        raise RequestError.of(first["msg"], where=where, next_step=step) from error
    except (ValueError, RecursionError) as error:
        raise RequestError.of(f"is not JSON: {error}", where=origin, next_step=step) from error
