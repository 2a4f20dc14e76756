"""One colour, marker and dash for each cell, everywhere; and the look of the figures.

The three main colours are Okabe and Ito's (Color Universal Design, 2008), two of them darkened so that text set in them
has a contrast of 4.5 against the paper. Cells differ in marker and dash as well, for print and for any eye.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

INK = "#1c2126"
MUTED = "#59626b"
GRID = "#e4e5e1"
PAPER = "#ffffff"

FONT_SIZE = 8.8
"""Points, of text in figures where nothing else is said."""
ROLES = {INK: "var(--ink)", MUTED: "var(--muted)", GRID: "var(--grid)", PAPER: "var(--card)"}
"""Colours of the figures that the page replaces by its own, so that they follow dark mode."""


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
_FIRST = ("simple_rnn", "gru", "lstm")
_TITLES = {"simple_rnn": "Simple RNN", "gru": "GRU", "lstm": "LSTM"}


def looks(names: Iterable[str], titles: Mapping[str, str] | None = None) -> dict[str, Look]:
    """Each cell's look, in the order in which cells are listed everywhere.

    The three bundled cells always have the first three looks, present or not; further cells get theirs by name.
    """
    further = sorted(set(names) - set(_FIRST))
    present = [name for name in _FIRST if name in set(names)] + further
    position = {name: place for place, name in enumerate((*_FIRST, *further))}
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


def shorten(text: str, most: int) -> str:
    """At most so many characters, on one line, without control characters; an ellipsis says that there were more."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def two_lines(text: str, width: int) -> list[str]:
    """The text on a line, or on two at most, of so many characters each; an ellipsis says that there were more."""
    lines = textwrap.wrap(shorten(text, 2 * width), width) or [""]
    return lines if len(lines) <= 2 else [lines[0], shorten(" ".join(lines[1:]), width)]


def style(salt: str) -> dict[str, Any]:
    """Settings for `matplotlib.rc_context`: text stays text in SVG, and ids depend on `salt` alone."""
    return {
        "svg.fonttype": "none",
        "svg.hashsalt": salt,
        "text.parse_math": False,
        "font.family": ["DejaVu Sans"],
        "font.size": FONT_SIZE,
        "axes.edgecolor": MUTED,
        "axes.linewidth": 0.6,
        "axes.labelcolor": MUTED,
        "axes.titlesize": 9.5,
        "axes.titleweight": "bold",
        "axes.titlecolor": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.facecolor": "none",
        "figure.facecolor": PAPER,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0,
        "xtick.major.size": 3,
        "text.color": INK,
        "path.simplify": False,
        "savefig.dpi": 200,
    }


def in_order(names: Sequence[str]) -> list[str]:
    """Cell names in the order in which the report lists cells."""
    return list(looks(names))
