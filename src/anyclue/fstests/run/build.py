"""A checkout of fstests, built for a guest's architecture and packed as an image of its own.

The tree is only read: what git knows of it (or all of it, where it is no repository) is copied into
a Debian root with a compiler, built there, and thrown away with the root.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from anyclue.git import repository as git
from anyclue.model.debian import DebianRelease
from anyclue.model.errors import RequestError
from anyclue.model.scenario import Arch
from anyclue.system.apt import Apt
from anyclue.system.debian_archive import host_release
from anyclue.system.debian_roots import make_root, run_in_root, squash
from anyclue.system.processes import CommandError
from anyclue.system.store import Artifact, Recipe, Store
from anyclue.trial.context import Context
from anyclue.trial.guest.initramfs import DEBIAN_ARCH

PACKAGES = (
    *("autoconf", "automake", "gawk", "gcc", "gettext", "libacl1-dev", "libaio-dev"),
    *("libattr1-dev", "libbtrfs-dev", "libbtrfsutil-dev", "libc6-dev", "libcap-dev"),
    *("libgdbm-dev", "libssl-dev", "libtool-bin", "liburing-dev", "m4", "make", "pkg-config"),
    *("uuid-dev", "xfslibs-dev"),
)
NEEDED = ("check", "common/rc", "configure.ac", "tests/generic/001")
CLONE = "git clone https://git.kernel.org/pub/scm/fs/xfs/xfstests-dev.git"
DIRECTORY = "tree"
IMAGE = "suite.squashfs"
# Sources and objects are left out of the image; a test's own files have other names.
SCRIPT = f"""cd /work/{DIRECTORY}
if ! make -j"$(nproc)" >/work/log 2>&1; then tail -n 40 /work/log >&2; exit 1; fi
find src ltp lib -name '*.o' -delete
"""


@dataclass(frozen=True, kw_only=True)
class SuiteTree:
    """A checkout: its files by path, the commit, and the digest of all that is in them."""

    at: Path
    files: tuple[str, ...]
    commit: str | None
    digest: str

    @property
    def description(self) -> str:
        """What stands in a recording: ``fstests`` at which commit, with which content."""
        commit = self.commit[:12] if self.commit else "no commit"
        return f"{commit}, content {self.digest[:12]}"


def read_tree(at: Path) -> SuiteTree:
    """Return what is in a checkout now, changes that are not committed too.

    Raises:
        RequestError: it is no checkout of fstests, or cannot be read.
    """
    if missing := [name for name in NEEDED if not (at / name).is_file()]:
        what = f"no checkout of upstream fstests: there is no {missing[0]}"
        raise RequestError.of(what, where=str(at), next_step=CLONE)
    try:
        repo = git.repository(at)
        top = repo.top is not None and repo.top.resolve() == at.resolve()
    except RequestError:
        top = False
    try:
        files = git.listed_below(repo, "") if top else _walked(at)
        commit = git.head(repo) if top else None
        present = tuple(name for name in sorted(files) if os.path.lexists(at / name))
        return SuiteTree(at=at, files=present, commit=commit, digest=_digest(at, present))
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
        raise RequestError.of(what, where=str(error.filename or at), next_step=CLONE) from error


async def build_suite(store: Store, apt: Apt, tree: SuiteTree, arch: Arch) -> Artifact:
    """Return an artifact with ``suite.squashfs``, in which the tree is below ``tree``.

    Raises:
        CommandError: it does not build (the compiler's last lines are in the message).
    """
    root = await _build_root(store, apt, arch)
    inputs = {
        "commit": tree.commit,
        "digest": tree.digest,
        "root": root.key,
        "script": SCRIPT,
        "format": 1,
    }

    async def build(directory: Path) -> None:
        sources, built = directory / "sources.tar", directory / "built.tar"
        _pack(tree, sources)
        try:
            await run_in_root(
                root.file("root.tar"),
                DEBIAN_ARCH[arch],
                SCRIPT,
                copied_in=sources,
                copied_out=(f"/work/{DIRECTORY}", built),
            )
        except CommandError as error:
            raise CommandError(
                ["mmdebstrap"], f"{tree.at} does not build for {arch}", error.output
            ) from error
        await squash(built, directory / IMAGE)
        for path in (sources, built, directory / "script.sh"):
            path.unlink()

    return await store.make(Recipe(kind="fstests", inputs=inputs), build)


async def set_up_fstests(
    directory: Path,
    arches: Sequence[Arch],
    context: Context,
    userspace: DebianRelease | None = None,
) -> dict[Arch, Path]:
    """Return the image of the built tree for each architecture; the cache keeps them.

    They are of the release ``userspace``: the host's, when none is named.

    Raises:
        RequestError: ``directory`` is no checkout of fstests.
        CommandError: it does not build.
    """
    tree = read_tree(directory)
    userspace = userspace or host_release()
    images = {}
    for arch in dict.fromkeys(arches):
        apt = await context.archive.apt(userspace, DEBIAN_ARCH[arch])
        built = await build_suite(context.store, apt, tree, arch)
        await context.images.root(arch, userspace)
        images[arch] = built.file(IMAGE)
    return images


async def _build_root(store: Store, apt: Apt, arch: Arch) -> Artifact:
    inputs = {"arch": arch.value, "suite": apt.release.name, "packages": PACKAGES, "format": 1}

    async def build(directory: Path) -> None:
        await make_root(apt, PACKAGES, directory / "root.tar")

    return await store.make(Recipe(kind="build-root", inputs=inputs), build)


def _walked(at: Path) -> list[str]:
    return [
        str(path.relative_to(at))
        for path in at.rglob("*")
        if (path.is_symlink() or path.is_file()) and ".git" not in path.relative_to(at).parts
    ]


def _digest(at: Path, files: tuple[str, ...]) -> str:
    total = hashlib.sha256()
    for name in files:
        path = at / name
        if path.is_symlink():
            kind, data = "link", os.fsencode(path.readlink())
        elif path.is_file():
            kind, data = "x" if os.access(path, os.X_OK) else "-", path.read_bytes()
        else:
            continue
        content = hashlib.sha256(data).hexdigest()
        total.update(f"{kind} {content} {name}\0".encode(errors="surrogateescape"))
    return total.hexdigest()


def _pack(tree: SuiteTree, tarball: Path) -> None:
    def plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.uid = info.gid = 0
        info.uname = info.gname = "root"
        return info

    with tarfile.open(tarball, "w", format=tarfile.GNU_FORMAT) as archive:
        for name in tree.files:
            if (tree.at / name).is_dir() and not (tree.at / name).is_symlink():
                continue
            archive.add(tree.at / name, f"{DIRECTORY}/{name}", recursive=False, filter=plain)
