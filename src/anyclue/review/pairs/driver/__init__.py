"""The review at work: files and changes, worker processes, the cache."""
