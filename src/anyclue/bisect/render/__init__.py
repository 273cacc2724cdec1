"""A bisection for people and for machines. Pure."""
