"""The guilty cell again, with less or more of one thing at a time."""
