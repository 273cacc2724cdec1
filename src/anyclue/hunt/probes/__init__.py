"""Probes: the guilty cell run again beside an innocent one, looked at more closely."""
