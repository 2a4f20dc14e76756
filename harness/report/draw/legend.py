"""The sign of a cell in the page's legend: its dash and its marker, as in the figures."""

from __future__ import annotations

from markupsafe import Markup

from harness.report.figures.looks import Look

_MARKERS = {
    "^": "M13 1.2 17 8.4H9z",
    "o": "M13 1.6a3.4 3.4 0 1 1 0 6.8a3.4 3.4 0 1 1 0-6.8z",
    "s": "M9.9 1.9h6.2v6.2H9.9z",
    "D": "M13 .8 17.2 5 13 9.2 8.8 5z",
    "v": "M13 8.8 17 1.6H9z",
    "P": "M11.7 1h2.6v2.7H17v2.6h-2.7V9h-2.6V6.3H9V3.7h2.7z",
    "X": "M10.2 1 13 3.4 15.8 1 17 2.4 14.6 5 17 7.6 15.8 9 13 6.6 10.2 9 9 7.6 11.4 5 9 2.4z",
    "*": "M13 .6l1.2 3h3.2l-2.6 2 1 3.2L13 7l-2.8 1.8 1-3.2-2.6-2h3.2z",
}


def key(look: Look) -> Markup:
    """A small drawing of line and marker in the cell's colour."""
    dash = "" if look.dash == "solid" else " ".join(f"{length * 1.6:g}" for length in look.dash[1])
    colour = f"var(--cell-{look.index})"
    return Markup(
        '<svg class="key" viewBox="0 0 26 10" aria-hidden="true"><path d="M0 5H26" stroke="{0}" stroke-width="1.8"'
        ' stroke-dasharray="{1}" fill="none"/><path d="{2}" fill="{0}"/></svg>'
    ).format(colour, dash, _MARKERS.get(look.marker, _MARKERS["o"]))
