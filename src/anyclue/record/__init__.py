"""``anyclue record``: memory of a machine that the user has, charged to each test."""
