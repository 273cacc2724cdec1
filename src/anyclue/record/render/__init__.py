"""A recording of a machine for people and for machines. Pure."""
