"""Conflict resolutions read as text. Pure."""
