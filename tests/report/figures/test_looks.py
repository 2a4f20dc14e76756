"""The colours and markers of cells."""

from __future__ import annotations

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


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio of two colours."""

    def luminance(colour: str) -> float:
        channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
