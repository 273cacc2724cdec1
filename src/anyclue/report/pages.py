"""What every page is made with: templates, and figures that they show."""

from __future__ import annotations

from dataclasses import dataclass

import jinja2
from markupsafe import Markup

from anyclue.report.text import clean_block


@dataclass(frozen=True, kw_only=True)
class Key:
    """One entry of a figure's legend: a CSS colour and what it stands for."""

    colour: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A drawing with its heading, what to see in it, and its legend."""

    title: str
    caption: str
    svg: Markup
    keys: tuple[Key, ...]


def environment(package: str) -> jinja2.Environment:
    """Return an environment in which every value is cleaned, then escaped.

    Templates are those of the renderers in ``package``, and those that all share.
    """
    return jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(p) for p in (package, __package__)]),
        autoescape=True,
        finalize=_finalize,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _finalize(value: object) -> object:
    if isinstance(value, str) and not isinstance(value, Markup):
        return clean_block(value)
    return value
