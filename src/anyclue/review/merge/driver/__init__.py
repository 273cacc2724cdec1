"""What git has of a merge, and both engines of review put to it."""
