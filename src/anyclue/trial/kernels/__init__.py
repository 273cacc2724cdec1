"""Where kernels come from: Debian's packages, the user's builds, commits, a rebuilt module."""
