"""The cache: made once, also by several processes; what is damaged or half-made is never used."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.model.errors import InfrastructureError
from anyclue.system.store import Artifact, Recipe, Store

RECIPE = Recipe(kind="thing", inputs={"source": "abc", "format": 1})
Build = Callable[[Path], Awaitable[None]]


async def small(directory: Path) -> None:
    (directory / "sub").mkdir()
    (directory / "sub/data").write_bytes(b"data")
    (directory / "link").symlink_to("sub/data")


def make(store: Store, build: Build = small, recipe: Recipe = RECIPE) -> Artifact:
    return asyncio.run(store.make(recipe, build))


def kinds(root: Path) -> set[str]:
    return {path.name for path in (root / "thing").iterdir()}


def test_made_once_and_found(tmp_path: Path) -> None:
    built: list[Path] = []

    async def build(directory: Path) -> None:
        built.append(directory)
        await asyncio.sleep(0.05)
        await small(directory)

    async def many() -> list[Artifact]:
        store = Store(tmp_path)
        other = Store(tmp_path)
        return await asyncio.gather(*(s.make(RECIPE, build) for s in (store, other) * 4))

    artifacts = asyncio.run(many())
    assert len(built) == 1
    assert set(artifacts) == {Store(tmp_path).find("thing", RECIPE.key)}
    assert artifacts[0].file("sub/data").read_bytes() == b"data"
    assert kinds(tmp_path) == {RECIPE.key}


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match="no thing with key") as caught:
        Store(tmp_path).find("thing", "0" * 64)
    assert "start the hunt again" in str(caught.value)


@pytest.mark.parametrize("name", ["sub/data", "manifest.json"])
@pytest.mark.parametrize("content", [None, b"", b"date", b"[]", b'{"files": []}', b"\xff{"])
def test_damage(tmp_path: Path, name: str, content: bytes | None) -> None:
    file = make(Store(tmp_path)).file(name)
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InfrastructureError, match="the cached thing is damaged") as caught:
        make(Store(tmp_path))
    assert name.rsplit("/", maxsplit=1)[-1] in str(caught.value)
    assert f"damaged-{RECIPE.key}" in str(caught.value)
    assert kinds(tmp_path) == {f"damaged-{RECIPE.key}"}
    assert make(Store(tmp_path)).file("sub/data").read_bytes() == b"data"


@pytest.mark.parametrize("error", [ZeroDivisionError(), OSError(28, "No space left on device")])
def test_a_build_that_fails_leaves_nothing(tmp_path: Path, error: Exception) -> None:
    async def build(directory: Path) -> None:
        await small(directory)
        raise error

    store = Store(tmp_path)
    expected = InfrastructureError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected):
        make(store, build)
    assert kinds(tmp_path) == set()
    assert make(store).file("sub/data").is_file()  # the lock is free again


def test_a_build_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    async def cancelled() -> None:
        begun = asyncio.Event()

        async def build(directory: Path) -> None:
            await small(directory)
            begun.set()
            await asyncio.sleep(300)

        task = asyncio.create_task(Store(tmp_path).make(RECIPE, build))
        await begun.wait()
        task.cancel()
        await asyncio.wait({task})

    asyncio.run(cancelled())
    assert kinds(tmp_path) == set()


BUILDER = """
import asyncio, sys
from pathlib import Path
from anyclue.system.store import Recipe, Store
root, seconds = Path(sys.argv[1]), float(sys.argv[2])
async def build(directory):
    (directory / "sub").mkdir()
    (directory / "sub/data").write_bytes(b"data")
    with (root / "builds").open("a") as file:
        file.write("built\\n")
    await asyncio.sleep(seconds)
recipe = Recipe(kind="thing", inputs={"source": "abc", "format": 1})
print(asyncio.run(Store(root).make(recipe, build)).key, flush=True)
"""


def builder(root: Path, seconds: float) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", BUILDER, str(root), str(seconds)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_two_processes_make_it_once(tmp_path: Path) -> None:
    pair = [builder(tmp_path, 0.5) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0] for process in pair]
    assert outputs == [f"{RECIPE.key}\n"] * 2
    assert (tmp_path / "builds").read_text() == "built\n"


def test_a_killed_builder_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    with builder(tmp_path, 300) as process:
        wait_for(tmp_path / "builds")
        os.kill(process.pid, signal.SIGKILL)
    (left,) = (tmp_path / "thing").iterdir()
    assert left.name.startswith(".")
    with pytest.raises(InfrastructureError, match="no thing with key"):
        Store(tmp_path).find("thing", RECIPE.key)
    make(Store(tmp_path))
    assert kinds(tmp_path) == {RECIPE.key}  # what was left is cleared


def test_another_recipe_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thing" / ".other.x1").mkdir(parents=True)
    make(Store(tmp_path))
    assert kinds(tmp_path) == {RECIPE.key, ".other.x1"}


def test_progress_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="anyclue"):
        make(Store(tmp_path))
    assert f"made thing {RECIPE.key[:12]}" in caplog.text


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.text(max_size=3), values, max_size=4), st.text(max_size=4))
def test_keys_depend_on_content_only(inputs: dict[str, object], kind: str) -> None:
    backwards = dict(reversed(inputs.items()))
    assert Recipe(kind=kind, inputs=inputs).key == Recipe(kind=kind, inputs=backwards).key
    assert Recipe(kind=kind, inputs=inputs).key != Recipe(kind=kind + "x", inputs=inputs).key
    more = {**inputs, "longer": 1}
    assert Recipe(kind=kind, inputs=inputs).key != Recipe(kind=kind, inputs=more).key
