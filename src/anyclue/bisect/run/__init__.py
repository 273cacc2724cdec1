"""Bisection at work: commits run in guests, evidence, the proof."""
