"""Measuring the clue: planted bugs, the rank of the right function."""
