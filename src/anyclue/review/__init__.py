"""Wing of source: static reading of C; no guest has to run for it."""
