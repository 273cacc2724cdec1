"""Merges and bisections of Debian's fs/btrfs in real guests. Minutes each: `make test-slow`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
import pytest
from bench.bisect_bench.case import scenario
from bench.bisect_bench.histories import MAKERS
from bench.merge_bench.forge import Forge
from bench.pairs_bench.sources import Sources

if TYPE_CHECKING:
    from tests.slow.conftest import Hunts

pytestmark = pytest.mark.slow

LZO = "fs/btrfs/lzo.c"
RELEASE = "out:\n\tif (page_in)\n\t\tput_page(page_in);\n"


@pytest.fixture(scope="module")
def source() -> Path:
    sources = Sources(Path(platformdirs.user_cache_dir("anyclue")))
    return asyncio.run(sources.tree(asyncio.run(sources.versions()).newest))


@pytest.mark.parametrize(("leaks", "blame"), [("result", "guilty"), ("theirs", "came")])
def test_a_merge_in_guests(
    hunts: Hunts, source: Path, tmp_path: Path, leaks: str, blame: str
) -> None:
    forge = Forge.new(tmp_path / "tree")
    files = {
        str(file.relative_to(source)): file.read_text()
        for file in (source / "fs/btrfs").rglob("*")
        if file.is_file()
    }
    good = files[LZO]
    assert RELEASE in good
    bad = good.replace(RELEASE, "out:\n")
    root = forge.commit("main", None, files)
    ours = forge.commit("ours", root, {"fs/btrfs/zlib.c": files["fs/btrfs/zlib.c"] + "/* */\n"})
    theirs = forge.commit("theirs", root, {LZO: (bad if leaks == "theirs" else good) + "/* */\n"})
    forge.merge([ours, theirs], {LZO: bad + "/* */\n"})
    (tmp_path / "m.toml").write_text(scenario({"good": None}))
    hunts.directory = forge.path
    status, out, _ = hunts.run(
        "-q", "merge", "HEAD", "--test", tmp_path / "m.toml", "--out", tmp_path / "run", "--json"
    )
    test = json.loads(out)["test"]
    assert status == int(blame == "guilty")
    assert test["result"] == blame


@pytest.mark.parametrize("kind", [*MAKERS])
def test_a_bisection(hunts: Hunts, source: Path, tmp_path: Path, kind: str) -> None:
    made = MAKERS[kind](source, tmp_path / "tree")
    (tmp_path / "b.toml").write_text(scenario({"bisected": None}))
    hunts.directory = made.path
    ends = ("--good", made.good, "--bad", made.bad)
    run = ("--out", tmp_path / "run", "--json")
    status, out, _ = hunts.run("-q", "bisect", *ends, tmp_path / "b.toml", *run)
    assert status == 1
    found = json.loads(out)
    assert [one["commit"] for one in found["accused"]] == [made.culprit]
    assert found["confidence"] >= 0.99
    assert found["proof"]["reverted"] == "good"
    place = found["places"][0]
    assert (place["function"], place["path"]) == ("lzo_compress_pages", LZO)
