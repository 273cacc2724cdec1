"""The command: options common to all verbs, and the one place that catches errors.

The module of a verb imports at its head what its options are declared with, and what it runs when
it runs: what judges a hunt takes seconds to import, ``anyclue --help`` and ``anyclue pairs --diff``
are done in less.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup

from anyclue.cli.output import error, stop_signals
from anyclue.model.errors import AnyclueError, ExitCode, InfrastructureError

EPILOG = """Examples:

    anyclue doctor                           what this machine can do, and what is missing

    anyclue kernels                          which of Debian's kernels can be had

    anyclue plan scenarios/lzo-leak.toml     the cells of a scenario; starts nothing

    anyclue hunt scenarios/lzo-leak.toml     run them, judge them, report

    anyclue hunt --resume runs/lzo-leak-...  go on after Ctrl-C, kill -9 or a reboot

    anyclue report runs/lzo-leak-...         judge and report again, with no guest

    anyclue probe runs/lzo-leak-...          what the guilty cell holds, by stack, file and line

    anyclue record -- ./check -g quick       this machine's memory, test by test, with no guest

    anyclue pairs fs/btrfs                   what is acquired and not released, from the sources

    anyclue pairs --diff v5.15..master       the same, only what the change introduces

    anyclue merge HEAD                       what the resolution of a merge made, and what it lost

    anyclue stable HEAD                      which stable branches need a fix

Exit status: 0 nothing found, 1 regression found, 2 the request is wrong, 3 infrastructure failed
or unproven.
"""

VERBS = {
    "plan": "anyclue plan --json scenarios/lzo-leak.toml",
    "hunt": "anyclue hunt mine.toml --out runs/mine; anyclue hunt --resume runs/mine",
    "judge": "anyclue judge --json runs/mine",
    "report": "anyclue report runs/mine",
    "clue": "anyclue clue runs/mine",
    "record": "anyclue record -- ./check -g quick; anyclue record --attach",
    "pairs": "anyclue pairs fs/btrfs; anyclue pairs --diff v5.15..master --json",
    "merge": "anyclue merge HEAD; anyclue merge HEAD --against for-5.16-resolve",
    "stable": "anyclue stable HEAD; anyclue stable HEAD --trees 'origin/linux-*.y'",
    "bisect": "anyclue bisect --good v6.1 --bad HEAD --cell i386-2g.default.lzo.small-files "
    "mine.toml",
    "step": "git bisect run anyclue step mine.toml",
    "setup": "anyclue setup fstests ~/xfstests --arch i386",
    "probe": "anyclue probe runs/mine; anyclue probe --list",
    "shell": "anyclue shell bad.i386-2g.default.lzo.small-files",
    "kernels": "anyclue kernels --arch x86_64",
    "doctor": "anyclue doctor",
}
"""Each verb, a function in the module of its name in ``anyclue.cli``, with an example."""

CANNOT_TELL = 125

HELP = {"help_option_names": ["-h", "--help"]}


class _LazyCommands(Mapping[str, Any]):
    """The command of each verb, imported when it is first asked for."""

    def __iter__(self) -> Iterator[str]:
        return iter(VERBS)

    def __len__(self) -> int:
        return len(VERBS)

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - Typer brings its own copy of Click
        example = VERBS[name]
        verb = typer.Typer(context_settings=HELP, rich_markup_mode=None, add_completion=False)
        implementation = getattr(import_module(f"anyclue.cli.{name}"), name)
        verb.command(name, epilog=f"Example: {example}")(implementation)
        return typer.main.get_command(verb)


class _CommandGroup(TyperGroup):
    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - handed on as they are
        super().__init__(**settings)
        self.commands = cast("MutableMapping[str, Any]", _LazyCommands())


app = typer.Typer(
    name="anyclue",
    cls=_CommandGroup,
    help="Find what leaks memory in a Linux file system: which kernel, which option, what kind.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings=HELP,
)


def _version(value: bool) -> None:
    if value:
        from anyclue.version import __version__

        sys.stdout.write(f"anyclue {__version__}\n")
        raise typer.Exit


@app.callback()
def common(
    *,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log every command that is run, to stderr.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Only warnings and errors on stderr.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Find what leaks memory in a Linux file system: which kernel, which option, what kind."""
    del version
    level = logging.DEBUG if verbose else logging.WARNING if quiet else logging.INFO
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_ElapsedFormatter())
    logger = logging.getLogger("anyclue")
    logger.handlers = [handler]
    logger.setLevel(level)


class _ElapsedFormatter(logging.Formatter):
    """Progress lines with the seconds since the start."""

    def __init__(self) -> None:
        super().__init__()
        self._begin = time.monotonic()

    def format(self, record: logging.LogRecord) -> str:
        level = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        return f"[{time.monotonic() - self._begin:6.1f} s] {level}{record.getMessage()}"


def _raise_stopped(number: int, frame: object) -> None:
    del number, frame
    raise InfrastructureError("stopped")


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and SIGHUP end a verb as a failure of its own, and with its status."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _raise_stopped) for number in stop_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status.

    Of ``anyclue step`` every failure is 125: ``git bisect run`` takes others for bad.
    """
    status = _status(arguments)
    words = sys.argv[1:] if arguments is None else arguments
    verb = next((word for word in words if not word.startswith("-")), "")
    return status if verb != "step" or status in (0, 1) else CANNOT_TELL


def _status(arguments: Sequence[str] | None) -> int:
    try:
        with _stoppable():
            status = app(args=arguments, standalone_mode=False)
    except AnyclueError as failure:
        error(str(failure))
        return failure.exit_code
    except typer.Exit as exit_request:
        return exit_request.exit_code
    except typer.TyperException as usage:
        show: Callable[[], None] | None = getattr(usage, "show", None)
        show() if show else error(str(usage))
        return ExitCode.BAD_REQUEST
    except (KeyboardInterrupt, typer.Abort):
        error("stopped")
        return ExitCode.INFRASTRUCTURE
    except Exception as defect:
        logging.getLogger("anyclue").debug("the whole story:", exc_info=defect)
        error(
            f"this is a defect of anyclue: {type(defect).__name__}: {defect}\n"
            "anyclue -v shows where it happened; please report it"
        )
        return ExitCode.INFRASTRUCTURE
    return int(status or 0)


def entry() -> None:
    """Entry point of the installed command."""
    sys.exit(main())
