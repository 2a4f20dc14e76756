"""Drawings as SVG and PNG; inline, with the page's colours and targets for pointer and keyboard over the values."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from typing import Any, cast

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.figure import Figure

from harness.report.draw.axes import FONT_SIZE, NEUTRAL, ROLES, Mark, style
from harness.report.draw.figure import draw_panel, draw_plot
from harness.report.figures.looks import Look
from harness.report.figures.plot import Panel, Plot, Scale

POINTS_PER_INCH = 72


@contextmanager
def drawing_style(salt: str) -> Iterator[None]:
    """The house's settings for as long as something is drawn. A character the font lacks is no reason for a warning."""
    with mpl.rc_context(cast("Any", style(salt))), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        yield


def plot_files(plot: Plot, looks: Mapping[str, Look]) -> dict[str, bytes]:
    """The plot as `<id>.png` and `<id>.svg`; the same description gives the same bytes."""
    with drawing_style(plot.id):
        figure = draw_plot(plot, looks)
        png, svg = io.BytesIO(), io.BytesIO()
        figure.savefig(png, format="png", metadata={"Software": None})
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    return {f"{plot.id}.png": png.getvalue(), f"{plot.id}.svg": svg.getvalue()}


def inline(panel: Panel, looks: Mapping[str, Look], *, key: str, label: str, scale: Scale = "linear") -> str:
    """The panel as an `<svg>` element. `key` is unique on the page, `label` its name for screen readers."""
    with drawing_style(key):
        figure, marks = draw_panel(panel, looks, scale)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
        targets = _targets(figure, marks, panel, looks)
    body = _with_series(_body(buffer.getvalue()), panel)
    body = _with_shared_styles(_themed(_without_loose_ids(body), looks.values()))
    width, height = (size * POINTS_PER_INCH for size in figure.get_size_inches())
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="group" aria-label="{escape(label)}" data-scale="{scale}"'
        f"{' data-rows' if panel.kind in ('rows', 'bars') else ''}>"
        f'<g aria-hidden="true">{body}</g><g class="targets">{targets}</g></svg>'
    )


def _body(document: str) -> str:
    """What is inside the `<svg>` element, less metadata and its style, which would be the whole page's."""
    start = document.index(">", document.index("<svg")) + 1
    body = document[start : document.rindex("</svg>")]
    body = re.sub(r"<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>", "", body, flags=re.DOTALL)
    body = re.sub(r">\s+<", "><", re.sub(r"<[^>]+>", _compact, body))
    return re.sub(rf"font-size: {FONT_SIZE:g}px; |font-family: [^;\"]*; | transform=\"rotate\(-0 [^\"]*\"", "", body)


def _compact(tag: re.Match[str]) -> str:
    """The tag on one line, its coordinates to a tenth of a point."""
    on_one_line = re.sub(r"\s+", " ", tag[0])
    return re.sub(r' (?:d|x|y|points)="[^"]*"', lambda match: re.sub(r"(\.\d)\d+", r"\1", match[0]), on_one_line)


def _with_series(body: str, panel: Panel) -> str:
    """Groups that belong to a cell, and a backend, say so, so that the page can show and hide them."""

    def group_start(match: re.Match[str]) -> str:
        return f'<g data-cell="{match[1]}"{_backend(panel, int(match[2])) if match[2] else ""}'

    return re.sub(r'<g id="series-(-?\d+)-(?:(\d+)-)?[^"]*"', group_start, body)


def _backend(panel: Panel, series: int) -> str:
    backend = panel.series[series].backend
    return f' data-backend="{escape(backend)}"' if backend else ""


def _with_shared_styles(body: str) -> str:
    """The marks of a series have one style, which their group can say for all of them."""

    def shared(group: re.Match[str]) -> str:
        styles = set(re.findall(r' style="([^"]*)"', group[2]))
        if len(styles) != 1:
            return group[0]
        marks = re.sub(r' style="[^"]*"', "", group[2]).replace("xlink:href", "href")
        return f'<g{group[1]} style="{styles.pop()}">{marks}</g>'

    return re.sub(r"<g((?: clip-path=\"[^\"]*\")?)>((?:<use [^>]*/>){2,})</g>", shared, body)


def _without_loose_ids(body: str) -> str:
    """Only ids that something refers to stay; these hold the panel's own salt."""
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', body))
    return re.sub(r' id="([^"]+)"', lambda match: match[0] if match[1] in used else "", body)


def _themed(body: str, looks: Iterable[Look]) -> str:
    for look in looks:
        body = body.replace(look.colour, f"var(--cell-{look.index})")
    for colour, role in ROLES.items():
        body = body.replace(colour, role)
    return body


def _targets(figure: Figure, marks: Sequence[Mark], panel: Panel, looks: Mapping[str, Look]) -> str:
    """An invisible circle over every value, means last so that they are on top and, of the two, pointed at.

    The seeds of a mean are a group, of each cell its own; both have the same `data-at`. What all of a group say first,
    the group says. What lies outside of the axes, as zero does on a logarithmic one, cannot be pointed at.
    """
    axes = figure.axes[0]
    height = figure.get_size_inches()[1] * POINTS_PER_INCH
    points = POINTS_PER_INCH / figure.dpi
    inside = axes.bbox.padded(1)
    places = [axes.transData.transform((mark.x, mark.y)) for mark in marks]
    placed = [(mark, *place * points) for mark, place in zip(marks, places, strict=True) if inside.contains(*place)]
    means = [(at, x, mark) for at, (mark, x, _) in enumerate(placed) if mark.main]
    groups: dict[tuple[int, str], list[tuple[Mark, float, float]]] = {}
    for mark, x, y in placed:
        if not mark.main:
            distances = [(abs(x - there), at) for at, there, mean in means if mean.series == mark.series]
            at = min(distances)[1] if distances else -1 - mark.series
            groups.setdefault((at, mark.cell), []).append((mark, x, height - y))
    drawn = []
    for (at, _), seeds in groups.items():
        common = seeds[0][0].text.rpartition(", ")[0]
        common = common if all(mark.text.startswith(f"{common}, ") for mark, _, _ in seeds) else ""
        skipped = len(common) + 2 if common else 0
        circles = (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" data-says="{escape(mark.text[skipped:])}"/>'
            for mark, x, y in seeds
        )
        drawn.append(f'<g{_of(seeds[0][0], at, panel, looks)} data-says="{escape(common)}">{"".join(circles)}</g>')
    for at, (mark, x, y) in enumerate(placed):
        if mark.main:
            drawn.append(
                f'<circle cx="{x:.1f}" cy="{height - y:.1f}" r="6" aria-label="{escape(mark.text)}"'
                f'{_of(mark, at, panel, looks)} tabindex="-1" role="img"/>'
            )
    return "".join(drawn)


def _of(mark: Mark, at: int, panel: Panel, looks: Mapping[str, Look]) -> str:
    cell = looks.get(mark.cell, NEUTRAL).index
    return f' data-cell="{cell}"{_backend(panel, mark.series)} data-at="{at}"'


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
