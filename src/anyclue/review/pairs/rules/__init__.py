"""Which traces are imbalances, in a function and a whole program, and how one is explained. Pure."""
