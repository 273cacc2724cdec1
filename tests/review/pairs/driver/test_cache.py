"""The cache: what was kept comes back, what is damaged does not, and nothing depends on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anyclue.review.pairs.driver.cache import Cache, engine_digest
from anyclue.review.pairs.driver.request import PairsRequest, review
from anyclue.review.pairs.model import FindingKind

if TYPE_CHECKING:
    from tests.review.pairs.driver.conftest import Box

KEY = "ab" + "0" * 62
VALUES: list[object] = [None, 0, "text", b"\x00", (1, ("a", True)), {"k": [1.5]}, []]
GOOD = """\
int gizmo_fill(struct inode *inode)
{
	struct page *page = gizmo_page(inode);

	if (!page)
		return -ENOENT;
	if (inode->i_size) {
		put_page(page);
		return -EINVAL;
	}
	put_page(page);
	return 0;
}
"""
BAD = GOOD.replace("\t\tput_page(page);\n\t\treturn", "\t\treturn")
HELPER = """\
struct page *gizmo_page(struct inode *inode)
{
	return find_get_page(inode->i_mapping, 0);
}
"""


def entries(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the cache of a review is."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    return tmp_path / "xdg" / "anyclue" / "pairs"


@pytest.fixture
def repo(box: Box) -> Box:
    box.write("fs/gizmo/fill.c", GOOD.encode())
    box.write("fs/gizmo/page.c", HELPER.encode())
    box.commit()
    box.write("fs/gizmo/fill.c", BAD.encode())
    box.commit()
    return box


@pytest.mark.parametrize("value", VALUES)
def test_what_is_kept_comes_back(tmp_path: Path, value: object) -> None:
    Cache(tmp_path).put("kind", KEY, value)
    assert Cache(tmp_path).get("kind", KEY) == value
    assert Cache(tmp_path).get("other", KEY) is None


def test_a_cache_that_is_nowhere(tmp_path: Path) -> None:
    cache = Cache(None)
    cache.put("kind", KEY, "value")
    assert cache.get("kind", KEY) is None
    assert not entries(tmp_path)


def test_it_tells_versions_of_the_checker_apart(tmp_path: Path) -> None:
    Cache(tmp_path).put("kind", KEY, "value")
    assert [path.name for path in tmp_path.iterdir()] == [engine_digest()]


def damages(data: bytes) -> Iterator[bytes]:
    yield b""
    yield data[:20]
    yield data[:-1]
    yield data + b"x"
    yield data[:-1] + bytes([data[-1] ^ 1])
    yield bytes(len(data))


def test_a_damaged_entry_is_as_if_not_there(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put("kind", KEY, ("value", 1))
    (file,) = entries(tmp_path)
    for damaged in damages(file.read_bytes()):
        file.write_bytes(damaged)
        assert cache.get("kind", KEY) is None
    cache.put("kind", KEY, "again")
    assert cache.get("kind", KEY) == "again"


def test_what_is_no_file(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put("kind", KEY, "value")
    (file,) = entries(tmp_path)
    file.unlink()
    file.mkdir()
    assert cache.get("kind", KEY) is None
    cache.put("kind", KEY, "value")
    assert cache.get("kind", KEY) is None
    assert not entries(tmp_path)


def test_a_place_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nowhere")):
        cache = Cache(place)
        cache.put("kind", KEY, "value")
        assert cache.get("kind", KEY) is None


def test_many_writers_at_once(tmp_path: Path) -> None:
    wrong: list[object] = []

    def work(number: int) -> None:
        cache = Cache(tmp_path)
        for _ in range(100):
            cache.put("kind", KEY, (number, "x" * 5000))
            found = cache.get("kind", KEY)
            if not isinstance(found, tuple) or len(found[1]) != 5000:
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not wrong
    assert len(entries(tmp_path)) == 1


# Of a review


def test_the_second_run_says_the_same(repo: Box, kept: Path) -> None:
    tree = PairsRequest(paths=(repo.path,))
    change = PairsRequest(paths=(repo.path,), diff="HEAD")
    first = review(tree), review(change)
    assert [len(one.findings) for one in first] == [1, 1]
    files = sorted(entries(kept))
    assert files
    assert (review(tree), review(change)) == first
    assert sorted(entries(kept)) == files


def test_damaged_entries_change_nothing(repo: Box, kept: Path) -> None:
    change = PairsRequest(paths=(repo.path,), diff="HEAD")
    first = review(change)
    for file in entries(kept):
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 0xFF
        file.write_bytes(bytes(data))
    assert review(change) == first
    for file in entries(kept):
        file.write_bytes(b"")
    assert review(change) == first


@pytest.mark.parametrize("shape", ["file", "read-only", "nowhere"])
def test_nowhere_to_write_changes_nothing(
    repo: Box, kept: Path, shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = PairsRequest(paths=(repo.path,), diff="HEAD")
    first = review(change)
    if shape == "file":
        monkeypatch.setenv("XDG_CACHE_HOME", str(repo.path / "fs/gizmo/fill.c"))
    elif shape == "nowhere":
        monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", str(kept / "new"))
        kept.chmod(0o500)
    assert review(change) == first
    kept.chmod(0o700)


def test_contracts_are_part_of_what_is_known(repo: Box, kept: Path) -> None:
    """A contract that takes the helper's effect away is heard with a warm cache too."""
    change = PairsRequest(paths=(repo.path,), diff="HEAD")
    assert [one.acquired_by for one in review(change).findings] == ["gizmo_page"]
    (repo.path / ".anyclue").mkdir()
    (repo.path / ".anyclue/pairs.toml").write_text('[functions]\nborrow = ["gizmo_page"]\n')
    assert kept.exists()
    (found,) = review(change).findings
    # Only counting says it now.
    assert (found.kind, found.acquired_by) == (FindingKind.LOST_RELEASE, "")


RUN = """
import sys
from anyclue.cli.main import main
sys.exit(main(["pairs", "--diff", "HEAD", "--json"]))
"""


def test_two_runs_at_once(repo: Box, kept: Path) -> None:
    env = {**os.environ, "XDG_CACHE_HOME": str(kept.parents[1])}
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", RUN], cwd=repo.path, env=env, stdout=subprocess.PIPE
        )
        for _ in range(4)
    ]
    told = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [1] * 4
    assert len(set(told)) == 1
    assert len(json.loads(told[0])["findings"]) == 1
