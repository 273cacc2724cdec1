"""From the raw recording of a machine to samples, tests and comparisons. Pure."""
