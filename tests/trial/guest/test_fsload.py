"""fsload on this host's file systems: what it writes, what it notices, what it says."""

from __future__ import annotations

import os
import shutil
import subprocess
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from anyclue.recordings.procfs import facts

SET = (
    "sizes=1,1000,4096,4097,131073",
    "kinds=text,random,mixed",
    "modes=buffered,direct",
    "copies=2",
)
FILES = 5 * 3 * 2 * 2
Load = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def load(fsload: Path) -> Load:
    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        argv = [str(fsload), *map(str, arguments)]
        return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)

    return run


def said(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    assert done.returncode == 0, done.stderr
    return dict(facts(done.stdout))


def test_fill_and_remove(load: Load, tmp_path: Path) -> None:
    told = said(load("fill", tmp_path, "writers=3", "files=10", "size=1000", "direct=2"))
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert told["files"] == len(files) == 10
    assert {path.stat().st_size for path in files} == {1000}
    assert told["bytes"] == 10_000
    assert told["direct"] == 3  # the second of three writers
    assert told["enospc"] == 0
    assert [len(list(tmp_path.glob(f"dir_{n}/*"))) for n in range(3)] == [4, 3, 3]
    assert load("remove", tmp_path).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_more_writers_than_files(load: Load, tmp_path: Path) -> None:
    told = said(load("fill", tmp_path, "writers=8", "files=2", "direct=0"))
    assert (told["files"], told["direct"]) == (2, 0)


def test_removing_does_not_follow_links(load: Load, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").write_text("x")
    (tmp_path / "mnt").mkdir()
    (tmp_path / "mnt/link").symlink_to(tmp_path / "kept")
    assert load("remove", tmp_path / "mnt").returncode == 0
    assert (tmp_path / "kept/file").exists()
    assert list((tmp_path / "mnt").iterdir()) == []


def test_the_stages_of_the_mix(load: Load, tmp_path: Path) -> None:
    assert said(load("write", tmp_path, *SET))["files"] == FILES
    for stage, verb in enumerate((None, "overwrite", "truncate")):
        if verb:
            assert said(load(verb, tmp_path, *SET))["files"] == FILES
        assert said(load("verify", tmp_path, *SET, f"stage={stage}"))["verified_files"] == FILES
        for other in {0, 1, 2} - {stage}:
            assert load("verify", tmp_path, *SET, f"stage={other}").returncode == 1


def test_contents_are_of_their_kind(load: Load, tmp_path: Path) -> None:
    """Texts compress, random data does not; no two files are the same."""
    said(load("write", tmp_path, "sizes=65536", SET[1], SET[2], SET[3]))
    ratio = {
        path.name: len(zlib.compress(path.read_bytes())) / path.stat().st_size
        for path in tmp_path.iterdir()
    }
    assert len({path.read_bytes() for path in tmp_path.iterdir() if "random" in path.name}) == 4
    assert all(value < 0.1 for name, value in ratio.items() if name.startswith("text"))
    assert all(value > 0.95 for name, value in ratio.items() if name.startswith("random"))
    assert all(0.4 < value < 0.7 for name, value in ratio.items() if name.startswith("mixed"))


@pytest.mark.parametrize("at", [0, 4095, 4096, 100_000, 131_072])
def test_one_wrong_byte(load: Load, tmp_path: Path, at: int) -> None:
    options = ("sizes=131073", "kinds=mixed")
    said(load("write", tmp_path, *options))
    (file,) = tmp_path.iterdir()
    with file.open("r+b") as stream:
        stream.seek(at)
        byte = stream.read(1)[0]
        stream.seek(at)
        stream.write(bytes([byte ^ 1]))
    done = load("verify", tmp_path, *options)
    assert done.returncode == 1
    assert f"wrong contents at byte {at}" in done.stderr


def test_a_wrong_size_and_a_missing_file(load: Load, tmp_path: Path) -> None:
    said(load("write", tmp_path, "sizes=5000"))
    (file,) = tmp_path.iterdir()
    os.truncate(file, 4999)
    done = load("verify", tmp_path, "sizes=5000")
    assert (done.returncode, "size is 4999, expected 5000" in done.stderr) == (1, True)
    file.unlink()
    done = load("verify", tmp_path, "sizes=5000")
    assert (done.returncode, "cannot open" in done.stderr) == (1, True)


def test_hold(load: Load, tmp_path: Path) -> None:
    assert said(load("hold", tmp_path / "held", "mib=3")) == {"files": 1, "bytes": 3 << 20}
    assert (tmp_path / "held").stat().st_size == 3 << 20


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("fill",),
        ("no-such-verb", "/nowhere"),
        ("fill", "/nowhere", "writers=0"),
        ("fill", "/nowhere", "writers=257"),
        ("fill", "/nowhere", "size=0"),
        ("write", "/nowhere"),
        ("write", "/nowhere", "sizes=0"),
        ("write", "/nowhere", "sizes=1,x"),
        ("write", "/nowhere", "sizes=1", "kinds=poem"),
        ("write", "/nowhere", "sizes=1", "modes=quick"),
        ("write", "/nowhere", "sizes=1", "copies=0"),
        ("verify", "/nowhere", "sizes=" + ",".join(["1"] * 33)),
    ],
)
def test_usage(load: Load, arguments: tuple[str, ...]) -> None:
    done = load(*arguments)
    assert done.returncode == 2
    assert done.stderr


