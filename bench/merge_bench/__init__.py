"""The parts of `make bench-merge`: repositories, cases, what is said of them, a large merge."""
