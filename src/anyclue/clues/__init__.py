"""Pure search over verdicts: which factors matter, what to run next, the finding in words."""

from anyclue.clues.conjunction import smallest_conjunction
from anyclue.clues.factors import find_factors
from anyclue.clues.findings import conclude
from anyclue.clues.isolation import next_cells
from anyclue.clues.sentence import sentence

__all__ = ["conclude", "find_factors", "next_cells", "sentence", "smallest_conjunction"]
