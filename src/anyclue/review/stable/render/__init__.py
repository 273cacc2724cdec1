"""Which branches need a fix, for people and for machines. Pure."""
