"""Sources of commits in a workbench: by content, and nothing of a hostile repository runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anyclue.git.repository import TreeEntry, entries, repository
from anyclue.trial.kernels.sources import is_read, set_sources, usable_entries

if TYPE_CHECKING:
    from tests.trial.kernels.conftest import Repository


def setting(repo: Repository, bench: Path, rev: str = "HEAD") -> set[str]:
    (bench / "source").mkdir(parents=True, exist_ok=True)
    wanted = usable_entries(entries(repository(repo.path), rev))
    return set_sources(repo.path, wanted, bench / "source", bench / "sources.json")


def held(bench: Path) -> dict[str, str]:
    source = bench / "source"
    return {str(f.relative_to(source)): f.read_text() for f in source.rglob("*") if f.is_file()}


def test_only_what_changed_is_written(kernel_repository: Repository, tmp_path: Path) -> None:
    repo, bench = kernel_repository, tmp_path / "bench"
    first = setting(repo, bench)
    assert {"Makefile", "fs/btrfs/main.c"} <= first
    assert held(bench).keys() == first
    assert not (bench / "source/Documentation").exists()
    times = {path: (bench / "source" / path).stat().st_mtime_ns for path in first}
    repo.commit({"fs/btrfs/ctree.h": "#define Y 2\n", "new/a.c": "", "fs/ext4/inode.c": None})
    assert setting(repo, bench) == {"fs/btrfs/ctree.h", "new/a.c", "fs/ext4/inode.c"}
    assert not (bench / "source/fs/ext4").exists()
    kept = first - {"fs/btrfs/ctree.h", "fs/ext4/inode.c"}
    assert all((bench / "source" / path).stat().st_mtime_ns == times[path] for path in kept)
    assert setting(repo, bench) == set()
    setting(repo, bench, "good")
    assert held(bench).keys() == first


def test_modes_and_links(kernel_repository: Repository, tmp_path: Path) -> None:
    repo, bench = kernel_repository, tmp_path / "bench"
    (repo.path / "scripts/tool.sh").chmod(0o755)
    (repo.path / "link").symlink_to("fs/btrfs")
    (repo.path / "fs/up").symlink_to("../include/linux")
    (repo.path / "out").symlink_to("../secret")
    (repo.path / "root").symlink_to("/etc")
    repo.commit({})
    setting(repo, bench)
    source = bench / "source"
    assert (source / "scripts/tool.sh").stat().st_mode & 0o111
    assert (source / "link/main.c").is_file()
    assert (source / "fs/up/kernel.h").is_file()
    assert not (source / "out").is_symlink()
    assert not (source / "root").is_symlink()
    # A link becomes a directory, and a directory a link: nothing is written through it.
    (repo.path / "link").unlink()
    repo.commit({"link/a.c": "new\n", "include/linux/kernel.h": None})
    (repo.path / "include/linux").mkdir(exist_ok=True)
    (repo.path / "include/linux").rmdir()
    (repo.path / "include/linux").symlink_to("../fs")
    repo.commit({})
    setting(repo, bench)
    assert (source / "link/a.c").read_text() == "new\n"
    assert not (source / "fs/btrfs/a.c").exists()
    assert (source / "include/linux").is_symlink()


def test_a_hostile_repository_runs_nothing(kernel_repository: Repository, tmp_path: Path) -> None:
    repo, bench, proof = kernel_repository, tmp_path / "bench", tmp_path / "ran"
    evil = f"touch {proof}; cat"
    for key in ("filter.evil.smudge", "filter.evil.clean", "core.fsmonitor", "diff.external"):
        repo.git("config", key, evil)
    hook = repo.path / ".git/hooks/post-checkout"
    hook.write_text(f"#!/bin/sh\n{evil}\n")
    hook.chmod(0o755)
    # What the test itself runs may run the filter.
    repo.commit({".gitattributes": "* filter=evil text eol=crlf\n"})
    repo.git("config", "--unset", "filter.evil.clean")
    proof.unlink(missing_ok=True)
    before = {file: file.stat().st_mtime_ns for file in (repo.path / ".git").rglob("*")}
    setting(repo, bench)
    assert not proof.exists()
    assert (bench / "source/include/linux/kernel.h").read_bytes() == b"#define X 1\n"
    assert {file: file.stat().st_mtime_ns for file in (repo.path / ".git").rglob("*")} == before


@pytest.mark.parametrize(
    "path", ["../x", "a/../../x", "/etc/x", "a//b", ".git/config", "a/.git/x", ".build/x", "./x"]
)
def test_unsound_names(path: str) -> None:
    assert usable_entries({path: TreeEntry(mode="100644", id="1")}) == {}


def test_what_is_below_a_link_is_not_taken() -> None:
    file, link = TreeEntry(mode="100644", id="1"), TreeEntry(mode="120000", id="2")
    assert usable_entries({"a": link, "a/b": file, "c": file}).keys() == {"a", "c"}


@pytest.mark.parametrize(
    ("path", "read"),
    [
        ("Documentation/a/b.rst", False),
        ("Documentation/Kconfig", True),
        ("Documentation/a/Makefile", True),
        ("arch/arm/crypto/Kconfig", True),
        ("arch/arm/mm/x.c", False),
        ("arch/Kconfig", True),
        ("arch/x86/mm/x.c", True),
        ("arch/x86um/x.c", False),
        ("fs/.gitignore", False),
        ("README", False),
        ("READMEx", True),
        ("tools/perf/x.c", False),
        ("tools/objtool/x.c", True),
    ],
)
def test_what_a_build_reads(path: str, *, read: bool) -> None:
    assert is_read(path) is read
