"""The colours and markers of cells."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from harness.report.figures.looks import looks
from tests.report.samples import TITLES

LOOKS = looks(TITLES)


def test_cells_keep_their_looks_whichever_are_present() -> None:
    assert looks(["lstm"])["lstm"] == looks(TITLES)["lstm"]
    many = looks([*TITLES, *(f"cell{number}" for number in range(20))])
    assert len({(look.colour, look.marker, str(look.dash)) for look in many.values()}) == len(many)
    assert list(many)[:3] == ["simple_rnn", "gru", "lstm"]


@pytest.mark.parametrize("ground", ["#ffffff", "#f7f7f4"])
def test_cell_colours_can_be_read_as_text_on_paper(ground: str) -> None:
    for look in looks([*TITLES, *"abcde"]).values():
        assert contrast(look.colour, ground) >= 4.4
        assert contrast(look.dark_colour, "#1b1f23") >= 4.5


DEFICIENCIES = {
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
}
"""What linear red, green and blue become (Machado, Oliveira and Fernandes, 2009, severity 1)."""


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_the_bundled_cells_differ_for_readers_who_see_red_and_green_alike(deficiency: str) -> None:
    for one, other in combinations(LOOKS.values(), 2):
        assert distance(one.colour, other.colour, deficiency) >= 25
        assert distance(one.dark_colour, other.dark_colour, deficiency) >= 25


def distance(one: str, other: str, deficiency: str) -> float:
    """CIE 1976's difference of two colours, as such a reader sees them; 2.3 can just be noticed."""
    seen = np.array([linear(one), linear(other)]) @ np.array(DEFICIENCIES[deficiency]).T
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    relative = seen.clip(0, 1) @ np.array(to_xyz).T / [0.95047, 1.0, 1.08883]
    x, y, z = np.where(relative > 0.008856, np.cbrt(relative), 7.787 * relative + 16 / 116).T
    lab = np.array([116 * y, 500 * (x - y), 200 * (y - z)])
    return float(np.linalg.norm(lab[:, 0] - lab[:, 1]))


def linear(colour: str) -> list[float]:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio of two colours."""

    def luminance(colour: str) -> float:
        red, green, blue = linear(colour)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
