"""Drawings as SVG and PNG; inline, with the page's colours and targets for pointer and keyboard over the values."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring

import matplotlib as mpl
import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from harness.report.draw.axes import FONT_SIZE, ROLES, Mark, look_of, style
from harness.report.draw.figure import POINTS, draw_panel, draw_plot
from harness.report.figures.looks import Look
from harness.report.figures.plot import Panel, Plot, Scale

SVG, LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"


@contextmanager
def drawing_style(salt: str) -> Iterator[None]:
    """Matplotlib's settings for drawing. Warnings about characters that the font lacks are ignored."""
    with mpl.rc_context(cast("Any", style(salt))), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        yield


def plot_files(plot: Plot, looks: Mapping[str, Look]) -> dict[str, bytes]:
    """The plot as `<id>.png` and `<id>.svg`; the same description gives the same bytes."""
    with drawing_style(plot.id):
        figure = draw_plot(plot, looks)
        png = io.BytesIO()
        figure.savefig(png, format="png", metadata={"Software": None})
        return {f"{plot.id}.png": png.getvalue(), f"{plot.id}.svg": _svg(figure)}


def _svg(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return file.getvalue()


def inline(panel: Panel, looks: Mapping[str, Look], *, key: str, label: str, scale: Scale = "linear") -> Markup:
    """The panel as an `<svg>` element. `key` is unique on the page, `label` its name for screen readers."""
    with drawing_style(key):
        figure, marks = draw_panel(panel, looks, scale)
        drawing = fromstring(_svg(figure))
        targets = _targets(figure, marks, panel, looks)
    width, height = figure.get_size_inches() * POINTS
    rows = {"data-rows": ""} if panel.kind in ("rows", "bars") else {}
    named = {"role": "group", "aria-label": label, "data-scale": scale}
    svg = Element("svg", {"viewBox": f"0 0 {width:g} {height:g}", **named, **rows})
    SubElement(svg, "g", {"aria-hidden": "true"}).extend(_themed(drawing, panel, looks))
    svg.append(targets)
    return Markup(tostring(svg, encoding="unicode"))


def _themed(drawing: Element, panel: Panel, looks: Mapping[str, Look]) -> Element:
    """matplotlib's drawing with the page's colours and fonts, coordinates to a tenth of a point, and few ids.

    Groups of a series say which cell, and backend, they belong to, so that the page can show and hide them. Of ids only
    those stay that something refers to; these hold the panel's own salt.
    """
    drawing.remove(drawing[0])  # a style that would be the whole page's
    colours = {look.colour: f"var(--cell-{look.index})" for look in looks.values()} | ROLES
    links = {reference for element in drawing.iter() for name in (LINK, "clip-path")
             for reference in [element.get(name, "").removeprefix("url(").rstrip(")")]}  # fmt: skip
    for element in drawing.iter():
        element.tag, element.tail = element.tag.removeprefix(SVG), None
        element.text = element.text if element.tag == "text" else None
        given = dict(element.attrib)
        element.attrib.clear()
        for name, value in given.items():
            if name == "id":
                element.attrib |= _owner(value, panel, looks) or ({name: value} if f"#{value}" in links else {})
            elif name == "style":
                element.set(name, _styled(value, colours))
            elif name in ("d", "x", "y"):
                element.set(name, " ".join(map(_rounded, value.split())))
            elif name != "transform" or not value.startswith("rotate(-0 "):
                element.set("href" if name == LINK else name, value)
    for group in drawing.iter("g"):
        _share_style(group)
    return drawing


def _owner(id: str, panel: Panel, looks: Mapping[str, Look]) -> dict[str, str]:
    """The cell and the backend of a group that has the name of a series."""
    kind, _, rest = id.partition("-")
    return _of(panel, int(rest.partition("-")[0]), looks) if kind == "series" else {}


def _of(panel: Panel, place: int, looks: Mapping[str, Look]) -> dict[str, str]:
    series = panel.series[place]
    backend = {"data-backend": series.backend} if series.backend else {}
    return {"data-cell": str(look_of(series, looks).index), **backend}


def _styled(style: str, colours: Mapping[str, str]) -> str:
    """The style without the declarations that the page's style sheet has for all text."""
    declared = dict(part.split(": ", 1) for part in style.split("; "))
    declared.pop("font-family", "")
    if declared.get("font-size") == f"{FONT_SIZE:g}px":
        del declared["font-size"]
    return ";".join(f"{name}:{colours.get(value, value)}" for name, value in declared.items())


def _rounded(part: str) -> str:
    return part if part.isalpha() else f"{round(float(part), 1):g}"


def _share_style(group: Element) -> None:
    """Move the common style of a series' marks to their group."""
    styles = {mark.get("style", "") for mark in group}
    if len(group) > 1 and len(styles) == 1 and {mark.tag for mark in group} == {"use"}:
        group.set("style", styles.pop())
        for mark in group:
            mark.attrib.pop("style", None)


def _targets(figure: Figure, marks: Sequence[Mark], panel: Panel, looks: Mapping[str, Look]) -> Element:
    """An invisible circle over every value, means last so that they are on top and, of the two, pointed at.

    The seeds of a mean are a group, of each series its own; both have the same `data-at`. What all of a group say
    first, the group says. What lies outside of the axes, as zero does on a logarithmic one, cannot be pointed at.
    """
    axes, height = figure.axes[0], figure.get_size_inches()[1] * POINTS
    pixels = figure.dpi / POINTS
    places = [axes.transData.transform((mark.x, mark.y)) + np.array((mark.shift * pixels, 0)) for mark in marks]
    inside = axes.bbox.padded(1)
    placed = [(mark, *place / pixels) for mark, place in zip(marks, places, strict=True) if inside.contains(*place)]
    means = [(at, x, mark) for at, (mark, x, _) in enumerate(placed) if mark.main]
    groups: dict[tuple[int, int], list[tuple[Mark, float, float]]] = {}
    for mark, x, y in placed:
        if not mark.main:
            of_one = panel.kind != "roll"  # where detected and reference labels belong together
            distances = [(abs(x - there), at) for at, there, mean in means if not of_one or mean.series == mark.series]
            at = min(distances)[1] if distances else -1 - mark.series
            groups.setdefault((at, mark.series), []).append((mark, x, y))
    targets = Element("g", {"class": "targets"})

    def circle(within: Element, x: float, y: float, radius: int, **given: str) -> Element:
        return SubElement(within, "circle", {"cx": f"{x:.1f}", "cy": f"{height - y:.1f}", "r": str(radius)} | given)

    for (at, place), seeds in groups.items():
        common = seeds[0][0].text.rpartition(", ")[0]
        common = common if all(mark.text.startswith(f"{common}, ") for mark, _, _ in seeds) else ""
        said = {"data-at": str(at), "data-says": common}
        group = SubElement(targets, "g", _of(panel, place, looks) | said)
        for mark, x, y in seeds:
            seed = {"data-trial": mark.trial} if mark.trial else {}
            circle(group, x, y, 4, **seed).set("data-says", mark.text.removeprefix(f"{common}, "))
    for at, (mark, x, y) in enumerate(placed):
        if mark.main:
            said = {"aria-label": mark.text, "data-at": str(at), "tabindex": "-1", "role": "img"}
            circle(targets, x, y, 6).attrib.update(_of(panel, mark.series, looks) | said)
    return targets


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
