"""The figures of a page: which cells are drawn, over which reference, and in which words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from anyclue.hunt.render.selection import representative, varying_axes
from anyclue.hunt.select.faults import carrier_class
from anyclue.model.recording import Recording
from anyclue.model.scenario import Axis, Cell
from anyclue.model.verdict import CellVerdict, MemoryClass, Verdict
from anyclue.report import charts, series, words
from anyclue.report.pages import Figure, Key
from anyclue.report.text import clean, shorten

_LABEL_COLUMNS = 28


def colour(verdict: CellVerdict) -> str:
    """Return the CSS colour of a verdict."""
    return f"var(--v-{verdict.verdict.value})"


def overviews(cells: Sequence[CellVerdict], least_kib: float) -> list[Figure]:
    """Return a figure for each machine and workload: the floors of all cells over one another."""
    named = varying_axes([cell.cell for cell in cells])
    groups: dict[tuple[str, str], list[CellVerdict]] = {}
    for cell in cells:
        groups.setdefault((cell.cell.machine, cell.cell.workload), []).append(cell)
    figures: list[Figure] = []
    for index, ((machine, workload), group) in enumerate(groups.items()):
        of = _common_class(group, cells)
        lines = [line for cell in group for line in _overview_lines(cell, of, named)]
        if len(lines) < 2:
            continue
        where = f"{machine}, {workload}" if Axis.WORKLOAD in named else machine
        drawn = sum(bool(series.floors(cell, of)) for cell in group)
        kinds = [v for v in words.SEVERITY if any(cell.verdict is v for cell in group)]
        title = f"Floors of all cells on {where}"
        caption = f"{drawn} of {len(group)} cells reached floors. "
        caption += f"Drawn: {of.value} ({words.CLASSES[of]})."
        figures.append(
            Figure(
                title=title,
                caption=caption,
                svg=charts.inline_svg(
                    charts.overview(lines, least_kib), f"o{index}", title, caption
                ),
                keys=tuple(Key(colour=f"var(--v-{v.value})", text=v.value) for v in kinds),
            )
        )
    return figures


def cell_figures(
    verdict: CellVerdict,
    reference: CellVerdict | None,
    recordings: Mapping[Cell, Sequence[Recording]],
    least_kib: float,
    name: str,
) -> list[Figure]:
    """Return a cell's memory over time and its floors by round, each over the reference's."""
    drawn = (
        _over_time(verdict, reference, recordings, name),
        _by_round(verdict, reference, least_kib, name),
    )
    return [figure for figure in drawn if figure is not None]


def _over_time(
    verdict: CellVerdict,
    reference: CellVerdict | None,
    recordings: Mapping[Cell, Sequence[Recording]],
    name: str,
) -> Figure | None:
    trial = representative(verdict, recordings)
    line = series.timeline(trial) if trial else None
    if trial is None or line is None:
        return None
    other = representative(reference, recordings) if reference else None
    beside = series.timeline(other) if other else None
    title = "Memory in use over time"
    peak = max(mib for _, mib in line.used)
    caption = (
        f"Trial {trial.trial}. Dotted lines: a round begins. Dots: floors, after unmount, sync "
        f"and drop_caches. Highest {peak:.0f} MiB of {trial.ram_kib / 1024:.0f} MiB."
    )
    return Figure(
        title=title,
        caption=caption,
        svg=charts.inline_svg(
            charts.memory_over_time(line, beside, colour(verdict)),
            f"{name}t",
            f"{title}: {verdict.cell.id}",
            caption,
        ),
        keys=_keys(verdict, reference if beside else None),
    )


def _by_round(
    verdict: CellVerdict, reference: CellVerdict | None, least_kib: float, name: str
) -> Figure | None:
    of = carrier_class(verdict)
    points = series.floors(verdict, of)
    if len(points) < 2:
        return None
    beside = series.floors(reference, of) if reference else ()
    line = series.fit(verdict, points)
    title = f"Floor by round: {of.value}"
    fitted = words.rate(verdict.rate_kib_per_round, verdict.rate_ci95_kib)
    caption = f"{_describe(of)}. "
    caption += f"Line: {fitted} KiB per round [95 %]. " if line else "No rate could be fitted. "
    caption += "Hollow: warm-up, set aside." if verdict.warm_up else ""
    return Figure(
        title=title,
        caption=caption.strip(),
        svg=charts.inline_svg(
            charts.floors_by_round(points, line, beside, colour(verdict), least_kib),
            f"{name}f",
            f"{title}: {verdict.cell.id}",
            caption,
        ),
        keys=_keys(verdict, reference if beside else None),
    )


def _keys(verdict: CellVerdict, reference: CellVerdict | None) -> tuple[Key, ...]:
    key = Key(colour=colour(verdict), text=f"this cell, {verdict.verdict.value}")
    if reference is None:
        return (key,)
    text = f"reference {reference.cell.id}, {reference.verdict.value}"
    return (key, Key(colour=charts.REFERENCE, text=text))


def _describe(of: MemoryClass) -> str:
    text = words.CLASSES[of]
    return text[0].upper() + text[1:]


def _common_class(group: Sequence[CellVerdict], cells: Sequence[CellVerdict]) -> MemoryClass:
    """Return the class to compare cells in: the worst leak's, here or anywhere, else all."""
    for candidates in (group, cells):
        leaks = [cell for cell in candidates if cell.verdict is Verdict.LEAK]
        if leaks:
            return carrier_class(
                max(leaks, key=lambda cell: words.finite(cell.rate_kib_per_round) or 0.0)
            )
    return MemoryClass.USED


def _overview_lines(
    verdict: CellVerdict, of: MemoryClass, named: Sequence[Axis]
) -> list[charts.FloorLine]:
    points = series.floors(verdict, of)
    quiet = verdict.verdict in {Verdict.CLEAN, Verdict.UNPROVEN}
    axes = [axis for axis in named if axis not in {Axis.MACHINE, Axis.WORKLOAD}]
    label = clean(" ".join(verdict.cell.value(axis) for axis in axes) or verdict.cell.kernel)
    return [
        charts.FloorLine(
            label="" if quiet or trial > 1 else shorten(label, _LABEL_COLUMNS),
            colour=colour(verdict),
            points=tuple((float(p.round), p.kib) for p in points if p.trial == trial),
        )
        for trial in sorted({point.trial for point in points})
    ]
