"""From a chart to inline SVG: rendered by vl-convert, made small, named for screen readers."""

from __future__ import annotations

import re
from typing import Any

import altair as alt
import vl_convert
from markupsafe import Markup, escape

from anyclue.report.text import clean

_NOISE = re.compile(
    r' (?:pointer-events="none"|opacity="1"|aria-hidden="true"|font-family="sans-serif"'
    r'|role="[\w-]*"|aria-roledescription="[\w ]*")'
)
_INVISIBLE = re.compile(r'<path class="(?:background|foreground)" d="[^"]*"(?: display="none")?/>')
_EMPTY_GROUP = re.compile(r"<g[^<>]*></g>")
_OPEN = re.compile(r'\A<svg [^<>]*?viewBox="([-\d. ]+)"[^<>]*>')
_PLACES = re.compile(r"(\.\d\d)\d+")
_PATH = re.compile(r' (?:d|transform)="[^"]*"')


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
