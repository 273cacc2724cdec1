"""Probes: the guilty cell run again beside the innocent one, looked at more closely."""
