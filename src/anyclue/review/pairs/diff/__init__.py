"""Two versions of the same functions: what a change introduces. Pure."""
