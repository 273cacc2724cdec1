"""The review of a merge for people and for machines. Pure."""
