"""Where kernels come from: Debian packages, files that the user built, a rebuilt module."""

from anyclue.kernels.prepare import Kernels
from anyclue.kernels.variants import BUILDABLE

__all__ = ["BUILDABLE", "Kernels"]
