"""The initramfs archive, read back by the real cpio and by a reader of its own."""

from __future__ import annotations

import asyncio
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.model.errors import InfrastructureError
from anyclue.trial.guest.initramfs import CpioEntry, pack, program, shared_libraries

ENTRIES = {
    "bin/sh": CpioEntry(mode=stat.S_IFREG | 0o755, data=b"#!\n"),
    "dev/console": CpioEntry(mode=stat.S_IFCHR | 0o600, device=(5, 1)),
    "empty": CpioEntry(mode=stat.S_IFREG | 0o644),
    "tmp": CpioEntry(mode=stat.S_IFDIR | 0o755),
    "lib/a/b/c": CpioEntry(mode=stat.S_IFREG | 0o644, data=b"x" * 5),
}


def unpack(archive: bytes) -> dict[str, tuple[int, tuple[int, int], bytes]]:
    """Read an archive by the kernel's description of the format."""
    found: dict[str, tuple[int, tuple[int, int], bytes]] = {}
    at = 0
    while True:
        assert archive[at : at + 6] == b"070701"
        words = [archive[at + 6 + 8 * n : at + 14 + 8 * n] for n in range(13)]
        fields = [int(word, 16) for word in words]
        begin = at + 110
        name = archive[begin : begin + fields[11] - 1].decode()
        data_at = (begin + fields[11] + 3) // 4 * 4
        if name == "TRAILER!!!":
            return found
        data = archive[data_at : data_at + fields[6]]
        assert name not in found
        found[name] = (fields[1], (fields[9], fields[10]), data)
        at = (data_at + fields[6] + 3) // 4 * 4


def test_every_entry_and_its_parents() -> None:
    found = unpack(pack(ENTRIES))
    assert found["dev/console"] == (stat.S_IFCHR | 0o600, (5, 1), b"")
    assert found["lib/a/b/c"][2] == b"x" * 5
    names = list(found)
    for parent, child in (("lib", "lib/a"), ("lib/a", "lib/a/b"), ("lib/a/b", "lib/a/b/c")):
        assert names.index(parent) < names.index(child)
        assert stat.S_ISDIR(found[parent][0])


def test_the_same_entries_give_the_same_bytes() -> None:
    assert pack(ENTRIES) == pack(dict(reversed(ENTRIES.items())))
    assert pack({}) == pack({})


names = st.text("abc", min_size=1, max_size=3).map(lambda name: f"f{name}")


@given(st.dictionaries(names, st.binary(max_size=9), max_size=5))
def test_any_files(contents: dict[str, bytes]) -> None:
    entries = {name: CpioEntry(mode=stat.S_IFREG | 0o644, data=d) for name, d in contents.items()}
    assert {name: data for name, (_, _, data) in unpack(pack(entries)).items()} == contents


@pytest.mark.skipif(not shutil.which("cpio"), reason="no cpio")
def test_cpio_reads_it(tmp_path: Path) -> None:
    files = {name: entry for name, entry in ENTRIES.items() if not stat.S_ISCHR(entry.mode)}
    done = subprocess.run(
        ["cpio", "-idm", "--quiet", "--no-absolute-filenames"],
        input=pack(files),
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    assert (tmp_path / "bin/sh").read_bytes() == b"#!\n"
    assert (tmp_path / "bin/sh").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "lib/a/b/c").read_bytes() == b"x" * 5
    assert (tmp_path / "tmp").is_dir()
    assert program(tmp_path / "bin/sh") == ENTRIES["bin/sh"]


@pytest.fixture
def merged_tree(tmp_path: Path) -> Path:
    """A release that is all below usr: a program, a library of its own, and the loader."""
    tree = tmp_path / "tree"
    for name in ("usr/bin", "usr/lib/arch", "usr/lib64"):
        (tree / name).mkdir(parents=True)
    for name in ("bin", "lib", "lib64"):
        (tree / name).symlink_to(f"usr/{name}")
    own, loader = tree / "usr/lib/arch/libown.so.1", tree / "usr/lib/arch/ld-own.so.2"
    (tmp_path / "own.c").write_text("int own(void) { return 0; }\n")
    (tmp_path / "main.c").write_text("int own(void);\nint _start(void) { return own(); }\n")
    shared = ("gcc", "-shared", "-nostdlib", "-o")
    for file in (own, loader):
        argv = (*shared, file, f"-Wl,-soname,{file.name}", tmp_path / "own.c")
        subprocess.run(argv, check=True)
    (tree / "usr/lib64/ld-own.so.2").symlink_to("../lib/arch/ld-own.so.2")
    linked = ("-Wl,--dynamic-linker=/lib64/ld-own.so.2", tmp_path / "main.c", own)
    subprocess.run(("gcc", "-nostdlib", "-o", tree / "usr/bin/program", *linked), check=True)
    return tree


@pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc")
def test_the_loader_is_where_the_program_says(merged_tree: Path) -> None:
    found = asyncio.run(shared_libraries(merged_tree, ["bin/program"]))
    assert set(found) == {"usr/lib/arch/libown.so.1", "lib64/ld-own.so.2"}
    assert all(file.is_file() and not file.is_symlink() for file in found.values())


@pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc")
def test_the_loader_is_the_packages_and_not_the_hosts(merged_tree: Path) -> None:
    # As bookworm's libc6 has it: taken for a path of the host's, it is the loader of another libc.
    link = merged_tree / "usr/lib64/ld-own.so.2"
    link.unlink()
    link.symlink_to("/lib/arch/ld-own.so.2")
    found = asyncio.run(shared_libraries(merged_tree, ["bin/program"]))
    assert found["lib64/ld-own.so.2"].resolve() == merged_tree / "usr/lib/arch/ld-own.so.2"


@pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc")
def test_a_library_that_no_package_holds_is_an_error(merged_tree: Path) -> None:
    (merged_tree / "usr/lib/arch/libown.so.1").unlink()
    with pytest.raises(InfrastructureError, match=r"hold no libown\.so\.1, which program needs"):
        asyncio.run(shared_libraries(merged_tree, ["bin/program"]))
