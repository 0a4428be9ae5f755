"""Drawing tables: SVG that any manager understands at a glance, without a script, a font or a style attribute.

A picture has a title and a description; its data stands as a table beneath it (the template does that). Colours come from classes of
numbers.css; what a colour says is said by a dash, an order or a number as well. Links in a picture are for the pointer alone: the table has
the same ones for the keyboard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup, escape

from api.languages.telling import localised
from domain.figures_told import told
from domain.report import Column, Picture, Row, Table, Unit, Value

WIDE = 760
SHADES = 7
Link = Callable[[Row, Column], str | None]
"""The address of the cases behind a cell."""


def draw(table: Table, link: Link) -> Markup:
    """The picture of a table that is to be drawn."""
    assert table.picture is not None, f"{table.name} has no picture"
    drawing = _Drawing(table, table.picture, link)
    height, parts = {"stack": drawing.stack, "lines": drawing.lines, "heat": drawing.heat, "bars": drawing.bars}[table.picture.kind]()
    name = f"picture-{table.name}"
    return Markup(
        '<svg class="drawn {kind}" viewBox="0 0 {wide} {height}" role="group" aria-labelledby="{name}-t {name}-d">'
        '<title id="{name}-t">{title}</title><desc id="{name}-d">{says}</desc>{parts}</svg>'
    ).format(
        kind=table.picture.kind,
        wide=WIDE,
        height=height,
        name=name,
        title=localised(table.title),
        says=localised(table.picture.says),
        parts=parts,
    )


def _number(value: Value) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _tag(name: str, inside: str | Markup = "", **attributes: object) -> Markup:
    written = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items() if value is not None)
    return Markup(f"<{name}{written}>{escape(localised(inside))}</{name}>")  # noqa: S704 - what is not ours is escaped


def _at(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _steps(most: float, unit: Unit) -> list[float]:
    """Three or four round values from nought up to about the most."""
    if unit is Unit.SHARE:
        return [0, 0.25, 0.5, 0.75, 1.0]
    if most < 1e-6:
        return [0, 1]
    scales: Sequence[float] = (1, 2, 5, 10, 20, 50, 100)
    base = 1.0
    if unit is Unit.SECONDS:
        base = next((size for size in (86400.0, 3600.0, 60.0) if most >= 2 * size), 1.0)
        scales = (1, 2, 3, 6, 12, 24, 48, 96)
    while most / base > 4 * scales[-1]:
        base *= 10
    while most / base < 1 and unit is Unit.MEAN:
        base /= 10
    step = next(scale for scale in scales if most / base <= 4 * scale) * base
    count = int(-(-most // step))
    return [step * n for n in range(count + 1)]


def _high_shares(values: Sequence[float]) -> list[float]:
    """Steps up to one from where the values begin, so that high shares are told apart."""
    least = min(values, default=0)
    return [0.8, 0.85, 0.9, 0.95, 1.0] if least >= 0.8 else [0.5, 0.6, 0.7, 0.8, 0.9, 1.0] if least >= 0.5 else [0, 0.25, 0.5, 0.75, 1.0]


@dataclass(frozen=True)
class _Drawing:
    table: Table
    picture: Picture
    link: Link

    @property
    def series(self) -> list[tuple[int, Column]]:
        return [self.table.column(key) for key in self.picture.series]

    def value(self, row: Row, place: int) -> Value:
        return row.cells[place]

    def linked(self, row: Row, column: Column, shape: Markup, says: str) -> Markup:
        """A shape that tells what it is when pointed at, and leads to its cases."""
        inside = Markup("{}{}").format(_tag("title", says), shape)
        address = self.link(row, column)
        return _tag("g", inside) if address is None else _tag("a", inside, href=address, tabindex="-1")

    def says(self, row: Row, column: Column, value: Value) -> str:
        said = (told(row.cells[0], self.table.columns[0].unit), column.title, told(value, column.unit))
        return "{}, {}: {}".format(*map(localised, said))

    # --- upright: by week or by day ---

    def stack(self) -> tuple[int, Markup]:
        """Bars with the series on each other."""
        sums = [sum(_number(self.value(row, place)) for place, _ in self.series) for row in self.table.rows]
        frame = _Frame(_steps(max(sums, default=0), Unit.COUNT), Unit.COUNT, len(self.table.rows))
        parts = [frame.grid(), *self._dates(frame)]
        for number, row in enumerate(self.table.rows):
            below = 0.0
            for shade, (place, column) in enumerate(self.series, start=1):
                count = _number(self.value(row, place))
                if count <= 0:
                    continue
                top, bottom = frame.y(below + count), frame.y(below)
                left, tall = frame.x(number) - frame.bar / 2, max(bottom - top - 1, 0.5)
                kind = f"s{shade} cut" if _is_cut(row) else f"s{shade}"
                bar = _tag("rect", x=_at(left), y=_at(top), width=_at(frame.bar), height=_at(tall), class_=kind)
                parts.append(self.linked(row, column, bar, self.says(row, column, self.value(row, place))))
                below += count
            if below and len(self.table.rows) <= 16:
                parts.append(_tag("text", told(below, Unit.COUNT), x=_at(frame.x(number)), y=_at(frame.y(below) - 5), class_="sum"))
        return frame.HEIGHT, Markup("").join(parts)

    def lines(self) -> tuple[int, Markup]:
        """A line for each series; gaps where nothing is known, dashes where it is only expected."""
        values = [_number(v) for row in self.table.rows for place, _ in self.series if (v := self.value(row, place)) is not None]
        unit = self.series[0][1].unit
        steps = _high_shares(values) if unit is Unit.SHARE else _steps(max(values, default=0), unit)
        longest = max(len(self.called(column)) for _, column in self.series)
        frame = _Frame(steps, unit, len(self.table.rows), right=min(max(170, 60 + longest * 15 // 2), 330))
        parts = [frame.grid(), *self._dates(frame)]
        if self.picture.target is not None:
            y = _at(frame.y(self.picture.target))
            parts.append(_tag("line", x1=frame.LEFT, x2=_at(frame.right_end), y1=y, y2=y, class_="target"))
        known = len(self.table.rows) - self.picture.forecast
        for shade, (place, column) in enumerate(self.series, start=1):
            heights = [self.value(row, place) for row in self.table.rows]
            points = [None if v is None else (frame.x(n), frame.y(_number(v))) for n, v in enumerate(heights)]
            parts += [_path(points[:known], f"l{shade}"), _path(points[known - 1 :] if self.picture.forecast else [], f"l{shade} expected")]
            for number, row in enumerate(self.table.rows):
                point = points[number]
                if point is not None:
                    size = "3.5" if len(self.table.rows) <= 60 else "2"
                    dot = _tag("circle", cx=_at(point[0]), cy=_at(point[1]), r=size, class_=f"s{shade}")
                    parts.append(self.linked(row, column, dot, self.says(row, column, self.value(row, place))))
        return frame.HEIGHT, Markup("").join([*parts, *self._ends(frame)])

    @staticmethod
    def called(column: Column) -> str:
        """What stands at the end of a line: short, for the title of the picture says the rest."""
        return str(localised(column.title)).split(":")[0].removesuffix(" in time")

    def _ends(self, frame: _Frame) -> Iterator[Markup]:
        """The name and the latest value of each series, where its line ends, and none over another."""
        found = []
        for shade, (place, column) in enumerate(self.series, start=1):
            latest = next((v for row in reversed(self.table.rows) if (v := self.value(row, place)) is not None), None)
            if latest is not None:
                found.append((frame.y(_number(latest)), shade, f"{localised(told(latest, column.unit))} {self.called(column)}"))
        below = 0.0
        for y, shade, text in sorted(found):
            below = max(y + 4, below + 15)
            yield _tag("text", text, x=_at(frame.right_end + 8), y=_at(below), class_=f"end t{shade}")

    def _dates(self, frame: _Frame) -> Iterator[Markup]:
        every = -(-len(self.table.rows) * 58 // int(frame.right_end - frame.LEFT))
        for number, row in enumerate(self.table.rows):
            if number % every == 0:
                yield _tag("text", told(row.cells[0], Unit.DAY), x=_at(frame.x(number)), y=frame.HEIGHT - 6, class_="tick")

    # --- fields ---

    def heat(self) -> tuple[int, Markup]:
        """A field for each cell: the darker, the more."""
        left, top, deep = 130 if len(self.table.rows) < 20 else 56, 22, 30 if len(self.table.rows) < 20 else 20
        width = min((WIDE - left) / max(len(self.series), 1), 170)
        most = max((_number(self.value(row, place)) for row in self.table.rows for place, _ in self.series), default=0) or 1
        parts = [
            _tag("text", column.title, x=_at(left + (n + 0.5) * width), y=14, class_="tick") for n, (_, column) in enumerate(self.series)
        ]
        for line, row in enumerate(self.table.rows):
            y = top + line * deep
            parts.append(_tag("text", told(row.cells[0], Unit.TEXT), x=left - 8, y=_at(y + deep / 2 + 4), class_="name"))
            for n, (place, column) in enumerate(self.series):
                value = self.value(row, place)
                shade = 0 if not value else 1 + min(int(_number(value) / most * SHADES), SHADES - 1)
                x = left + n * width
                said = told(value, column.unit) if value else ""
                square = _tag("rect", x=_at(x), y=y, width=_at(width - 2), height=deep - 2, rx="2", class_=f"q{shade}")
                inside = _tag("text", said, x=_at(x + width / 2 - 1), y=_at(y + deep / 2 + 3), class_=f"in q{shade}t")
                field = Markup("").join([square, inside])
                parts.append(self.linked(row, column, field, self.says(row, column, value)))
        return top + len(self.table.rows) * deep + 2, Markup("").join(parts)

    # --- lying ---

    def bars(self) -> tuple[int, Markup]:
        """A lying bar for each series of each row, with its value."""
        left, end, thick = 190, WIDE - 90, 16 if len(self.series) > 1 else 20
        unit = self.series[0][1].unit
        values = [_number(self.value(row, place)) for row in self.table.rows for place, _ in self.series]
        most = 1.0 if unit is Unit.SHARE else max([*values, self.picture.target or 0]) or 1.0
        parts, y = [], 8
        for row in self.table.rows:
            name = _short(localised(told(row.cells[0], self.table.columns[0].unit)))
            parts.append(_tag("text", name, x=left - 10, y=_at(y + len(self.series) * thick / 2 + 4), class_="name"))
            for shade, (place, column) in enumerate(self.series, start=1):
                value = self.value(row, place)
                wide = (end - left) * _number(value) / most
                bar = Markup("").join(
                    [
                        _tag("rect", x=left, y=y, width=_at(max(wide, 1)), height=thick - 3, class_=f"s{shade}"),
                        _tag("text", told(value, column.unit), x=_at(left + wide + 6), y=_at(y + thick - 6), class_="after"),
                    ]
                )
                parts.append(self.linked(row, column, bar, self.says(row, column, value)))
                y += thick
            y += 8
        if self.picture.target is not None:
            x = _at(left + (end - left) * self.picture.target / most)
            parts.append(_tag("line", x1=x, x2=x, y1=4, y2=y - 4, class_="target"))
        return y + 2, Markup("").join(parts)


def _is_cut(row: Row) -> bool:
    """Whether not all days of a week are in it."""
    if row.cases is None or not {"from", "to"} <= row.cases.keys():
        return False
    return (date.fromisoformat(row.cases["to"]) - date.fromisoformat(row.cases["from"])).days < 6


def _short(text: str) -> str:
    return text if len(text) <= 26 else f"{text[:25]}…"


def _path(points: Sequence[tuple[float, float] | None], kind: str) -> Markup:
    drawn, pen = [], "M"
    for point in points:
        if point is None:
            pen = "M"
            continue
        drawn.append(f"{pen}{_at(point[0])} {_at(point[1])}")
        pen = "L"
    return _tag("path", d=" ".join(drawn), class_=f"line {kind}") if drawn else Markup("")


@dataclass(frozen=True)
class _Frame:
    """The frame of an upright picture."""

    steps: Sequence[float]
    unit: Unit
    count: int
    right: int = 12

    LEFT = 56
    TOP = 20
    HEIGHT = 260
    BOTTOM = 232

    @property
    def right_end(self) -> float:
        return WIDE - self.right

    @property
    def bar(self) -> float:
        return min(48.0, (self.right_end - self.LEFT) / max(self.count, 1) * 0.72)

    def x(self, number: int) -> float:
        """The middle of a week or day."""
        return self.LEFT + (number + 0.5) * (self.right_end - self.LEFT) / max(self.count, 1)

    def y(self, value: float) -> float:
        """How high a value stands."""
        low, high = self.steps[0], self.steps[-1]
        return self.BOTTOM - (self.BOTTOM - self.TOP) * min(max((value - low) / (high - low), 0.0), 1.0)

    def grid(self) -> Markup:
        """Lines across, each with its value."""
        parts = []
        for step in self.steps:
            y = self.y(step)
            parts.append(_tag("line", x1=self.LEFT, x2=_at(self.right_end), y1=_at(y), y2=_at(y), class_="grid"))
            parts.append(_tag("text", told(step, self.unit), x=self.LEFT - 8, y=_at(y + 4), class_="name"))
        return Markup("").join(parts)
