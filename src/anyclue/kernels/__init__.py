"""Where kernels come from: Debian packages, files that the user built, a rebuilt module."""

from anyclue.kernels.prepare import Kernels

__all__ = ["Kernels"]
