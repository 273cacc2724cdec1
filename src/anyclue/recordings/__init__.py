"""Samples, marks and logs of a trial: parse, store, read back."""
