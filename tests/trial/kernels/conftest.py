"""A kernel of a few files in a git repository, with a Makefile that knows kbuild's targets."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from anyclue.model.scenario import Arch, DebugOption
from anyclue.trial.filesystems.registry import FILE_SYSTEMS
from anyclue.trial.kernels.configuration import configuration

MAKEFILE = Path(__file__).parent / "fake/Makefile"
MODULE = """\
#include "ctree.h"
static const char vermagic[] __attribute__((section(".modinfo"), used)) = "vermagic=" VERMAGIC;
static const char depends[] __attribute__((section(".modinfo"), used)) = "depends=";
int release(void) { return 1; }
"""


class Repository:
    """A git repository that a test commits to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=n", "-c", "user.email=e@x", "-c", "commit.gpgsign=false")
        argv = ("git", "-C", str(self.path), *identity, *arguments)
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, files: Mapping[str, str | None]) -> str:
        """Commit the files (None: gone); return the commit's id."""
        for name, text in files.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.unlink() if text is None else file.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "c", "--allow-empty")
        return self.git("rev-parse", "HEAD")


def kernel_files() -> dict[str, str]:
    """The files of the fake kernel; its kconfig allows all but KASAN."""
    allowed: set[str] = set()
    needs = [line for one in FILE_SYSTEMS.values() for line in one.symbols]
    for arch in Arch:
        options = [option for option in DebugOption if option is not DebugOption.KASAN]
        asked = configuration(arch, options, needs=needs).asked
        allowed |= {symbol for symbol in asked if arch is Arch.X86_64 or symbol != "CONFIG_64BIT"}
    return {
        "Makefile": MAKEFILE.read_text(),
        "Kconfig": "",
        "Kconfig-allowed": "".join(f"{symbol}\n" for symbol in sorted(allowed)),
        "Documentation/index.rst": "text\n",
        "MAINTAINERS": "me\n",
        "init/main.c": '#include "../include/linux/kernel.h"\nint start(void) { return X; }\n',
        "include/linux/kernel.h": "#define X 1\n",
        "fs/btrfs/Makefile": "obj-m := btrfs.o\n",
        "fs/btrfs/ctree.h": "#define Y 1\n",
        "fs/btrfs/main.c": MODULE,
        "fs/ext4/inode.c": "int unbuilt;\n",
        "scripts/tool.sh": "true\n",
    }


@pytest.fixture
def kernel_sources() -> dict[str, str]:
    return kernel_files()


@pytest.fixture
def kernel_repository(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path / "linux")
    repository.commit(kernel_files())
    repository.git("tag", "good")
    return repository
