"""The configuration of a kernel from git: what is asked for, and whether kconfig kept it.

Fragments are data: ``configs/*.config``. ``wishes`` are good to have, where no configuration is
given; ``guest`` and ``guest-ARCH`` are what a guest cannot do without; ``debug-NAME`` is one flag.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from anyclue.model.errors import RequestError
from anyclue.model.scenario import Arch, DebugOption

FRAGMENTS = Path(__file__).parent / "configs"
NOT_SET = "n"

_SET = re.compile(r"(CONFIG_\w+)=(.*)")
_UNSET = re.compile(r"# (CONFIG_\w+) is not set")
_COMPLETE = re.compile(r"^# Automatically generated file; DO NOT EDIT\.", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """What to ask of kconfig.

    Attributes:
        complete: a complete ``.config`` to begin with; None: begin with tinyconfig.
        asked: value of each symbol that is set over it; ``n``: not set.
        wanted: those of ``asked`` that must survive.
    """

    complete: str | None
    asked: Mapping[str, str]
    wanted: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class LostSymbol:
    """A symbol that kconfig did not leave as it was asked for."""

    symbol: str
    wanted: str
    got: str


def configuration(
    arch: Arch,
    debug: Iterable[DebugOption],
    texts: Sequence[str] = (),
    needs: Iterable[str] = (),
) -> Configuration:
    """Return what to ask for; ``texts`` are the user's: a complete one first, or fragments.

    ``needs`` are lines of the file system's. They and a guest's needs come last, so that they win.
    All but a complete ``.config`` and the wishes that stand in for one must survive.
    """
    complete = texts[0] if texts and _COMPLETE.search(texts[0]) else None
    fragments = [symbols(text) for text in (texts[1:] if complete is not None else texts)]
    own = [f"debug-{name.value}" for name in debug] + ["guest", f"guest-{arch.value}"]
    wanted = merged([*fragments, *map(_fragment, own), symbols("\n".join(needs))])
    wishes = {} if complete is not None else _fragment("wishes")
    return Configuration(complete=complete, asked={**wishes, **wanted}, wanted=wanted)


def symbols(text: str) -> dict[str, str]:
    """Return the values of a ``.config`` or fragment; the last line of a symbol counts."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if match := _SET.fullmatch(line.strip()):
            found[match[1]] = match[2].strip()
        elif match := _UNSET.fullmatch(line.strip()):
            found[match[1]] = NOT_SET
    return found


def merged(layers: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return all symbols; later layers win."""
    every: dict[str, str] = {}
    for layer in layers:
        every |= layer
    return every


def as_text(values: Mapping[str, str]) -> str:
    """Return symbols as a ``.config`` holds them."""
    lines = (
        f"# {symbol} is not set\n" if value == NOT_SET else f"{symbol}={value}\n"
        for symbol, value in values.items()
    )
    return "".join(lines)


def lost_symbols(wanted: Mapping[str, str], final: str) -> tuple[LostSymbol, ...]:
    """Return the symbols that the ``final`` configuration has otherwise than ``wanted``."""
    got = symbols(final)
    return tuple(
        LostSymbol(symbol=symbol, wanted=value, got=got.get(symbol, NOT_SET))
        for symbol, value in wanted.items()
        if got.get(symbol, NOT_SET) != value
    )


def check_survived(wanted: Mapping[str, str], final: str, *, where: str) -> None:
    """Check that a configuration has all that is wanted.

    Raises:
        RequestError: one problem, with every symbol that has another value.
    """
    missing = lost_symbols(wanted, final)
    if not missing:
        return
    listed = "\n".join(f"    {one.symbol}: wanted {one.wanted}, got {one.got}" for one in missing)
    raise RequestError.of(
        f"olddefconfig did not keep what is wanted:\n{listed}",
        where=where,
        next_step="something that they depend on is missing or contradicts: see their Kconfig "
        "entries, and set that in `config`; not every option is there for every architecture and "
        "release",
    )


def _fragment(name: str) -> dict[str, str]:
    return symbols((FRAGMENTS / f"{name}.config").read_text())
