"""Where kernels come from: Debian packages, files that the user built, a rebuilt module."""
