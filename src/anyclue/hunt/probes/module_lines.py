"""File and line of the module's frames, from debug info that is built when there are any."""

from __future__ import annotations

import logging
import tarfile
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from anyclue.hunt.probes.core.model import ProbeReading, SourceLocation
from anyclue.hunt.probes.core.symbols import (
    Lines,
    Symbols,
    module_frames,
    parse_addr2line,
    with_places,
)
from anyclue.model.errors import AnyclueError
from anyclue.model.scenario import Cell, Scenario
from anyclue.system.processes import run
from anyclue.trial.context import Context
from anyclue.trial.kernels.modules import DEBUG_MODULE, DEBUG_TREE
from anyclue.trial.preparation import debug_module, module_under_test, payload

log = logging.getLogger(__name__)

TOOL_S = 120


async def with_lines(
    readings: Sequence[ProbeReading],
    symbols: Sequence[Symbols],
    scenario: Scenario,
    cell: Cell,
    context: Context,
) -> tuple[ProbeReading, ...]:
    """Return the readings with lines, where the code is proven to be that which ran.

    ``symbols`` are those of the guilty guest of each reading.
    """
    frames = [
        module_frames(reading, known, module_under_test(scenario, cell))
        for reading, known in zip(readings, symbols, strict=True)
    ]
    places = {place for one in frames for place in one.values()}
    if not places:
        return tuple(readings)
    try:
        found = await _lines(places, scenario, cell, context)
    except AnyclueError as error:
        log.warning("no lines: %s", error)
        return tuple(readings)
    return tuple(
        with_places(reading, one, found) for reading, one in zip(readings, frames, strict=True)
    )


async def _lines(
    places: Iterable[tuple[str, int]], scenario: Scenario, cell: Cell, context: Context
) -> Lines:
    artifact = await debug_module(scenario, cell, context)
    ran_from = await payload(scenario, cell, context)
    if artifact is None or ran_from is None:
        return {}
    built = artifact.file(DEBUG_MODULE)
    found: dict[tuple[str, int], tuple[SourceLocation, ...]] = {}
    with tempfile.TemporaryDirectory(prefix="anyclue-lines-") as name:
        directory = Path(name)
        with tarfile.open(ran_from.file("payload.tar")) as tar:
            tar.extractall(directory, filter="data")
        ran = directory / f"{module_under_test(scenario, cell)}.ko"
        if not ran.exists():
            return {}
        for section in sorted({section for section, _ in places}):
            if await _code(built, section, directory) != await _code(ran, section, directory):
                log.warning("no lines: a build with them has other code in %s", section)
                continue
            offsets = sorted({offset for one, offset in places if one == section})
            argv = ("addr2line", "-a", "-f", "-i", "-j", section, "-e", str(built))
            shown = await run((*argv, *map(hex, offsets)), deadline_s=TOOL_S)
            found |= parse_addr2line(section, shown.stdout, tree=DEBUG_TREE)
    return found


async def _code(module: Path, section: str, directory: Path) -> bytes:
    """Return the bytes of a section."""
    target = directory / "code"
    target.unlink(missing_ok=True)
    argv = ("objcopy", "-O", "binary", f"--only-section={section}", str(module), str(target))
    await run(argv, deadline_s=TOOL_S)
    return target.read_bytes()
