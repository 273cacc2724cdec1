"""Review of pairing: where a change comes from, and what is made of it."""
