"""Cells of equal size: units, or the units that bring every cell to the same number of recurrent parameters.

At equal units an LSTM has four times a simple RNN's recurrent weights; comparing at equal parameters asks what a
parameter is worth (Collins et al., arXiv 1611.09913).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import cache
from typing import Any

from harness.cells import Cell, cells
from harness.spec.sweep import Sweep
from harness.tasks import Options, tasks

_MOST_UNITS = 2**16


def recurrent_parameters(cell: Cell, features: int, units: int, layers: int, *, reset_after: bool = True) -> int:
    """Parameters of a stack of recurrent layers of `units` units on inputs of `features` features."""
    first = cell.parameters(features, units, reset_after=reset_after)
    return first + (layers - 1) * cell.parameters(units, units, reset_after=reset_after)


def matched_units(
    cell: Cell, reference: Cell, units: int, features: int, layers: int, *, reset_after: bool = True
) -> int:
    """The units with which `cell` has the most similar number of recurrent parameters to `reference` with `units`."""

    def parameters(of: Cell, size: int) -> int:
        return recurrent_parameters(of, features, size, layers, reset_after=reset_after)

    wanted = parameters(reference, units)
    low, high = 1, _MOST_UNITS
    while low < high:  # the smallest size with at least the wanted number
        middle = (low + high) // 2
        low, high = (low, middle) if parameters(cell, middle) >= wanted else (middle + 1, high)
    return min((size for size in (low - 1, low) if size >= 1), key=lambda size: abs(parameters(cell, size) - wanted))


class MatchedUnits:
    """The units of each cell in a sweep. The number of input features is looked up only if it matters."""

    def __init__(self, sweep: Sweep, cell_names: Sequence[str], options: Options) -> None:
        self._sweep, self._options = sweep, options
        self._reference = sweep.reference or ("lstm" if "lstm" in cell_names else cell_names[0])
        self._known: dict[tuple[Hashable, ...], int] = {}

    def of(self, asked: Mapping[str, Any]) -> int:
        """The units of the cell for these factors."""
        name, units, layers, reset_after = (asked[key] for key in ("cell", "units", "layers", "reset_after"))
        if asked["match"] == "units" or name == self._reference:
            return int(units)
        key = (name, units, layers, reset_after)
        if key not in self._known:
            cell, reference = cells[name], cells[self._reference]
            sweep = self._sweep
            width = _width(sweep.task, min(sweep.train_size), min(sweep.sequence_length), self._options)
            self._known[key] = matched_units(cell, reference, units, width, layers, reset_after=reset_after)
        return self._known[key]


@cache
def _width(task: str, train_size: int, sequence_length: int, options: Options) -> int:
    """Number of features of the network's inputs. Cached, because some data take seconds to make."""
    data = tasks[task].make(train_size, sequence_length, 0, options)
    return data.symbols or data.input_shape[-1]
