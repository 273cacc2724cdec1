"""The only place that calls git: reading, never writing, and never trusting the repository."""
