"""What runs in a guest: the built-in workloads."""
