"""Data flow: one resource through one function, summaries through the call graph. Pure."""
