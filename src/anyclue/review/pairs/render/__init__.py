"""Findings of pairing for people, editors and machines. Pure."""
