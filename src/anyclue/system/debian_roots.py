"""Debian roots, and commands run in one: as root, or by user namespaces.

Those that a guest boots with are installed by mmdebstrap; a compiler runs as well in a tree of
packages that were only unpacked.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from anyclue.model.errors import InfrastructureError
from anyclue.system.apt import Apt
from anyclue.system.files import staging
from anyclue.system.processes import CommandError, Completed, run

BUILD_S = 1800
UNNEEDED = ("doc", "man", "locale", "info")
WORK = Path("/home")
"""Where a tree that commands run in has the directory that they work on: a place that is there."""

_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_ENTER = f"""tree=$1 work=$2; shift 2
mount --make-rprivate /
mount --bind "$work" "$tree{WORK}"
mount --rbind /proc "$tree/proc"
mount --rbind /dev "$tree/dev"
mount -t tmpfs tmpfs "$tree/tmp"
exec chroot "$tree" env -i PATH={_PATH} LC_ALL=C.UTF-8 "$@"
"""


def mode() -> str:
    """Return mmdebstrap's mode: nothing needs root where user namespaces are allowed."""
    return "root" if os.geteuid() == 0 else "unshare"


async def make_root(
    apt: Apt, packages: Sequence[str], tarball: Path, *, hooks: Sequence[str] = ()
) -> None:
    """Write a root with ``packages`` to ``tarball``; ``hooks`` run in it by its own shell.

    Raises:
        InfrastructureError: the archive cannot be reached.
        CommandError: mmdebstrap failed otherwise (its last lines are in the message).
    """
    sources = apt.present_sources()
    arguments = (
        "--variant=apt",
        f"--architectures={apt.arch}",
        f"--include={','.join(packages)}",
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in UNNEEDED),
        *(f'--customize-hook=chroot "$1" sh -c "{hook}"' for hook in hooks),
        *(apt.release.name, str(tarball), *sources),
    )
    try:
        await _mmdebstrap(arguments, tarball.parent)
    except CommandError as error:
        if "apt-get update" not in error.output:
            raise
        raise InfrastructureError(
            f"no package lists could be had for {apt.arch}",
            where=", ".join(sources),
            next_step="check the network, then run again; what was made before needs none",
        ) from error


async def run_in_root(
    root: Path, debian_arch: str, script: str, *, copied_in: Path, copied_out: tuple[str, Path]
) -> None:
    """Run a shell script in a copy of a root (a tarball), which is thrown away.

    ``copied_in`` (a tarball) is unpacked into its ``/work``; of ``copied_out`` the first is a
    directory in there, the second the tarball that it becomes.

    Raises:
        CommandError: the script failed (its last lines are in the message).
    """
    inside, outside = copied_out
    await _mmdebstrap(
        (
            *("--variant=custom", "--skip=update,cleanup"),
            f"--architectures={debian_arch}",
            f"--setup-hook=tar-in {_quoted(root)} /",
            '--customize-hook=mkdir -p "$1/work"',
            f"--customize-hook=tar-in {_quoted(copied_in)} /work",
            f"--customize-hook=upload {_quoted(_script(copied_in, script))} /work/.script",
            '--customize-hook=chroot "$1" sh -e /work/.script',
            f"--customize-hook=tar-out {inside} {_quoted(outside)}",
            *("", "/dev/null"),
        ),
        outside.parent,
    )


async def run_in_tree(
    tree: Path, argv: Sequence[str], *, work: Path, deadline_s: float, check: bool = True
) -> Completed:
    """Run a command in an unpacked root, in namespaces of its own; ``work`` is there `WORK`.

    Raises:
        InfrastructureError: this machine allows no such namespaces.
        CommandError: as `run`.
    """
    namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
    if os.geteuid() != 0:
        namespaces += ["--user", "--map-root-user"]
    enter = (*namespaces, "sh", "-ec", _ENTER, "sh", str(tree), str(work))
    allowed = await run((*enter, "true"), deadline_s=60, check=False)
    if allowed.status != 0:
        raise InfrastructureError(
            f"commands cannot be run in another root here: {allowed.stderr.strip()}",
            where="unshare",
            next_step="allow namespaces of users (or of mounts, for root), or use a host of the "
            "release that the kernel is from",
        )
    return await run((*enter, *argv), deadline_s=deadline_s, check=check)


async def _mmdebstrap(arguments: Sequence[str], beside: Path) -> None:
    """Run mmdebstrap so that what it unpacks and mounts is gone with it, even when it is killed.

    As root it would mount /proc, /sys and more below /tmp in everybody's sight, to be left there
    when it is killed; in namespaces of its own the kernel unmounts them, and ends its children.
    """
    command = ("mmdebstrap", f"--mode={mode()}", "--quiet", *arguments)
    if mode() != "root":
        await run(command, deadline_s=BUILD_S)
        return
    private = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
    if (await run((*private, "true"), deadline_s=BUILD_S, check=False)).status != 0:
        await run(command, deadline_s=BUILD_S)  # a container that may not, and may not mount either
        return
    with staging(beside, "mmdebstrap") as directory:
        await run((*private, *command), deadline_s=BUILD_S, env={"TMPDIR": str(directory)})


def _script(beside: Path, script: str) -> Path:
    path = beside.with_name("script.sh")
    path.write_text(script)
    return path


def _quoted(path: Path) -> str:
    return f"'{path}'"


async def squash(tarball: Path, image: Path) -> None:
    """Make a squashfs of a tarball, so that owners and devices are right without root.

    It is not compressed: an emulated guest reads it again and again, its caches dropped.

    Raises:
        CommandError: sqfstar failed.
    """
    await run(
        ("sqfstar", "-noI", "-noD", "-noF", "-noX", "-quiet", "-no-progress", str(image)),
        deadline_s=BUILD_S,
        stdin=tarball,
    )
