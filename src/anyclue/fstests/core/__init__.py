"""What check prints and is told, as values; verdicts by test. Pure."""
