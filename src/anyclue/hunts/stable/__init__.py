"""The use case of ``anyclue stable``: which branches need a fix."""
