"""The intermediate representation: a graph of small steps on access paths. Pure."""
