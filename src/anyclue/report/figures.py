"""A figure of a page: a drawing with its heading, caption and legend."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup


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
