"""Pairs of planted bugs: their scenarios are right, and a clue is held to what was planted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bench.planted_pairs import PAIRS, HuntedPair, PlantedPair

from anyclue.hunt.driver import RULES
from anyclue.scenarios.read import read_scenario


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_every_scenario_is_right(pair: PlantedPair, tmp_path: Path) -> None:
    scenario = read_scenario(pair.scenario, origin="a.toml", base=tmp_path, workloads=RULES)
    edits = sum(len(k.variant.edits) for k in scenario.kernels.values() if k.variant is not None)
    assert edits == 2
    assert {one.name for one in scenario.suspects} == set(pair.suspects)
    assert scenario.chooses


def clue(pair: PlantedPair, *, rank: int = 1, probed: bool = True) -> dict[str, Any]:
    faults: list[dict[str, Any]] = []
    for bug in pair.bugs:
        other = {"function": "other", "path": "fs/btrfs/x.c"}
        right = {"function": bug.function, "path": f"fs/btrfs/{bug.file}"}
        faults.append(
            {
                "guilt": {
                    "verdict": bug.verdict,
                    "signature": bug.signature,
                    "name": bug.function,
                    "cells": [f"{bug.kernel}.m.d.o.w"],
                },
                "places": [other] * (rank - 1) + [right],
                "dose": None,
                "reproducer": None,
            }
        )
    return {
        **faults[0],
        "guilt": [faults[0]["guilt"], faults[1]["guilt"]],
        "faults": faults[1:],
        "suspects": [{"name": n, "standing": end} for n, (_, end) in pair.suspects.items()],
        "probes": [{"cell": cell} for f in faults for cell in f["guilt"]["cells"] if probed],
        "left_out": [],
    }


def test_a_pair_is_right_when_all_of_it_is() -> None:
    for pair in PAIRS:
        assert HuntedPair(pair=pair, clue=clue(pair)).is_right
        assert HuntedPair(pair=pair, clue=clue(pair, rank=3)).is_right
        assert not HuntedPair(pair=pair, clue=clue(pair, rank=4)).is_right
        assert not HuntedPair(pair=pair, clue=clue(pair, probed=False)).is_right
        wrong = clue(pair)
        wrong["suspects"][0]["standing"] = "unproven"
        found = HuntedPair(pair=pair, clue=wrong)
        assert not found.is_right
        assert found.document["wrong_suspects"] == [wrong["suspects"][0]["name"]]
        nothing = {**clue(pair), "guilt": [], "faults": []}
        assert not HuntedPair(pair=pair, clue=nothing).is_right
