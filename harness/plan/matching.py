"""Cells of equal size: units, or the units that bring every cell to the same number of recurrent parameters.

At equal units an LSTM has four times a simple RNN's recurrent weights; comparing at equal parameters asks what a
parameter is worth (Collins et al., arXiv 1611.09913).
"""

from __future__ import annotations

from harness.cells import Cell

_MOST_UNITS = 2**16


def recurrent_parameters(cell: Cell, features: int, units: int, layers: int, *, reset_after: bool = True) -> int:
    """Parameters of a stack of recurrent layers of `units` units on inputs of `features` features."""
    first = cell.parameters(features, units, reset_after=reset_after)
    return first + (layers - 1) * cell.parameters(units, units, reset_after=reset_after)


def matched_units(
    cell: Cell, reference: Cell, units: int, features: int, layers: int, *, reset_after: bool = True
) -> int:
    """The units at which `cell` comes nearest to the recurrent parameters of `reference` with `units` units."""

    def parameters(of: Cell, size: int) -> int:
        return recurrent_parameters(of, features, size, layers, reset_after=reset_after)

    wanted = parameters(reference, units)
    low, high = 1, _MOST_UNITS
    while low < high:  # the smallest size with at least the wanted number
        middle = (low + high) // 2
        low, high = (low, middle) if parameters(cell, middle) >= wanted else (middle + 1, high)
    return min((size for size in (low - 1, low) if size >= 1), key=lambda size: abs(parameters(cell, size) - wanted))
