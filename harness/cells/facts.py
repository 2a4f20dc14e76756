"""Facts: claims that need no experiment, because counting or evaluating an equation decides them.

A fact is a function `(frame) -> FactFound`; the frame (one row per trial) may be empty. To add a fact, write the
function and add its name to `facts`, or declare it as an entry point in the group `harness.facts`.
"""

from __future__ import annotations

from itertools import product
from types import FunctionType
from typing import TYPE_CHECKING, NamedTuple

from harness.cells import cells
from harness.registry import Registry

if TYPE_CHECKING:
    from pandas import DataFrame

SIZES = (1, 2, 3, 5, 8, 16, 32, 33, 64, 100, 128, 256, 512, 1000, 1024, 2048, 4096)
"""Numbers of features and of units at which counts are compared; the formulas are polynomials of low degree in both."""


class FactFound(NamedTuple):
    """Whether the fact holds (None: undecided), the size of the effect, its unit, and the reason in words."""

    holds: bool | None
    effect: float | None
    unit: str
    reason: str


facts: Registry[FunctionType] = Registry(
    "fact",
    FunctionType,
    {
        "fewer-parameters": "harness.cells.facts:fewer_parameters",
        "no-gates": "harness.cells.facts:no_gates",
        "simpler": "harness.cells.bundled_facts:simpler",
        "same-gate-equations": "harness.cells.bundled_facts:same_gate_equations",
        "reduces-to-rnn": "harness.cells.bundled_facts:reduces_to_rnn",
    },
    entry_points="harness.facts",
)


def fewer_parameters(frame: DataFrame) -> FactFound:
    """A GRU layer has fewer parameters than an LSTM layer of the same size, by the formula and in the records.

    With f features, u units and the reset gate after the recurrent product, the GRU has 3 (f + u + 2) u parameters and
    the LSTM 4 (f + u + 1) u. The two are equal for f = u = 1.
    """
    gru, lstm = cells["gru"], cells["lstm"]
    saved, equal = [], set()
    for features, units, use_bias, reset_after in product(SIZES, SIZES, (True, False), (True, False)):
        fewer = gru.parameters(features, units, use_bias=use_bias, reset_after=reset_after)
        share = 1 - fewer / lstm.parameters(features, units, use_bias=use_bias, reset_after=reset_after)
        if share == 0:
            equal.add((features, units))
        else:
            saved.append(share)
    counted = _recorded_savings(frame)
    holds = min(saved) > 0 and equal <= {(1, 1)} and min(counted, default=1.0) > 0
    recorded = (
        f"in the records it has {min(counted):.1%} to {max(counted):.1%} fewer ({len(counted)} sizes)"
        if counted
        else "the records contain no parameter counts to compare"
    )
    exception = " They are equal for one feature and one unit." if equal else ""
    reason = (
        f"By the closed formula a GRU layer has {min(saved):.1%} to {max(saved):.1%} fewer parameters than an LSTM "
        f"layer, at {len(saved)} combinations of features and units from {SIZES[0]} to {SIZES[-1]}, with and without "
        f"bias, with the reset gate before and after the product; {recorded}.{exception}"
    )
    return FactFound(holds, 100 * sum(saved) / len(saved), "% fewer parameters", reason)


SIZE = ("task", "data", "train_size", "sequence_length", "units", "layers", "reset_after", "bidirectional")
"""Columns that must be equal in records of a GRU and an LSTM whose parameter counts are compared."""


def _recorded_savings(frame: DataFrame) -> list[float]:
    """Share of recurrent parameters that the GRU saves, for each size at which the records have both cells."""
    counts = frame.loc[frame["cell"].isin(["gru", "lstm"]) & frame["recurrent_parameters"].notna()]
    if counts.empty:
        return []
    table = counts.groupby([*SIZE, "cell"])["recurrent_parameters"].max().unstack("cell")
    if not {"gru", "lstm"} <= set(table.columns):
        return []
    return [float(share) for share in (1 - table["gru"] / table["lstm"]).dropna()]


def no_gates(frame: DataFrame) -> FactFound:
    """A simple RNN has no gates: it has one candidate and one state."""
    cell = cells["simple_rnn"]
    gates = len(cell.multiplicative_gates)
    holds = gates == 0 and len(cell.gates) == 1 and len(cell.states) == 1
    others = ", ".join(f"the {cells[name].title} {len(cells[name].multiplicative_gates)}" for name in ("gru", "lstm"))
    reason = (
        f"The equations of the simple RNN have {gates} gates, {len(cell.gates) - gates} candidate and "
        f"{len(cell.states)} state; {others} gates."
    )
    return FactFound(holds, float(gates), "gates", reason)
