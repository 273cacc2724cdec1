"""A Debian root that cannot be made says why."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import cast

import pytest

from anyclue.model.debian import release_of
from anyclue.model.errors import InfrastructureError
from anyclue.system import debian_roots, processes
from anyclue.system.apt import Apt
from anyclue.system.processes import CommandError

SOURCE = "deb http://deb.example.org/debian bookworm main"


class Sources:
    release = release_of("bookworm")
    arch = "amd64"

    def present_sources(self) -> tuple[str, ...]:
        return (SOURCE,)


def made(output: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> InfrastructureError:
    async def fails(*_: object, **__: object) -> None:
        raise CommandError(["mmdebstrap"], "exit status 25", output)

    monkeypatch.setattr(debian_roots, "run", fails)
    apt = cast(Apt, Sources())
    with pytest.raises(InfrastructureError) as caught:
        asyncio.run(debian_roots.make_root(apt, ["gcc"], tmp_path / "root.tar"))
    return caught.value


def test_no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    error = made("E: apt-get update --error-on=any failed\n", monkeypatch, tmp_path)
    assert not isinstance(error, CommandError)
    assert "amd64" in str(error)
    assert SOURCE in str(error)
    assert "check the network" in str(error)


def test_another_failure_keeps_its_last_lines(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    error = made("E: no space left\n", monkeypatch, tmp_path)
    assert isinstance(error, CommandError)
    assert "no space left" in str(error)


def small_root(tarball: Path) -> None:
    """Pack a shell with its libraries."""
    shell = Path("/bin/sh").resolve()
    linked = subprocess.run(["ldd", shell], capture_output=True, text=True, check=True).stdout
    with tarfile.open(tarball, "w") as tar:
        for name in ("proc", "sys", "dev", "bin", "tmp"):
            found = tarfile.TarInfo(f"./{name}")
            found.type, found.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(found)
        tar.add(shell, "./bin/sh")
        for library in re.findall(r"(/\S+) \(0x", linked):
            tar.add(Path(library).resolve(), f".{library}")


@pytest.mark.skipif(os.geteuid() != 0, reason="root only: others mount in a namespace anyway")
@pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="mmdebstrap is not installed")
def test_killed_it_leaves_no_mount_and_no_root(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root, sources = tmp_path / "root.tar", tmp_path / "sources.tar"
    small_root(root)
    with tarfile.open(sources, "w"):
        pass
    mounts = Path("/proc/self/mountinfo").read_text().count("mmdebstrap")
    seen = []

    async def killed_in_the_middle() -> None:
        script = ": > /work/started; kill -STOP $$"
        work = asyncio.create_task(
            debian_roots.run_in_root(
                root, "amd64", script, copied_in=sources, copied_out=("/work", tmp_path / "out.tar")
            )
        )
        while not work.done() and not (found := list(tmp_path.rglob("work/started"))):
            await asyncio.sleep(0.05)
        seen.extend(found)
        monkeypatch.setattr(processes, "SOFT_STOP_S", 0.0)
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work

    asyncio.run(killed_in_the_middle())
    assert seen
    assert Path("/proc/self/mountinfo").read_text().count("mmdebstrap") == mounts
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("root.tar", "script.sh", "sources.tar")
    ]
