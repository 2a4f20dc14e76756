"""The cells and the backends, by name. Importing this package does not import TensorFlow."""

from harness.cells.cell import Backward, Cell
from harness.registry import Registry

__all__ = ["BACKENDS", "Backward", "Cell", "cells"]

cells: Registry[Cell] = Registry(
    "cell",
    Cell,
    {
        "simple_rnn": "harness.cells.simple_rnn:cell",
        "gru": "harness.cells.gru:cell",
        "lstm": "harness.cells.lstm:cell",
    },
    entry_points="harness.cells",
)

BACKENDS: dict[str, str] = {
    "article": "The article's code, unchanged: Keras's recurrent layers, followed by TimeDistributed(Dense).",
    "keras": "Keras's recurrent layers, Dense on the whole sequence: the same function, traced several times faster.",
    "fused": "The harness's own layer: the cell's equations with a hand-derived backward pass, compiled by XLA.",
}
