"""Colours that a brand brings, and whether people can read what is written on them: WCAG 2.2, contrast (minimum)."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

LEGIBLE = 4.5
"""The contrast that words need: WCAG 2.2, 1.4.3."""
WHITE = "#ffffff"
_HEX = re.compile(r"#[0-9a-f]{6}\Z")


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours (`#rrggbb`), from 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def legible_on(paper: str, colour: str) -> str:
    """`colour`, as much mixed with white as it takes to be legible on dark paper."""
    for tenths in range(11):
        mixed = _mixed(colour, tenths / 10)
        if contrast(mixed, paper) >= LEGIBLE:
            return mixed
    return WHITE


def _accent(value: str) -> str:
    colour = value.lower()
    if not _HEX.match(colour):
        raise ValueError("must be a colour such as '#0b5cad'")
    if (ratio := contrast(colour, WHITE)) < LEGIBLE:
        raise ValueError(f"is too light for white words on it: a contrast of {ratio:.1f}, and {LEGIBLE} is needed; take a darker one")
    return colour


Accent = Annotated[str, AfterValidator(_accent)]
"""A colour on which white words can be read, and which can be read on white."""


def _luminance(colour: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    red, green, blue = (_linear(part / 255) for part in _parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _mixed(colour: str, white: float) -> str:
    return "#" + "".join(f"{round(part + (255 - part) * white):02x}" for part in _parts(colour))


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
