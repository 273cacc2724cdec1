"""Upstream fstests built, run in a guest, repeated where memory is in doubt."""