def test_a_place_that_is_not_there(load: Load) -> None:
    for verb in ("fill", "remove", "extents", "write"):
        assert load(verb, "/nowhere", "sizes=1").returncode == 1


def mounted(place: Path, *arguments: str) -> Iterator[Path]:
    place.mkdir()
    argv = ["mount", *arguments, str(place)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"cannot mount here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    yield from mounted(tmp_path / "tiny", "-t", "tmpfs", "-o", "size=256k", "tmpfs")


def test_no_space_is_a_fact(load: Load, tiny: Path) -> None:
    told = said(load("fill", tiny, "writers=2", "files=0", "size=1000", "direct=0"))
    assert (told["enospc"], told["enospc_errors"]) == (1, 2)
    assert 10 < told["files"] < 256
    assert load("remove", tiny).returncode == 0
    assert said(load("write", tiny, "sizes=400000"))["enospc"] == 1


@pytest.fixture
def btrfs(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0 or not shutil.which("mkfs.btrfs"):
        pytest.skip("needs root and mkfs.btrfs")
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(128 << 20)
    subprocess.run(["mkfs.btrfs", "-q", str(image)], check=True)
    yield from mounted(tmp_path / "mnt", "-t", "btrfs", "-o", "loop,compress=lzo", str(image))


def test_extents_by_compression(load: Load, btrfs: Path) -> None:
    assert set(said(load("extents", btrfs)).values()) == {0}
    text, noise = btrfs / "text", btrfs / "noise"
    for place in (text, noise):
        place.mkdir()
    said(load("write", text, "sizes=1000,100000", "copies=3"))
    said(load("write", noise, "sizes=100000", "kinds=random", "copies=2"))
    told = said(load("extents", btrfs))
    assert told["extents_lzo"] == 6
    assert told["extents_inline"] == 3
    assert told["extents_none"] >= 2
    assert told["extents_zlib"] == told["extents_zstd"] == told["extents_other"] == 0


def test_extents_of_many_files(load: Load, btrfs: Path) -> None:
    """More than one search of the tree gives back."""
    told = said(load("fill", btrfs, "files=700", "size=900", "direct=0"))
    assert said(load("extents", btrfs))["extents_inline"] == told["files"] == 700


def test_names_and_what_is_noticed_of_them(load: Load, tmp_path: Path) -> None:
    told = said(load("names", tmp_path, "dirs=3", "files=8"))
    assert (told["files"], told["links"], told["symlinks"], told["renames"]) == (24, 24, 24, 12)
    assert told["enospc"] == 0
    check = ("check-names", tmp_path, "dirs=3", "files=8")
    assert said(load(*check)) == {"verified_files": 24}
    (tmp_path / "d0/link1").unlink()
    wrong = load(*check)
    assert wrong.returncode == 1
    assert "wrong contents: the number of its links" in wrong.stderr
    os.link(tmp_path / "d0/e/file1", tmp_path / "d0/link1")
    assert load(*check).returncode == 0
    (tmp_path / "d0/e/file1").write_text("other")
    assert "wrong contents: what was written" in load(*check).stderr


def test_attributes_are_verified(load: Load, tmp_path: Path) -> None:
    said(load("names", tmp_path, "dirs=2", "files=2"))
    file = tmp_path / "d0/e/file1"
    try:
        os.setxattr(file, "user.long", b"other")
    except OSError:
        pytest.skip("no attributes here")
    assert (
        "wrong contents: an attribute" in load("check-names", tmp_path, "dirs=2", "files=2").stderr
    )


@pytest.mark.parametrize("seed", range(5))
def test_ranges_are_compared_with_their_image(load: Load, tmp_path: Path, seed: int) -> None:
    given = ("files=3", "kib=128", "steps=40", f"seed={seed}")
    told = said(load("ranges", tmp_path, *given))
    assert (told["files"], told["enospc"]) == (3, 0)
    assert min(told[step] for step in ("writes", "maps", "truncations")) > 0
    assert said(load("check-ranges", tmp_path, *given)) == {"verified_files": 3}
    other = load("check-ranges", tmp_path, *given[:3], f"seed={seed + 1}")
    assert other.returncode == 1
    assert "wrong contents" in other.stderr
    sizes = {path: path.stat().st_size for path in tmp_path.glob("ranges*")}
    file = max(sizes, key=lambda path: sizes[path])
    with file.open("r+b") as opened:
        opened.seek(sizes[file] // 2)
        byte = opened.read(1)
        opened.seek(sizes[file] // 2)
        opened.write(bytes([byte[0] ^ 1]))
    changed = load("check-ranges", tmp_path, *given)
    assert f"{file}: wrong contents at byte {sizes[file] // 2}" in changed.stderr


@pytest.mark.parametrize(
    "arguments", [("names", "dirs=1"), ("ranges", "kib=1"), ("ranges", "steps=0")]
)
def test_names_and_ranges_that_are_out_of_range(
    load: Load, tmp_path: Path, arguments: tuple[str, str]
) -> None:
    assert load(arguments[0], tmp_path, arguments[1]).returncode == 2
