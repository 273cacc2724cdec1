"""Upstream fstests: its output, reports, configuration and arguments, as text and as values."""
