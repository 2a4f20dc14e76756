"""The names that factors of an experiment may take: in sweeps, in trials, and in the conditions of claims."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

Lane = Literal["accuracy", "speed"]
Match = Literal["units", "parameters"]
Purpose = Literal["comparison", "tuning", "check", "prediction"]
"""What a trial is for. Tuning chooses learning rates, a check times the way to a target, and `harness backends` times
prediction: claims judge none of these."""
Optimizer = Literal["adam", "rmsprop", "sgd"]
Initialiser = Literal["orthogonal", "glorot_uniform"]
"""Of the recurrent weights."""
ForgetBias = Annotated[float, Field(allow_inf_nan=False)] | Literal["chrono"]
"""The initial bias of the gate that keeps the old state (LSTM: forget, GRU: update); chrono: log U(1, T - 1)."""
