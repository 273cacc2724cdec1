"""Is every acquire followed by its release, on every path?"""
