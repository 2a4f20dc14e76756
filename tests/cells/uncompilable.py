"""A simple RNN whose step raises when it is traced."""

from __future__ import annotations

import dataclasses
from typing import Any

from harness.cells import cells


def step(*_: Any) -> Any:
    raise ArithmeticError("no such step")


cell = dataclasses.replace(cells["simple_rnn"], name="uncompilable", step=step, keras_layer=None)
