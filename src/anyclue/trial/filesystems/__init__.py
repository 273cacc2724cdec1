"""File systems that a workload runs on: how each is made, mounted, checked, seen at work."""
