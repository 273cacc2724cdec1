"""The figures of a page: which cells are drawn, over which reference, and in which words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from anyclue.hunt.render.selection import representative, varying_axes
from anyclue.hunt.render.verdict_words import growth
from anyclue.hunt.select.faults import carrier_class
from anyclue.model.reason import ObjectsGrew, grown_objects
from anyclue.model.recording import Outcome, Recording
from anyclue.model.scenario import Axis, Cell
from anyclue.model.verdict import CellVerdict, MemoryClass, ObjectSeries, Verdict
from anyclue.report import charts, series, words
from anyclue.report.pages import Figure, Key
from anyclue.report.text import clean, shorten
from anyclue.verdicts.evaluation import evaluate
from anyclue.verdicts.object_floors import object_floors

_LABEL_COLUMNS = 28
_LEAST_OBJECTS = 4.0
"""What an axis of objects spans at least, so that one object does not fill the chart."""


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
        if any(grown_objects(cell.because) for cell in group):
            caption += " Leaks of objects alone do not show in KiB: see their cells."
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
        _counts_by_round(verdict, because, reference, recordings, name)
        if (because := grown_objects(verdict.because))
        else _by_round(verdict, reference, least_kib, name),
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
    line = series.fit(verdict.rate_kib_per_round, verdict.rate_ci95_kib, points)
    title = f"Floor by round: {of.value}"
    caption = _caption(verdict, _capital(words.CLASSES[of]), line)
    return Figure(
        title=title,
        caption=caption,
        svg=charts.inline_svg(
            charts.floors_by_round(points, line, beside, colour(verdict), least_kib),
            f"{name}f",
            f"{title}: {verdict.cell.id}",
            caption,
        ),
        keys=_keys(verdict, reference if beside else None),
    )


def _counts_by_round(
    verdict: CellVerdict,
    because: ObjectsGrew,
    reference: CellVerdict | None,
    recordings: Mapping[Cell, Sequence[Recording]],
    name: str,
) -> Figure | None:
    points = _counts(verdict, because.series, recordings)
    if len(points) < 2:
        return None
    beside = _counts(reference, because.series, recordings) if reference else ()
    line = series.fit(because.rate, because.ci95, points)
    counted = words.series_name(because.series)
    title = f"Floor by round: {counted}"
    caption = _caption(verdict, f"{_capital(counted)}, objects in use", line)
    return Figure(
        title=title,
        caption=caption,
        svg=charts.inline_svg(
            charts.floors_by_round(
                points, line, beside, colour(verdict), _LEAST_OBJECTS, unit="Objects"
            ),
            f"{name}f",
            f"{title}: {verdict.cell.id}",
            caption,
        ),
        keys=_keys(verdict, reference if beside else None),
    )


def _counts(
    verdict: CellVerdict, of: ObjectSeries, recordings: Mapping[Cell, Sequence[Recording]]
) -> tuple[series.FloorPoint, ...]:
    """Return what was counted at the floors of a cell's trials that said something."""
    trials = [
        evaluate(trial)
        for trial in recordings.get(verdict.cell, ())
        if trial.outcome not in {Outcome.LOST, Outcome.NOT_RUN}
    ]
    counted = object_floors(trials).of(of)
    return series.floor_points(
        [tuple(zip(one.rounds, one.values, strict=True)) for one in counted], verdict.warm_up
    )


def _caption(verdict: CellVerdict, drawn: str, line: series.FitLine | None) -> str:
    fitted = f"Line: {growth(verdict).per_round} [95 %]." if line else "No rate could be fitted."
    aside = "Hollow: warm-up, set aside." if verdict.warm_up else ""
    return f"{drawn}. {fitted} {aside}".rstrip()


def _keys(verdict: CellVerdict, reference: CellVerdict | None) -> tuple[Key, ...]:
    key = Key(colour=colour(verdict), text=f"this cell, {verdict.verdict.value}")
    if reference is None:
        return (key,)
    text = f"reference {reference.cell.id}, {reference.verdict.value}"
    return (key, Key(colour=charts.REFERENCE, text=text))


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _common_class(group: Sequence[CellVerdict], cells: Sequence[CellVerdict]) -> MemoryClass:
    """Return the class to compare cells in: the worst leak's, here or anywhere, else all.

    A leak of objects alone shows in none.
    """
    for candidates in (group, cells):
        leaks = [
            cell
            for cell in candidates
            if cell.verdict is Verdict.LEAK and grown_objects(cell.because) is None
        ]
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
            points=tuple((float(p.round), p.value) for p in points if p.trial == trial),
        )
        for trial in sorted({point.trial for point in points})
    ]
