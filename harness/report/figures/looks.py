"""The order, title, colour, marker and dash of the cells, the same in every figure, table and sentence.

The three main colours are Okabe and Ito's (Color Universal Design, 2008), two of them darkened so that text set in them
has a contrast of 4.5 against the paper. Cells differ in marker and dash as well, for print and for any eye.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.words import shorten


@dataclass(frozen=True)
class Look:
    """How a cell is drawn. `index` is its number on the page (`--cell-0`); `dash` as in matplotlib."""

    index: int
    title: str
    colour: str
    dark_colour: str
    marker: str
    dash: Any


_LIGHT = ("#008060", "#0072b2", "#c24d00", "#a3427f", "#8a6a00", "#4a5a9a", "#6b4a2f", "#3f6b00")
_DARK = ("#2fc79b", "#62b8f2", "#ff9a5c", "#e58fc2", "#e0bd4a", "#a3b0f0", "#d0a585", "#a5cf5f")
_MARKERS = ("^", "o", "s", "D", "v", "P", "X", "*")
_DASHES: tuple[Any, ...] = (
    (0, (1.2, 1.4)),
    "solid",
    (0, (5, 1.8)),
    (0, (5, 1.5, 1.2, 1.5)),
    (0, (8, 2)),
    (0, (3, 1, 1, 1, 1, 1)),
    (0, (2, 2)),
    (0, (10, 2, 2, 2)),
)
_TITLES = {"simple_rnn": "Simple RNN", "gru": "GRU", "lstm": "LSTM"}


def looks(names: Iterable[str], titles: Mapping[str, str] | None = None) -> dict[str, Look]:
    """Each cell's look, in the order in which cells are listed everywhere.

    The three bundled cells always have the first three looks, present or not; further cells get theirs by name.
    """
    further = sorted(set(names) - set(_TITLES))
    present = [name for name in _TITLES if name in set(names)] + further
    position = {name: place for place, name in enumerate((*_TITLES, *further))}
    titled = {**_TITLES, **(titles or {})}
    return {
        name: Look(
            index=position[name],
            title=_capitalised(titled.get(name) or name),
            colour=_LIGHT[position[name] % len(_LIGHT)],
            dark_colour=_DARK[position[name] % len(_DARK)],
            marker=_MARKERS[position[name] % len(_MARKERS)],
            dash=_DASHES[(position[name] + position[name] // len(_DASHES)) % len(_DASHES)],
        )
        for name in present
    }


def _capitalised(title: str) -> str:
    return title[:1].upper() + title[1:] if " " in title else title


def in_order(names: Sequence[str]) -> list[str]:
    """Cell names in the order in which the report lists cells."""
    return list(looks(names))


def title_of(looks: Mapping[str, Look], cell: str, most: int = 60) -> str:
    """The title of the cell, or its name if it has no look, shortened to a number of characters."""
    return shorten(looks[cell].title if cell in looks else cell, most)
