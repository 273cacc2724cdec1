"""Which axes matter, and which cells to run next. Pure."""
