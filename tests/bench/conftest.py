"""The benchmarks' own parts are imported from the checkout; the installed package has none."""

from __future__ import annotations

import pytest

from anyclue.review.pairs.contracts.model import Contracts
from anyclue.review.pairs.contracts.read import read

TABLE = """
[[pair]]
name = "lock"
title = "lock"
kind = "lock"
acquire = [{call = "take", holds = "$0"}]
release = [{call = "drop", takes = "$0"}]

[[pair]]
name = "thing"
title = "thing"
kind = "reference"
acquire = [{call = "get_thing", holds = "$ret", fails = "null"}]
release = [{call = "put_thing", takes = "$0"}]

[[pair]]
name = "slot"
title = "slot"
kind = "reference"
acquire = [{call = "find_slot", holds = "$1->bh", fails = "nonzero"}]
release = [{call = "put_buffer", takes = "$0"}]

[[pair]]
name = "window"
title = "window"
kind = "mapping"
order = "lifo"
acquire = [{call = "map", holds = "$ret"}]
release = [{call = "unmap", takes = "$0"}]
"""


@pytest.fixture
def contracts() -> Contracts:
    return read({"table": TABLE}, Contracts())
