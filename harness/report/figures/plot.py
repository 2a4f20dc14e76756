"""A figure as plain data, from which its drawings, tables and texts are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Scale = Literal["linear", "log"]
Better = Literal["lower", "higher", ""]


@dataclass(frozen=True)
class Axis:
    """What an axis shows. `percent` values are in percent already."""

    title: str
    unit: str = ""
    scale: Scale = "linear"
    whole: bool = False
    """Values are whole numbers that were chosen (sizes, lengths): ticks stand at the values themselves."""
    low: float | None = None
    high: float | None = None
    """Lower and upper bound of the quantity, if it has any: 0 and 100 for a share."""
    written: str = ""
    """The label of the axis, if it is not title and unit."""
    advantage: str = ""
    """An `advantages.Kind`, where values are advantages of one cell over another: they are written as effects are.
    A log ratio is drawn as such, so that a ratio and its inverse are equally far from zero."""

    @property
    def label(self) -> str:
        """Title and unit, as written at the axis."""
        if self.written:
            return self.written
        return f"{self.title} ({self.unit})" if self.unit else self.title


@dataclass(frozen=True)
class Quantity:
    """A column, how it is shown, and which way is better."""

    column: str
    axis: Axis
    factor: float = 1.0
    better: Better = "lower"


@dataclass(frozen=True)
class Point:
    """One trial's value."""

    x: float
    y: float
    seed: int | None
    trial: str = ""
    """Id of the trial; of a difference, the ids of its two trials, separated by a space."""


@dataclass(frozen=True)
class Centre:
    """The mean (or the panel's other average) of the seeds at one x, with its 95 % interval (None: too few seeds)."""

    x: float
    mean: float
    low: float | None
    high: float | None
    n: int
    """Values behind the mean; 0 for what was counted and needs no seeds."""


@dataclass(frozen=True)
class Failed:
    """Trials at one x without a value."""

    x: float
    count: int
    why: str
    """Their statuses: '2 diverged, 1 crashed'."""


@dataclass(frozen=True)
class Span:
    """A stretch of time in one row of a roll."""

    row: int
    start: float
    end: float


@dataclass(frozen=True)
class Series:
    """The values of one cell (and backend) in one panel."""

    cell: str
    label: str
    points: tuple[Point, ...] = ()
    centres: tuple[Centre, ...] = ()
    failed: tuple[Failed, ...] = ()
    traces: tuple[tuple[int | None, tuple[tuple[float, float], ...]], ...] = ()
    """One line per seed: (seed, ((x, y), ...))."""
    trace_trials: tuple[str, ...] = ()
    """Ids of the trials of the traces, if they are known."""
    part: float | None = None
    """The share of a bar that is drawn in full colour: the recurrent parameters among all."""
    hidden_points: int = 0
    """Points left out of the drawing, though not of the mean, because there are too many to see."""
    chosen: float | None = None
    """The x of the chosen mean, such as the chosen learning rate: it gets a ring."""
    spans: tuple[Span, ...] = ()
    """The spans of the series in a roll."""
    backend: str = ""
    """The backend of the trials, if the panel shows several backends."""


@dataclass(frozen=True)
class Reference:
    """A reference line: a baseline, the chance level, a threshold, a margin."""

    label: str
    values: tuple[tuple[float, float], ...]
    """(x, y); a single pair stands for a level that does not depend on x."""
    to_beat: bool = False
    """Whether it is a baseline; the finding names the cells that are no better."""
    stepped: bool = False
    """Drawn as steps: a front."""

    @property
    def level(self) -> float:
        """Its value at the largest x."""
        return self.values[-1][1]

    def at(self, x: float) -> float:
        """Its value at that x; the level where it has none there."""
        return dict(self.values).get(x, self.level)


@dataclass(frozen=True)
class Picture:
    """A grey-scale image: rows from the top, values from 0 to 1; and what its vertical axis is."""

    rows: tuple[tuple[float, ...], ...]
    title: str
    low: str
    high: str


@dataclass(frozen=True)
class Panel:
    """One set of axes.

    kind 'lines': y against a numeric x. 'rows': a row a series, values along the horizontal axis `y`.
    'bars': as rows, from zero. 'curves': a line a seed. 'roll': spans of time, a row a label, under a picture.
    """

    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    references: tuple[Reference, ...] = ()
    kind: Literal["lines", "rows", "bars", "curves", "roll"] = "lines"
    facets: Mapping[str, str] = field(default_factory=dict)
    """The factors that the page can filter by: task, backend, matched."""
    better: Better = ""
    margin: tuple[float, float] | None = None
    """Lower and upper bound of the equivalence margin."""
    average: Literal["mean", "median"] = "mean"
    """Type of the centres; in a median, failures count as worse than any value."""
    at: tuple[str, float] | None = None
    """An x that is marked, and its name."""
    says: str = ""
    """The finding, if it is not about the last values."""
    picture: Picture | None = None
    """The image above a roll."""
    rows: tuple[str, ...] = ()
    """The names of a roll's rows, from the top."""
    named: bool = True
    """Whether a line's name stands at its end; False where a legend of several panels has it."""
    reach: tuple[float, ...] = ()
    """Lowest and highest value of the panels beside this one that have the same axis."""

    def values(self) -> list[float]:
        """Every drawn y, for limits."""
        drawn = [point.y for series in self.series for point in series.points]
        drawn += [
            value
            for series in self.series
            for c in series.centres
            for value in (c.low, c.mean, c.high)
            if value is not None
        ]
        return drawn + [y for series in self.series for _, trace in series.traces for _, y in trace]


Table = tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]
"""Header and rows, in words."""


@dataclass(frozen=True)
class Content:
    """The content of a figure. A figure without panels is left out of the report."""

    lead: str
    """What the figure shows and how to read it, in one or two sentences."""
    panels: tuple[Panel, ...]
    """One panel for each condition."""
    notes: tuple[str, ...] = ()
    """What was pooled, chosen or left out of the drawing."""
    log: bool = False
    """Whether a logarithmic value axis makes sense beside the linear one."""
    values: Table | None = None
    """The table of values, where it is not that of the means."""


@dataclass(frozen=True, kw_only=True)
class Plot(Content):
    """A figure with its id and title."""

    lead: str = ""
    panels: tuple[Panel, ...] = ()
    id: str
    """The name of its files and its anchor."""
    title: str
    columns: int = 0
    """Panels in a row, where those of a row belong together; 0: as many as there is room for."""
    error: str = ""
    """The reason if the figure could not be made; the report shows it instead."""
