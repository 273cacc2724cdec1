"""Use cases: the only place that wires the engines together."""
