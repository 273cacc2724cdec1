"""Where kernels come from: Debian packages, the user's builds, commits, a rebuilt module."""

from anyclue.kernels.git_builds import DIRECTORY as MODULE_OF_GIT
from anyclue.kernels.git_builds import with_bases
from anyclue.kernels.making import DoesNotBuildError
from anyclue.kernels.module_builds import BUILDABLE, DEBUG_MODULE, DEBUG_TREE
from anyclue.kernels.modules import UNDER_TEST
from anyclue.kernels.prepare import Kernels
from anyclue.kernels.variants import copy_sources

__all__ = [
    "BUILDABLE",
    "DEBUG_MODULE",
    "DEBUG_TREE",
    "MODULE_OF_GIT",
    "UNDER_TEST",
    "DoesNotBuildError",
    "Kernels",
    "copy_sources",
    "with_bases",
]
