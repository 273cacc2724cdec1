"""The command line of the recorder alone; ``anyclue record`` has the same options."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from .errors import RecordError
from .request import Request, default_out


def parse(arguments: Sequence[str] | None) -> Request:
    """Return what is asked for; argparse exits with 2 on a wrong option.

    Raises:
        RecordError: neither a command nor ``--attach``, or both.
    """
    parser = argparse.ArgumentParser(
        prog="anyclue-record",
        description="Record the memory of this machine while a command runs.",
        epilog="Examples: anyclue-record -- ./check -g quick; anyclue-record --attach --pid 4711",
    )
    parser.add_argument("--out", metavar="RUN", help="run directory to make")
    parser.add_argument("--hz", type=float, default=5.0, help="samples a second [default: 5]")
    parser.add_argument("--attach", action="store_true", help="until Ctrl-C, without a command")
    parser.add_argument("--pid", type=int, help="with --attach: until this process ends")
    parser.add_argument("--quiesce", action="store_true", help="drop caches between tests (root)")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    given = parser.parse_args(arguments)
    command = given.command[1:] if given.command[:1] == ["--"] else given.command
    return request(given.out, command, given.attach, given.pid, given.hz, given.quiesce)


def request(
    out: str | None,
    command: Sequence[str],
    attach: bool,
    pid: int | None,
    hz: float,
    quiesce: bool,
) -> Request:
    """Check that the options fit together, and return them.

    Raises:
        RecordError: they do not.
    """
    if attach == bool(command):
        raise RecordError(
            "name a command, or --attach, not both" if attach else "there is nothing to record",
            "as in: anyclue record -- ./check -g quick, or: anyclue record --attach",
            exit_code=2,
        )
    if pid is not None and not attach:
        raise RecordError("--pid goes with --attach", "add --attach", exit_code=2)
    return Request(
        out=out or default_out(), command=tuple(command), pid=pid, hz=hz, quiesce=quiesce
    )
