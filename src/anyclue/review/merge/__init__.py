"""The review of a merge: what its resolution took, made up and lost."""
