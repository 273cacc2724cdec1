"""From C functions to the intermediate representation. Pure."""
