"""What a cell is: its facts, its equations, and the weights that one layer of it has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from harness.cells.ops import Array
from harness.errors import UserError

Blocks: TypeAlias = tuple[Array, ...]
"""One array a block of the weights, each (batch, units), in the order of `Cell.blocks`."""

States: TypeAlias = tuple[Array, ...]
"""The states of one time step, each (batch, units); the hidden state, which is the output, first."""

Saved: TypeAlias = tuple[Array, ...]
"""What the forward step keeps for the backward pass, each (batch, units)."""


class Recurrence(Protocol):
    """A product with the recurrent weights, given to the equations by the layer that owns these weights.

    Forward, `recur(h)` is h U + b, block by block: (batch, units) to one such array a block, dropout's masks and the
    recurrent bias, where there are such, included. Backward, `recur(du)` is the gradient that du, one array a block,
    gives h: (batch, units). `first` and `last` choose a run of blocks, first to last - 1; without them, it is all.
    """

    def __call__(self, operand: Any, first: int = 0, last: int | None = None, /) -> Any:
        """The product with these blocks."""


Step: TypeAlias = Callable[[Blocks, States, Recurrence], tuple[States, Saved]]
"""`step(x, states, recur) -> (states, saved)`: one time step.

x is the input's part of the pre-activations, its bias included, block by block: the layer computes it for all time
steps in one product, since it does not depend on the states. `saved` is what the backward pass needs; a cell without
one saves `()`. Every operation must be elementwise, or a product by `recur`: then the same lines run for all time
steps at once too, with a leading time axis, which is how `saved` is had again without being kept in memory.
"""


@dataclass(frozen=True)
class Backward:
    """A hand-derived backward pass, in the three parts that make it fast.

    factors:  `factors(saved, before, after)` -> tuple of arrays: everything that does not depend on the running
              gradient, for all time steps at once: saved, and the states before and after each step, have a leading
              time axis.
    step:     `step(d_states, factors, recur) -> (dx, d_states_before)`: the only part that runs step by step, from the
              last to the first. factors are those of one time step; dx is x's gradient, block by block.
    products: `products(dx, saved, before)` -> list of (operand, gradient, first block): what each recurrent product of
              the step multiplied with its weights, (time, batch, units), and the gradient of what came out, block by
              block, for all time steps. Left out, there is one product, of the hidden state, and its gradient is dx.
    """

    factors: Callable[[Saved, States, States], tuple[Array, ...]]
    step: Callable[[States, tuple[Array, ...], Recurrence], tuple[Blocks, States]]
    products: Callable[[Blocks, Saved, States], list[tuple[Array, Blocks, int]]] | None = None


@dataclass(frozen=True)
class Cell:
    """An architecture: the facts that reports and claims quote, and the equations that the fused kernel runs.

    gates:           the names of its gates; a gate is a block whose activation, between 0 and 1, multiplies something
    blocks:          the blocks of its weights, side by side, in the order of the Keras layer it equals
    states:          what it hands from one time step to the next, the output first
    step, backward:  the equations; without `step` the cell has no fused kernel, without `backward` that is by autodiff
    keras_layer:     the name in `keras.layers` of the layer it equals, None where there is none
    recurrent_bias:  whether the recurrent product has a bias of its own
    ones:            the blocks whose bias starts at one (`unit_forget_bias`)
    reset_before:    the variant that `reset_after=False` chooses, where there is one
    extra_blocks:    so many blocks, the last ones, see only the last `extra_features` features of the input, and the
    extra_features:  other blocks only the features before these: an extra input that feeds gates of its own
    """

    name: str
    title: str
    summary: str
    gates: tuple[str, ...]
    blocks: tuple[str, ...]
    states: tuple[str, ...] = ("hidden state",)
    step: Step | None = None
    backward: Backward | None = None
    keras_layer: str | None = None
    recurrent_bias: bool = False
    ones: tuple[str, ...] = ()
    reset_before: Cell | None = None
    extra_blocks: int = 0
    extra_features: int = 0

    def __post_init__(self) -> None:
        for field in ("blocks", "states"):
            if not getattr(self, field):
                raise UserError(f"cell {self.name!r}: {field!r} is empty; it needs at least one name")
        if unknown := set(self.ones) - set(self.blocks):
            raise UserError(f"cell {self.name!r}: 'ones' names {sorted(unknown)}, which are not among its blocks")
        if self.step is None and self.keras_layer is None:
            raise UserError(f"cell {self.name!r} has neither a 'step' nor a 'keras_layer': nothing could run it")
        if not 0 <= self.extra_blocks <= len(self.blocks) or (self.extra_blocks > 0) != (self.extra_features > 0):
            raise UserError(
                f"cell {self.name!r}: 'extra_blocks' ({self.extra_blocks}) of its {len(self.blocks)} blocks are fed by "
                f"'extra_features' ({self.extra_features}) features; both are zero or both positive"
            )

    @property
    def kernels(self) -> tuple[str, ...]:
        """The ways in which this cell can be executed, keys of `harness.cells.KERNELS`."""
        return (("document", "keras") if self.keras_layer else ()) + (("fused",) if self.step else ())

    def variant(self, *, reset_after: bool = True) -> Cell:
        """This cell, or the form of it that multiplies the reset gate in before the recurrent product."""
        return self if reset_after or self.reset_before is None else self.reset_before

    def shapes(
        self, features: int, units: int, *, use_bias: bool = True, reset_after: bool = True
    ) -> dict[str, tuple[int, ...]]:
        """The weights of one layer by name, in the layer's order: those of the Keras layer it equals.

        Raises UserError where `features` or `units` is not positive, or `features` is the extra input alone.
        """
        for argument, value in (("features", features), ("units", units)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise UserError(f"cell {self.name!r}: {argument!r} is {value!r}, expected an integer of at least 1")
        cell = self.variant(reset_after=reset_after)
        width = len(cell.blocks) * units
        own, extra = features - cell.extra_features, cell.extra_blocks * units
        if own < 1:
            raise UserError(
                f"cell {self.name!r}: 'features' is {features}, of which {cell.extra_features} are the extra input; "
                f"it needs at least {cell.extra_features + 1}"
            )
        shapes: dict[str, tuple[int, ...]] = {"kernel": (own, width - extra)}
        if extra:
            shapes["extra_kernel"] = (cell.extra_features, extra)
        shapes["recurrent_kernel"] = (units, width)
        if use_bias:
            shapes["bias"] = (2, width) if cell.recurrent_bias else (width,)
        return shapes

    def parameters(self, features: int, units: int, *, use_bias: bool = True, reset_after: bool = True) -> int:
        """Trainable parameters of one layer: blocks x units x (features + units + biases), where no input is extra."""
        total = 0
        for shape in self.shapes(features, units, use_bias=use_bias, reset_after=reset_after).values():
            size = 1
            for length in shape:
                size *= length
            total += size
        return total


def no_step(cell: Cell) -> UserError:
    """The error for a cell that was asked to run its equations and has none."""
    return UserError(
        f"cell {cell.name!r} has no 'step', so it has no kernel 'fused'; it has: {', '.join(cell.kernels)}"
    )


def equations(cell: Cell) -> Step:
    """The cell's forward step. Raises UserError where it has none."""
    if cell.step is None:
        raise no_step(cell)
    return cell.step
