"""Small real repositories, and a C file in two versions."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

AUTHOR = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
NUMBERS = b"".join(b"\tline_%d();\n" % number for number in range(1, 31))
OLD = b"int f(void)\n{\n" + NUMBERS + b"\tput_page(page);\n\treturn 0;\n}\n"
NEW = OLD.replace(b"\tline_15();\n", b"\tpage = find_get_page(m, i);\n")


@dataclass(frozen=True)
class Box:
    """A repository that tests change."""

    path: Path
    old: bytes = OLD
    new: bytes = NEW

    def git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        command = ["git", "-C", str(self.path), *AUTHOR, *arguments]
        return subprocess.run(command, check=True, capture_output=True, input=stdin).stdout

    def write(self, name: str, content: bytes) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def commit(self, message: str = "a commit") -> str:
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD").decode().strip()

    def state(self) -> dict[str, bytes]:
        """Every file below, to see that nothing changed."""
        files = [path for path in self.path.rglob("*") if path.is_file()]
        return {os.fsdecode(path.relative_to(self.path)): path.read_bytes() for path in files}


@pytest.fixture
def box(tmp_path: Path) -> Box:
    path = tmp_path / "tree"
    path.mkdir()
    made = Box(path)
    made.git("init", "-q", "-b", "main")
    return made


@pytest.fixture
def history(box: Box) -> Box:
    """Two commits; the second changes, moves, makes and deletes files, and is tagged."""
    box.write("fs/lzo.c", OLD)
    box.write("fs/gone.c", b"int gone;\n")
    box.write("fs/moved.c", OLD)
    box.write("Makefile", b"obj-y := lzo.o\n")
    box.commit("first")
    box.write("fs/lzo.c", NEW)
    box.write("fs/made.h", b"int made;\n")
    (box.path / "fs/gone.c").unlink()
    (box.path / "fs/moved.c").unlink()
    box.write("fs/new name.c", NEW)
    box.write("Makefile", b"obj-y := lzo.o made.o\n")
    box.commit("second: take a page\n\nand a body")
    box.git("tag", "v2")
    return box
