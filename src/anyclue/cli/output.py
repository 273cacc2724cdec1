"""Where results and errors go: stdout carries results, stderr everything else."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from anyclue.model.errors import InfrastructureError, Problem, RequestError
from anyclue.report.text import clean

T = TypeVar("T")

Kernels = Annotated[
    list[str] | None,
    typer.Option(
        "--kernel",
        metavar="NAME=KIND:VALUE",
        help="A kernel in place of the scenario's NAME, or besides: debian:, build: or git:;"
        " repeatable.",
    ),
]
"""Kernels on the command line."""


@contextmanager
def gathered(problems: list[Problem]) -> Iterator[None]:
    """Add what is wrong with a part of a request to the problems, and go on with the next part."""
    try:
        yield
    except RequestError as error:
        problems += error.problems


def result(text: str) -> None:
    """Write a result to stdout; a reader that has gone (``| head``) has seen what it wanted.

    Raises:
        InfrastructureError: stdout is closed, or cannot be written.
    """
    if sys.stdout is None:
        raise InfrastructureError("cannot write the result: it is closed", where="stdout")
    try:
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # Nothing more goes there, not even what Python flushes when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as failure:
        sys.stdout = None
        raise InfrastructureError(
            f"cannot write the result: {failure.strerror or failure}", where="stdout"
        ) from failure


def error(text: str) -> None:
    """Write an error to stderr, with nothing in it that a terminal would obey."""
    if sys.stderr is not None:
        lines = (clean(line) for line in text.split("\n"))
        sys.stderr.write("anyclue: error: " + "\n".join(lines) + "\n")


def stop_signals() -> tuple[signal.Signals, ...]:
    """Return the signals that end a verb: SIGHUP does not where ``nohup`` had it ignored."""
    kept = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    return signal.SIGINT, signal.SIGTERM, *((signal.SIGHUP,) if not kept else ())


def run_until_stopped(
    work: Coroutine[Any, Any, T], run: Path | None = None, again: str = "anyclue hunt --resume"
) -> T:
    """Run ``work``; Ctrl-C, SIGTERM and SIGHUP cancel it, so that it cleans up behind itself.

    ``again`` is the command that goes on with ``run``, when that is put behind it.

    Raises:
        InfrastructureError: it was stopped.
    """
    import asyncio

    async def watched() -> T:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        for number in stop_signals():
            loop.add_signal_handler(number, task.cancel)
        return await task

    try:
        return asyncio.run(watched())
    except asyncio.CancelledError as stopped:
        raise InfrastructureError(
            "stopped; every finished trial is kept" if run else "stopped",
            next_step=f"go on with: {again} {shlex.quote(str(run))}" if run else "",
        ) from stopped
