"""The architectures, by name, and the ways of executing them. Importing this imports no TensorFlow."""

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
    "article": "The article's code to the letter: Keras's recurrent layers, TimeDistributed(Dense) after them.",
    "keras": "Keras's recurrent layers, Dense on the whole sequence: the same function, traced several times faster.",
    "fused": "This package's own layer: the equations written out, a hand-derived backward pass, compiled by XLA.",
}
