"""C source as it lies in a tree, unpreprocessed: cleaned, parsed, split into functions."""

from anyclue.review.source.model import Choice, Cleanup, Function, Source
from anyclue.review.source.parse import read
from anyclue.review.source.prepass import clean, has_choices

__all__ = ["Choice", "Cleanup", "Function", "Source", "clean", "has_choices", "read"]
