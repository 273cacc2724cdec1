"""C source as it lies in a tree, unpreprocessed: cleaned, parsed, split into functions."""
