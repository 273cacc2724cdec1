"""Charts: Vega-Lite specifications by Altair, and inline SVG of them by vl-convert.

Colours are names of the page's CSS variables. All charts have one width, so that a page can lay
them out in a grid; the words around a chart (caption, legend) belong to the page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import vl_convert
from markupsafe import Markup, escape

from anyclue.report.series import FitLine, FloorPoint, Point, Timeline, spread
from anyclue.report.text import clean

WIDTH = 420
HEIGHT = 235
FONT = 11.5
_LABELLED_ROUNDS = 16

# Encodings are made once: Altair validates each one that it makes, and its shorthands are slow.
_X = alt.X(field="x", type="quantitative")
_Y = alt.Y(field="y", type="quantitative")
_Y2 = alt.Y2(field="y2")
_ORDER = alt.Order(field="x", type="quantitative")
_TEXT = alt.Text(field="text", type="nominal")
_TOP = alt.YValue(0)  # type: ignore[no-untyped-call]

_FLOOR_TITLE = "{unit} above the first counted floor"

INK, MUTED, GRID, PAPER = "var(--ink)", "var(--muted)", "var(--grid)", "var(--paper)"
REFERENCE = "var(--ref)"
INCIDENT = "var(--v-broken)"

# What is left out of an SVG, or changed in it.
_NOISE = re.compile(
    r' (?:pointer-events="none"|opacity="1"|aria-hidden="true"|font-family="sans-serif"'
    r'|role="[\w-]*"|aria-roledescription="[\w ]*")'
)
_INVISIBLE = re.compile(r'<path class="(?:background|foreground)" d="[^"]*"(?: display="none")?/>')
_EMPTY_GROUP = re.compile(r"<g[^<>]*></g>")
_OPEN = re.compile(r'\A<svg [^<>]*?viewBox="([-\d. ]+)"[^<>]*>')
_PLACES = re.compile(r"(\.\d\d)\d+")
_PATH = re.compile(r' (?:d|transform)="[^"]*"')


@dataclass(frozen=True, kw_only=True)
class FloorLine:
    """One cell's floors in an overview; ``label`` is written at its end where it is not empty."""

    label: str
    colour: str
    points: tuple[Point, ...]


@dataclass(frozen=True, kw_only=True)
class _Axis:
    title: str
    low: float
    high: float


def memory_over_time(
    cell: Timeline, reference: Timeline | None, colour: str, *, since: str = "the trial"
) -> alt.LayerChart:
    """Return memory over time: the cell over its reference, with round marks and floors.

    ``since`` names what began at zero seconds.
    """
    drawn = [*cell.used, *cell.floors]
    drawn += [*reference.used, *reference.floors] if reference else []
    seconds = [x for x, _ in drawn] + ([] if cell.incident_s is None else [cell.incident_s])
    layers: list[alt.Chart] = [*_round_marks(cell)]
    if reference is not None:
        layers.append(_line(reference.used, REFERENCE, width=1.2))
    layers.append(_line(cell.used, colour, width=1.4))
    if reference is not None:
        layers.append(_dots(reference.floors, REFERENCE))
    layers.append(_dots(cell.floors, colour))
    if cell.incident_s is not None:
        layers += _incident(cell.incident_s, early=cell.incident_s < max(seconds) / 2)
    return _framed(
        layers,
        _axis(f"seconds since {since} began", seconds, least=1.0),
        _axis("MiB in use", [y for _, y in drawn], least=8.0),
        head=16 if cell.incident_s is None else 28,
    )


def floors_by_round(
    cell: Sequence[FloorPoint],
    line: FitLine | None,
    reference: Sequence[FloorPoint],
    colour: str,
    least: float,
    *,
    unit: str = "KiB",
) -> alt.LayerChart:
    """Return floors by round with the fitted line and the band of its 95 % interval.

    The vertical axis spans ``least`` at least, so that noise does not fill the chart.
    """
    layers: list[alt.Chart] = []
    if line is not None and line.low is not None and line.high is not None:
        layers.append(_band(line, line.low, line.high, colour))
    for trial in sorted({point.trial for point in reference}):
        of_trial = [(float(p.round), p.value) for p in reference if p.trial == trial]
        layers.append(_line(of_trial, REFERENCE, width=1.2))
    layers.append(_dots([(float(p.round), p.value) for p in reference], REFERENCE))
    if line is not None:
        ends = list(zip(line.rounds, line.line, strict=True))
        layers.append(_line(ends, colour, width=1.6))
    counted = [(float(p.round), p.value) for p in cell if not p.warm_up]
    layers.append(_dots(counted, colour))
    layers.append(
        _dots([(float(p.round), p.value) for p in cell if p.warm_up], colour, hollow=True)
    )
    drawn = [*cell, *reference]
    heights = [p.value for p in drawn] + [*(line.line if line else ())]
    return _framed(
        layers,
        _axis("round", [float(p.round) for p in drawn], least=1.0),
        _axis(_FLOOR_TITLE.format(unit=unit), heights, least=least),
        whole=True,
    )


