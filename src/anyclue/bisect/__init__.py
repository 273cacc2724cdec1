"""Wing of guests: which commit brought it, found by runs in guests."""
