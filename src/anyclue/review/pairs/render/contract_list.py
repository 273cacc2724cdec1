"""The contracts, listed for a reader or as JSON."""

from __future__ import annotations

import json

from anyclue.review.pairs.contracts.model import Contracts, Pair


def contract_list(contracts: Contracts, *, as_json: bool) -> str:
    """Return every pair with the calls that acquire and release it."""
    pairs = sorted(contracts.pairs, key=lambda one: (one.subsystem, one.name))
    if as_json:
        listed = [
            {
                "name": one.name,
                "title": one.title,
                "kind": one.kind.value,
                "subsystem": one.subsystem,
                "acquire": [got.call for got in one.acquire],
                "release": [given.call for given in one.release],
                "doc": one.doc,
            }
            for one in pairs
        ]
        return json.dumps({"schema": "anyclue.contracts/1", "pairs": listed}, indent=2)
    lines = [f"{len(pairs)} pairs"]
    subsystem = None
    for pair in pairs:
        if pair.subsystem != subsystem:
            subsystem = pair.subsystem
            lines += ["", subsystem or "yours"]
        lines.append(f"  {pair.name}: {pair.title} ({pair.kind.value})")
        lines.append(f"      acquired by {_calls(pair, acquire=True)}")
        lines.append(f"      released by {_calls(pair, acquire=False)}")
    return "\n".join(lines)


def _calls(pair: Pair, *, acquire: bool) -> str:
    names = [one.call for one in (pair.acquire if acquire else pair.release)]
    return ", ".join(dict.fromkeys(names))
