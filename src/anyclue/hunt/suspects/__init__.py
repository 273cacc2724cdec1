"""Theories put to their tests: each ends guilty, acquitted or unproven, with its evidence. Pure."""
