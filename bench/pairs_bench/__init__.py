"""The parts of `make bench-pairs`: trees, mutants, no-op diffs, other tools, measuring."""
