"""The only place that spawns processes, keeps the cache and calls apt."""
