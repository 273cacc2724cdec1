"""Pure search over verdicts: which factors matter."""
