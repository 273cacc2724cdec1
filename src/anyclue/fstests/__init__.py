"""Upstream fstests in guests: what check is told and says, memory charged to each test."""
