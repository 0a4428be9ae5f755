"""Figures, what they are to be, and how both are shown."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Json = float | int | str | bool | None | Sequence["Json"] | Mapping[str, "Json"]
Say = Callable[[str], None]
Run = Callable[[Say], Mapping[str, Json]]


@dataclass(frozen=True)
class Aim:
    """Where a figure should be: at least or at most so much."""

    at_least: float | None = None
    at_most: float | None = None

    def holds(self, figure: float) -> bool:
        """Whether `figure` is there."""
        return (self.at_least is None or figure >= self.at_least) and (self.at_most is None or figure <= self.at_most)

    def __str__(self) -> str:
        bounds = (("≥", self.at_least), ("≤", self.at_most))
        return " and ".join(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None)


@dataclass(frozen=True)
class Benchmark:
    """Something that can be measured. `run` does so and returns the figures by name, at least those of `keys`."""

    summary: str
    keys: tuple[str, ...]
    aims: Mapping[str, Aim]
    run: Run
    at_sizes: Callable[[Sequence[int]], Run] | None = None
    """For what is measured at several sizes: how to run it at others than the usual."""


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that `share` of them do not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def table(figures: Mapping[str, Json], aims: Mapping[str, Aim]) -> str:
    """The figures one below the other, each with its aim; tables within them are written out in one line."""
    rows = []
    for name, figure in figures.items():
        aim = aims.get(name)
        verdict = ""
        if aim is not None and isinstance(figure, int | float):
            verdict = f"aim {aim}: {'reached' if aim.holds(figure) else 'MISSED'}"
        rows.append((name, _written(figure), verdict))
    names, written = max(len(r[0]) for r in rows), max((len(r[1]) for r in rows if r[2]), default=0)
    return "\n".join(f"  {name:<{names}}  {figure:<{written}}  {verdict}".rstrip() for name, figure, verdict in rows)


def _written(figure: Json) -> str:
    match figure:
        case bool() | None | str():
            return str(figure)
        case int() | float():
            return f"{figure:,.4g}" if abs(figure) < 1000 else f"{figure:,.0f}"
        case Mapping():
            return " · ".join(f"{name} {_written(value)}" for name, value in figure.items())
        case _:
            return ", ".join(_written(value) for value in figure)
