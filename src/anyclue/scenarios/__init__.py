"""The TOML that users write: validated whole, and planned into cells."""

from anyclue.scenarios.publish import json_schema, json_schema_text
from anyclue.scenarios.read import load_scenario, load_with, read_scenario
from anyclue.scenarios.stored import (
    PLAN_SCHEMA,
    plan_json,
    scenario_from_json,
    scenario_from_plan,
    scenario_to_json,
)

__all__ = [
    "PLAN_SCHEMA",
    "json_schema",
    "json_schema_text",
    "load_scenario",
    "load_with",
    "plan_json",
    "read_scenario",
    "scenario_from_json",
    "scenario_from_plan",
    "scenario_to_json",
]
