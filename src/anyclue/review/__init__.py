"""Static reading of C: what no guest has to run for. Pure: no process, no clock, no files."""
