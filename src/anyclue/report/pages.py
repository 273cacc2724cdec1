"""What every page is made with: templates in which each value is cleaned, then escaped."""

from __future__ import annotations

import jinja2
from markupsafe import Markup

from anyclue.report.text import clean_block


def environment() -> jinja2.Environment:
    """Return an environment in which every value is cleaned, then escaped."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("anyclue.report", "templates"),
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
