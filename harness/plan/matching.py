"""Cells of equal size: equal units, or the units that give every cell the same number of recurrent parameters.

At equal units an LSTM has four times a simple RNN's recurrent weights; comparing at equal parameters asks what a
parameter is worth (Collins et al., arXiv 1611.09913).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from harness.cells import Cell, cells
from harness.spec.sweep import Sweep
from harness.tasks import Options, tasks

_MOST_UNITS = 2**16


def recurrent_parameters(
    cell: Cell, features: int, units: int, layers: int, *, reset_after: bool = True, bidirectional: bool = False
) -> int:
    """Parameters of a stack of recurrent layers of `units` units on inputs of `features` features."""
    directions = 1 + bidirectional
    first = cell.parameters(features, units, reset_after=reset_after)
    return directions * (first + (layers - 1) * cell.parameters(directions * units, units, reset_after=reset_after))


def matched_units(cell: Cell, reference: Cell, units: int, features: int, layers: int, **form: bool) -> int:
    """The units with which `cell` has the most similar number of recurrent parameters to `reference` with `units`.

    form: `reset_after` and `bidirectional`, as in `recurrent_parameters`
    """

    def parameters(of: Cell, size: int) -> int:
        return recurrent_parameters(of, features, size, layers, **form)

    wanted = parameters(reference, units)
    low, high = 1, _MOST_UNITS
    while low < high:  # the smallest size with at least the wanted number
        middle = (low + high) // 2
        low, high = (low, middle) if parameters(cell, middle) >= wanted else (middle + 1, high)
    return min((size for size in (low - 1, low) if size >= 1), key=lambda size: abs(parameters(cell, size) - wanted))


def units_of(sweep: Sweep, reference: str, options: Options, asked: Mapping[str, Any]) -> int:
    """The units of a cell in a sweep for these factors, matched to the reference cell if the factors say so."""
    if asked["match"] == "units" or asked["cell"] == reference:
        return int(asked["units"])
    width = _width(sweep.task, min(sweep.train_size), min(sweep.sequence_length), options)
    form = {name: asked[name] for name in ("reset_after", "bidirectional")}
    return _matched(asked["cell"], reference, asked["units"], width, asked["layers"], **form)


@cache
def _matched(cell: str, reference: str, units: int, features: int, layers: int, **form: bool) -> int:
    return matched_units(cells[cell], cells[reference], units, features, layers, **form)


@cache
def _width(task: str, train_size: int, sequence_length: int, options: Options) -> int:
    """Number of features of the network's inputs. Cached, because some data take seconds to make."""
    data = tasks[task].make(train_size, sequence_length, 0, options)
    return data.symbols or data.input_shape[-1]
