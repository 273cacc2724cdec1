"""A Debian root that cannot be made says why."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest

from anyclue.model.errors import InfrastructureError
from anyclue.system import debian_roots
from anyclue.system.apt import Apt, Suite
from anyclue.system.processes import CommandError

SOURCE = "deb http://deb.example.org/debian bookworm main"


class Sources:
    async def suite(self) -> Suite:
        return Suite(name="bookworm", sources=(SOURCE,))


def made(output: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> InfrastructureError:
    async def fails(*_: object, **__: object) -> None:
        raise CommandError(["mmdebstrap"], "exit status 25", output)

    monkeypatch.setattr(debian_roots, "run", fails)
    apt = cast(Apt, Sources())
    with pytest.raises(InfrastructureError) as caught:
        asyncio.run(debian_roots.make_root(apt, "amd64", ["gcc"], tmp_path / "root.tar"))
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
