"""The parts of `make bench-bisect`: repositories with a known culprit, and the check of them."""
