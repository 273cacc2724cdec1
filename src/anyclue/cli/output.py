"""Where results and errors go: stdout carries results, stderr everything else."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from anyclue.model.errors import InfrastructureError
from anyclue.reports import clean

T = TypeVar("T")


def result(text: str) -> None:
    """Write a result to stdout."""
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
    sys.stdout.flush()


def error(text: str) -> None:
    """Write an error to stderr, with nothing in it that a terminal would obey."""
    lines = (clean(line) for line in text.split("\n"))
    sys.stderr.write("anyclue: error: " + "\n".join(lines) + "\n")


def run_until_stopped(work: Coroutine[Any, Any, T], run: Path | None = None) -> T:
    """Run ``work``; Ctrl-C, SIGTERM and SIGHUP cancel it, so that it cleans up behind itself.

    Raises:
        InfrastructureError: it was stopped.
    """

    async def watched() -> T:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, task.cancel)
        return await task

    try:
        return asyncio.run(watched())
    except asyncio.CancelledError as stopped:
        raise InfrastructureError(
            "stopped; every finished trial is kept",
            next_step=f"go on with: anyclue hunt --resume {run}" if run else "",
        ) from stopped