def overview(lines: Sequence[FloorLine], least_kib: float) -> alt.LayerChart:
    """Return the floors of many cells over one another, those with a label on top and named."""
    layers: list[alt.Chart] = []
    for line in sorted(lines, key=lambda line: bool(line.label)):
        layers.append(_line(line.points, line.colour, width=1.8 if line.label else 1.1))
        layers.append(_dots(line.points, line.colour, size=24 if line.label else 12))
    labelled = [line for line in lines if line.label and line.points]
    heights = [kib for line in lines for _, kib in line.points]
    gap = (max(heights) - min(heights)) / 14 if heights else 0.0
    placed = spread([line.points[-1][1] for line in labelled], gap)
    layers += [
        _label((line.points[-1][0], at), line) for line, at in zip(labelled, placed, strict=True)
    ]
    return _framed(
        layers,
        _axis("round", [x for line in lines for x, _ in line.points], least=1.0),
        _axis(_FLOOR_TITLE.format(unit="KiB"), [*heights, *placed], least=least_kib),
        whole=True,
    )


def inline_svg(chart: alt.LayerChart, name: str, title: str, description: str) -> Markup:
    """Return ``chart`` as an ``<svg>`` element; ``name`` must be unique in the page.

    Nothing is fetched: the data are in the specification and all base URLs are refused.
    """
    specification: dict[str, Any] = chart.to_dict(validate=False)  # the tests validate
    drawn: str = vl_convert.vegalite_to_svg(specification, allowed_base_urls=[])
    drawn = _EMPTY_GROUP.sub("", _INVISIBLE.sub("", _NOISE.sub("", drawn)))
    drawn = _PATH.sub(lambda found: _PLACES.sub(r"\1", found.group()), drawn)
    drawn = re.sub(r'\bid="', f'id="{name}-', drawn)
    drawn = drawn.replace("url(#", f"url(#{name}-")
    opening = _OPEN.match(drawn)
    if opening is None:
        raise ValueError("vl-convert's SVG has no viewBox")
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{opening.group(1)}" role="img" '
        f'aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{escape(clean(title))}</title>'
        f'<desc id="{name}-desc">{escape(clean(description))}</desc>'
    )
    return Markup(head + drawn[opening.end() :])  # noqa: S704 - drawn by Vega, which escapes text


def _data(rows: list[dict[str, float | str]]) -> alt.InlineData:
    return alt.InlineData(values=rows)


def _points(points: Sequence[Point]) -> alt.InlineData:
    return _data([{"x": round(x, 3), "y": round(y, 3)} for x, y in points])


def _line(points: Sequence[Point], colour: str, *, width: float) -> alt.Chart:
    chart: alt.Chart = alt.Chart(_points(points)).mark_line(
        color=colour, strokeWidth=width, strokeJoin="round", strokeCap="round"
    )
    return chart.encode(x=_X, y=_Y, order=_ORDER)


def _dots(
    points: Sequence[Point], colour: str, *, size: float = 30, hollow: bool = False
) -> alt.Chart:
    chart: alt.Chart = alt.Chart(_points(points)).mark_point(
        shape="circle",
        size=size,
        opacity=1,
        fill=PAPER if hollow else colour,
        stroke=colour if hollow else PAPER,
        strokeWidth=1.4 if hollow else 1,
    )
    return chart.encode(x=_X, y=_Y)


def _band(line: FitLine, low: Point, high: Point, colour: str) -> alt.Chart:
    middle = (line.rounds[0] + line.rounds[1]) / 2
    height = (line.line[0] + line.line[1]) / 2
    rows: list[dict[str, float | str]] = [
        {"x": x, "y": round(min(one, other), 3), "y2": round(max(one, other), 3)}
        for x, one, other in (
            (line.rounds[0], low[0], high[0]),
            (middle, height, height),
            (line.rounds[1], low[1], high[1]),
        )
    ]
    chart: alt.Chart = alt.Chart(_data(rows)).mark_area(color=colour, opacity=0.16)
    return chart.encode(x=_X, y=_Y, y2=_Y2)


