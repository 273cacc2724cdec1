"""Where kernels come from: Debian packages, files that the user built, a rebuilt module."""

from anyclue.kernels.prepare import Kernels
from anyclue.kernels.variants import BUILDABLE, copy_sources

__all__ = ["BUILDABLE", "Kernels", "copy_sources"]
