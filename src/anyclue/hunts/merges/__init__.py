"""The review of a merge: what git has of it, and both engines of review put to it."""