def _round_marks(cell: Timeline) -> list[alt.Chart]:
    """Return thin lines where rounds began; every line up to a number, then only some."""
    step = max(1, -(-len(cell.rounds) // _LABELLED_ROUNDS))
    rows: list[dict[str, float | str]] = [
        {"x": round(at, 3), "text": str(number)} for at, number in cell.rounds[::step]
    ]
    if not rows:
        return []
    data = _data(rows)
    rules = alt.Chart(data).mark_rule(color=GRID, strokeWidth=1, strokeDash=[2, 3])
    names = alt.Chart(data).mark_text(
        color=MUTED, fontSize=FONT - 1, baseline="bottom", dx=3, dy=-2
    )
    return [
        rules.encode(x=_X),
        names.encode(x=_X, y=_TOP, text=_TEXT),
    ]


def _incident(at: float, *, early: bool) -> list[alt.Chart]:
    """Return a line where the trial broke, named above the plot on the side with more room."""
    data = _data([{"x": round(at, 3), "text": "broke here"}])
    rule = alt.Chart(data).mark_rule(color=INCIDENT, strokeWidth=1.5)
    name = alt.Chart(data).mark_text(
        color=INCIDENT, fontSize=11, align="left" if early else "right", baseline="bottom", dy=-14
    )
    return [
        rule.encode(x=_X),
        name.encode(x=_X, y=_TOP, text=_TEXT),
    ]


def _label(at: Point, line: FloorLine) -> alt.Chart:
    data = _data([{"x": at[0], "y": round(at[1], 3), "text": line.label}])
    text: alt.Chart = alt.Chart(data).mark_text(
        color=line.colour, fontSize=11, fontWeight=600, align="right", dx=-8, dy=-8
    )
    return text.encode(x=_X, y=_Y, text=_TEXT)


def _framed(
    layers: Sequence[alt.Chart], across: _Axis, up: _Axis, *, whole: bool = False, head: int = 16
) -> alt.LayerChart:
    """Return ``layers`` over a common frame; ``whole`` keeps the ticks of x to whole numbers.

    ``head`` is the room in pixels between the title and the plot.
    """
    x = alt.X(
        field="x",
        type="quantitative",
        scale=alt.Scale(domain=[across.low, across.high], nice=False, padding=8),
        axis=alt.Axis(
            title=across.title,
            grid=False,
            tickCount=8,
            tickMinStep=1 if whole else alt.Undefined,
            format="d" if whole else alt.Undefined,
        ),
    )
    y = alt.Y(
        field="y",
        type="quantitative",
        scale=alt.Scale(domain=[up.low, up.high], nice=True),
        axis=alt.Axis(title=None, domain=False, ticks=False, tickCount=5, labelPadding=6),
    )
    corner = alt.Chart(_points([(across.low, up.low)])).mark_point(opacity=0, size=0, color=GRID)
    chart = alt.LayerChart(layer=[corner.encode(x=x, y=y), *layers]).properties(
        width=WIDTH,
        height=HEIGHT,
        autosize=alt.AutoSizeParams(type="fit", contains="padding"),
        padding={"left": 5, "right": 6, "top": 2, "bottom": 2},
        title=alt.TitleParams(
            text=up.title,
            anchor="start",
            frame="bounds",
            fontSize=FONT,
            fontWeight="normal",
            color=MUTED,
            offset=head,
        ),
    )
    configured: alt.LayerChart = chart.configure(
        background="transparent",
        aria=False,
        font="sans-serif",
        numberFormat="~r",
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(
            labelColor=MUTED,
            titleColor=MUTED,
            gridColor=GRID,
            tickColor=GRID,
            domainColor=GRID,
            labelFontSize=FONT,
            titleFontSize=FONT,
            titleFontWeight="normal",
            titlePadding=6,
        ),
    )
    return configured


def _axis(title: str, values: Sequence[float], *, least: float) -> _Axis:
    """Return an axis over ``values`` that spans at least ``least`` about their middle."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    lacking = max(0.0, least - (high - low)) / 2
    return _Axis(title=title, low=low - lacking, high=high + lacking)
