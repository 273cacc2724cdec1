"""Upstream fstests in guests: built, run, repeated where memory is in doubt, judged by test."""
