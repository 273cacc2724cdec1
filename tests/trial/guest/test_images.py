"""What a guest has to be able to do before it is saved for all trials."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest

from anyclue.model.errors import InfrastructureError
from anyclue.trial.filesystems.btrfs import BTRFS
from anyclue.trial.guest.channel import Reply
from anyclue.trial.guest.images import check_maker
from anyclue.trial.guest.machine import Guest


def guest_that_says(reply: Reply) -> Guest:
    async def request(*_: object, **__: object) -> Reply:
        return reply

    return cast(Guest, SimpleNamespace(agent=SimpleNamespace(request=request)))


def test_a_guest_without_mkfs_is_no_guest_to_save() -> None:
    there = Reply(status=0, output="mkfs.btrfs, part of ...")
    asyncio.run(check_maker(guest_that_says(there), BTRFS))
    gone = Reply(status=127, output="sh: mkfs.btrfs: not found")
    with pytest.raises(InfrastructureError, match=r"mkfs\.btrfs does not run") as caught:
        asyncio.run(check_maker(guest_that_says(gone), BTRFS))
    assert "not found" in str(caught.value)
