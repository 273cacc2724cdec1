"""Which stable branches need a fix."""
