"""Conflict resolutions, read as text: what a merge took, made and lost. Pure; no I/O."""
