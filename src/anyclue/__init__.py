"""anyclue: from "any clue?" to the clue, for memory leaks in Linux file systems."""

from importlib.metadata import version

__version__ = version("anyclue")
