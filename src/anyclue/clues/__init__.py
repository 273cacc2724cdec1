"""Pure search over verdicts: which factors matter, and the finding in one sentence."""

from anyclue.clues.factors import find_factors
from anyclue.clues.findings import conclude
from anyclue.clues.sentence import sentence

__all__ = ["conclude", "find_factors", "sentence"]
