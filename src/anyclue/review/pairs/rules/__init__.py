"""Which traces are imbalances, in a function and a program, and how one is explained. Pure."""
