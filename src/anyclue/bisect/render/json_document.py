"""A bisection as JSON, for machines; documented in ``docs/bisect.md``."""

from __future__ import annotations

import json
from collections.abc import Sequence

from anyclue.bisect.core.model import Bisected, Simulated
from anyclue.bisect.render import words as bisect_words
from anyclue.report.text import clean

SCHEMA = "anyclue.bisect/1"


def bisect_json(one: Bisected) -> str:
    """Return a bisection as JSON, in ASCII, ended by a line end."""
    proof = one.reverted
    document = {
        "schema": SCHEMA,
        "standing": one.standing.value,
        "said": bisect_words.standing(one),
        "accused": [{"commit": two.commit, "subject": clean(two.subject)} for two in one.accused],
        "confidence": round(one.confidence, 6),
        "commits": one.commits,
        "cell": one.cell,
        "wanted": clean(one.wanted),
        "runs": len(one.runs),
        "proof": None
        if proof is None
        else {
            "reverted": proof.shown.value if proof.shown is not None else None,
            "fix": clean(proof.fix) or None,
            "runs": proof.runs,
            "because": clean(proof.because),
        },
        "steps": [
            {
                "commit": run.seen.commit,
                "shown": run.seen.shown.value,
                "because": clean(run.seen.because),
                "seconds": run.seconds,
                "build_seconds": run.build_seconds,
            }
            for run in one.runs
        ],
        "places": [
            {
                "function": clean(place.function),
                "path": clean(place.path),
                "line": place.line,
                "probability": round(place.probability, 6),
            }
            for place in one.places
        ],
        "run": clean(one.run),
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def simulated_json(rows: Sequence[Simulated]) -> str:
    """Return how strategies do in simulation as JSON, ended by a line end."""
    strategies = [
        {"strategy": one.strategy, "runs": round(one.runs, 2), "right": round(one.right, 4)}
        for one in rows
    ]
    document = {"schema": "anyclue.bisect-simulation/1", "strategies": strategies}
    return json.dumps(document, indent=2, allow_nan=False) + "\n"
