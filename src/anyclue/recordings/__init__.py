"""Samples, marks and logs: parse, store, read back."""
