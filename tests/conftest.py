"""What holds for all tests: no time is asserted, machines differ."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

pytest_plugins = ["tests.fixtures.fstests_trials"]
