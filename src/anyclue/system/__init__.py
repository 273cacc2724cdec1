"""The only place that spawns processes, keeps deadlines and makes temporary files."""
