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
from matplotlib.figure import Figure

from harness.report.appearance import FONT_SIZE, ROLES, Look, style
from harness.report.axes import NEUTRAL, Mark
from harness.report.drawing import draw_panel, draw_plot
from harness.report.plot import Panel, Plot, Scale

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
        targets = _targets(figure, marks, looks)
    body = _with_shared_styles(_themed(_without_loose_ids(_with_series(_body(buffer.getvalue()))), looks.values()))
    width, height = (size * POINTS_PER_INCH for size in figure.get_size_inches())
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="group" aria-label="{escape(label)}" data-scale="{scale}">'
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
    return re.sub(r' (?:d|x|y|points)="[^"]*"', lambda found: re.sub(r"(\.\d)\d+", r"\1", found[0]), on_one_line)


def _with_series(body: str) -> str:
    """Groups that belong to a cell say so, so that the page can show and hide them."""
    return re.sub(r'<g id="series-(-?\d+)-[^"]*"', r'<g data-cell="\1"', body)


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
    return re.sub(r' id="([^"]+)"', lambda found: found[0] if found[1] in used else "", body)


def _themed(body: str, looks: Iterable[Look]) -> str:
    for look in looks:
        body = body.replace(look.colour, f"var(--cell-{look.index})")
    for colour, role in ROLES.items():
        body = body.replace(colour, role)
    return body


def _targets(figure: Figure, marks: Sequence[Mark], looks: Mapping[str, Look]) -> str:
    """An invisible circle over every value, means last so that they are on top and, of the two, pointed at."""
    axes = figure.axes[0]
    height = figure.get_size_inches()[1] * POINTS_PER_INCH
    points = POINTS_PER_INCH / figure.dpi
    groups: dict[tuple[bool, int], list[str]] = {}
    for mark in marks:
        x, y = axes.transData.transform((mark.x, mark.y)) * points
        keyboard = ' tabindex="-1" role="img"' if mark.main else ""
        words = f'aria-label="{escape(mark.text)}"' if mark.main else f'data-says="{escape(mark.text)}"'
        circle = f'<circle cx="{x:.1f}" cy="{height - y:.1f}" r="{6 if mark.main else 4}" {words}{keyboard}/>'
        groups.setdefault((mark.main, looks.get(mark.cell, NEUTRAL).index), []).append(circle)
    return "".join(f'<g data-cell="{cell}">{"".join(drawn)}</g>' for (_, cell), drawn in sorted(groups.items()))
