"""What differs between two kernels besides the sources of the module."""

from __future__ import annotations

from pathlib import Path

from anyclue.git import repository as git
from anyclue.model.errors import AnyclueError
from anyclue.model.scenario import DebianKernel, GitKernel, Kernel


def apart(good: Kernel, bad: Kernel, directory: str) -> tuple[bool, tuple[str, ...]]:
    """Return whether nothing but the module differs, and what has to be said of the rest."""
    one, two = good.source, bad.source
    if isinstance(one, DebianKernel) and isinstance(two, DebianKernel):
        return _debian(one, two, directory)
    if isinstance(one, GitKernel) and isinstance(two, GitKernel):
        return _git(one, two, directory)
    return False, (f"what differs between the kernels outside of {directory} was not looked at",)


def _debian(one: DebianKernel, two: DebianKernel, directory: str) -> tuple[bool, tuple[str, ...]]:
    if one == two:
        return True, ()
    names = f"Debian's {one.version or one.series} and {two.version or two.series}"
    return False, (f"what differs between {names} outside of {directory} was not looked at",)


def _git(one: GitKernel, two: GitKernel, directory: str) -> tuple[bool, tuple[str, ...]]:
    if one.repository != two.repository or one.commit is None or two.commit is None:
        return False, (
            f"what differs between the repositories outside of {directory} is not known",
        )
    try:
        repo = git.repository(Path(one.repository))
        differing = git.differing(repo, one.commit, two.commit)
    except AnyclueError as error:
        return False, (f"what differs between the commits could not be had: {error}",)
    outside = [path for path in differing if not path.startswith(f"{directory}/")]
    if outside:
        many = f"{len(outside)} files differ" if len(outside) > 1 else "1 file differs"
        said = f"{many} outside of {directory} ({outside[0]}): they were not looked at"
        return False, (said,)
    return one.config == two.config and one.debug == two.debug, ()
