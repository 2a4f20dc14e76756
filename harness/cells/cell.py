"""What a cell is: its facts, its equations, and the weights that one layer of it has."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby
from numbers import Integral, Real
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias, get_args

from harness.cells.ops import Array
from harness.errors import UserError

Blocks: TypeAlias = tuple[Array, ...]
"""One array a block of the weights, each (batch, units), in the order of `Cell.blocks`."""

WeightShape: TypeAlias = Literal["full", "diagonal", "none"]
"""The weights of one block: a matrix; a vector, by which each unit sees itself alone; or no weights."""

States: TypeAlias = tuple[Array, ...]
"""The states of one time step, each (batch, units); the hidden state, which is the output, first."""

Saved: TypeAlias = tuple[Array, ...]
"""What the forward step keeps for the backward pass, each (batch, units)."""


RECURRENT: dict[WeightShape, str] = {"full": "recurrent_kernel", "diagonal": "recurrent_diagonal"}
"""The name of a layer's weight that holds the recurrent blocks of a shape."""


class Recurrence(Protocol):
    """A product with the recurrent weights, given to the equations by the layer that owns these weights.

    Forward, `recur(h)` is h U + b, block by block: (batch, units) to one such array a block, dropout's masks and the
    recurrent bias, where there are such, included. Backward, `recur(du)` is the gradient that du, one array a block,
    gives h: (batch, units). `first` and `last` choose a run of blocks, first to last - 1; without them, it is all.
    They count the blocks that have recurrent weights, `Cell.recurrent_blocks`.
    """

    def __call__(self, operand: Any, first: int = 0, last: int | None = None, /) -> Any:
        """The product with these blocks."""


Step: TypeAlias = Callable[[Blocks, States, Recurrence], tuple[States, Saved]]
"""`step(x, states, recur) -> (states, saved)`: one time step.

x is the input's part of the pre-activations, its bias included, one array for each of `Cell.input_blocks`: the layer
computes it for all time steps in one product, since it does not depend on the states. `saved` is what the backward pass
needs; a cell without one saves `()`. Every operation must be elementwise, or a product by `recur`: then the same lines
run for all time steps at once too, with a leading time axis, which is how `saved` is had again without being kept in
memory.
"""


@dataclass(frozen=True)
class Backward:
    """A hand-derived backward pass, in the three parts that make it fast.

    factors:  `backward_factors(saved, before, after)` -> tuple of arrays: the local derivatives, which do not depend on
              the running gradient, for all time steps at once: saved, and the states before and after each step, have a
              leading time axis.
    step:     `step(d_states, backward_factors, recur) -> (dx, d_states_before)`: the only part that runs step by step,
              from the last to the first. backward_factors are those of one time step; dx is x's gradient, block by
              block.
    products: `products(dx, saved, before)` -> list of (operand, gradient, first block): what each recurrent product of
              the step multiplied with its weights, (time, batch, units), and the gradient of what came out, block by
              block, for all time steps. Left out, there is one product, of the hidden state, and its gradient is dx;
              or none, where no block has recurrent weights.
    """

    factors: Callable[[Saved, States, States], tuple[Array, ...]]
    step: Callable[[States, tuple[Array, ...], Recurrence], tuple[Blocks, States]]
    products: Callable[[Blocks, Saved, States], list[tuple[Array, Blocks, int]]] | None = None


class Run(NamedTuple):
    """Consecutive recurrent blocks, first to last - 1, whose weights have one shape.

    `place` is the number of earlier recurrent blocks of that shape: where the run's weights begin, in blocks.
    """

    shape: WeightShape
    first: int
    last: int
    place: int


@dataclass(frozen=True)
class Cell:
    """An architecture: the facts that reports and claims quote, and the equations that the fused backend runs.

    gates:           the names of its gates; a gate is a block whose activation, between 0 and 1, multiplies something
    blocks:          the blocks of its weights, side by side, in the order of the Keras layer it equals: one for each
                     gate and each candidate, and for weights that it has besides, such as peepholes
    states:          what it hands from one time step to the next, the output first
    step, backward:  the equations; without `step` the cell has no fused backend, without `backward` that is by autodiff
    keras_layer:     the name in `keras.layers` of the layer it equals, None where there is none
    recurrent_weights: the shape of each block's recurrent weights: full, diagonal or none; one for all blocks, or a
                     mapping from names of blocks, where a block that is left out has full ones. A block that the step
                     multiplies with nothing has to say so: counts and matching by parameters go by these shapes
    input_weights:   the same for the input's weights, full or none; a block without input weights has no bias of the
                     input's product
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
    recurrent_weights: WeightShape | Mapping[str, WeightShape] = "full"
    input_weights: WeightShape | Mapping[str, WeightShape] = "full"
    recurrent_bias: bool = False
    ones: tuple[str, ...] = ()
    reset_before: Cell | None = None
    extra_blocks: int = 0
    extra_features: int = 0

    def __post_init__(self) -> None:
        for field in ("blocks", "states"):
            if not getattr(self, field):
                raise UserError(f"cell {self.name!r}: {field!r} is empty; it needs at least one name")
            if len({*getattr(self, field)}) < len(getattr(self, field)):
                raise UserError(f"cell {self.name!r}: {field!r} names something twice: {getattr(self, field)}")
        if self.step is None and self.keras_layer is None:
            raise UserError(f"cell {self.name!r} has neither a 'step' nor a 'keras_layer': nothing could run it")
        self._check_weights()
        if unknown := set(self.ones) - set(self.input_blocks):
            raise UserError(
                f"cell {self.name!r}: 'ones' names {sorted(unknown)}, which are not among its blocks with a bias"
            )
        count = len(self.input_blocks)
        if not 0 <= self.extra_blocks < count or (self.extra_blocks > 0) != (self.extra_features > 0):
            raise UserError(
                f"cell {self.name!r}: 'extra_blocks' ({self.extra_blocks}) of its {count} blocks that see the input "
                f"are fed by 'extra_features' ({self.extra_features}) features; both are zero or both positive, and at "
                "least one block sees the other features"
            )

    def _check_weights(self) -> None:
        """Raise UserError for weights that cannot be: a wrong shape or block, or a block that nothing reaches."""
        fields = {"recurrent_weights": get_args(WeightShape), "input_weights": ("full", "none")}
        for field, valid in fields.items():
            given = getattr(self, field)
            shapes = dict(given) if isinstance(given, Mapping) else dict.fromkeys(self.blocks, given)
            if unknown := shapes.keys() - {*self.blocks}:
                raise UserError(
                    f"cell {self.name!r}: {field!r} names {sorted(unknown)}, which are not among its blocks"
                )
            if wrong := [shape for shape in shapes.values() if shape not in valid]:
                raise UserError(
                    f"cell {self.name!r}: {field!r} holds {wrong[0]!r}, expected one of: {', '.join(valid)}"
                )
        if not self.input_blocks:
            raise UserError(f"cell {self.name!r}: 'input_weights' is 'none' for every block, so no input reaches it")
        if unreached := [block for block in self.blocks if block not in {*self.input_blocks, *self.recurrent_blocks}]:
            raise UserError(f"cell {self.name!r}: block {unreached[0]!r} has neither input weights nor recurrent ones")
        full = all(self.weight_shapes(field) == ("full",) * len(self.blocks) for field in fields)
        if self.keras_layer is not None and not full:
            raise UserError(
                f"cell {self.name!r}: 'recurrent_weights' and 'input_weights' are 'full' in the Keras layer "
                f"{self.keras_layer!r}, which the cell names as the layer it equals"
            )
        by_default = self.backward is not None and self.backward.products is None
        if by_default and self.recurrent_blocks not in ((), self.input_blocks):
            raise UserError(
                f"cell {self.name!r}: 'backward' needs 'products', since the blocks with recurrent weights are not "
                "those with input weights: without it, the gradients of the recurrent products would be those of x"
            )

    def weight_shapes(self, field: str) -> tuple[WeightShape, ...]:
        """The shape of each block's weights: `field` is 'recurrent_weights' or 'input_weights'."""
        given = getattr(self, field)
        return tuple(given.get(block, "full") if isinstance(given, Mapping) else given for block in self.blocks)

    @property
    def input_blocks(self) -> tuple[str, ...]:
        """The blocks that see the input, in order: those of which the step is given an x."""
        return self._blocks_with("input_weights")

    @property
    def recurrent_blocks(self) -> tuple[str, ...]:
        """The blocks that have recurrent weights, in order: those of which `recur` gives a product."""
        return self._blocks_with("recurrent_weights")

    def _blocks_with(self, field: str) -> tuple[str, ...]:
        shapes = self.weight_shapes(field)
        return tuple(block for block, shape in zip(self.blocks, shapes, strict=True) if shape != "none")

    def runs(self, first: int = 0, last: int | None = None) -> list[Run]:
        """The recurrent blocks first to last - 1, cut where the shape of their weights changes."""
        shapes = [shape for shape in self.weight_shapes("recurrent_weights") if shape != "none"]
        last = len(shapes) if last is None else last
        if not 0 <= first < last <= len(shapes):
            raise UserError(
                f"cell {self.name!r}: 'recur' is asked for blocks {first} to {last - 1} of the {len(shapes)} that have "
                "recurrent weights"
            )
        runs = []
        for shape, group in groupby(range(first, last), key=shapes.__getitem__):
            members = list(group)
            runs.append(Run(shape, members[0], members[-1] + 1, shapes[: members[0]].count(shape)))
        return runs

    @property
    def backends(self) -> tuple[str, ...]:
        """The ways in which this cell can be executed, keys of `harness.cells.BACKENDS`."""
        return (("article", "keras") if self.keras_layer else ()) + (("fused",) if self.step else ())

    def variant(self, *, reset_after: bool = True) -> Cell:
        """This cell, or the form of it that multiplies the reset gate in before the recurrent product."""
        return self if reset_after or self.reset_before is None else self.reset_before

    def shapes(
        self, features: int, units: int, *, use_bias: bool = True, reset_after: bool = True
    ) -> dict[str, tuple[int, ...]]:
        """The weights of one layer by name, in the layer's order: those of the Keras layer it equals.

        Each of them is trained. Raises UserError where `features` or `units` is not positive, or `features` is the
        extra input alone.
        """
        for argument, value in (("features", features), ("units", units)):
            check_size(self.name, argument, value)
        cell = self.variant(reset_after=reset_after)
        seeing, recurrent = cell.input_blocks, cell.weight_shapes("recurrent_weights")
        main_features, extra = features - cell.extra_features, cell.extra_blocks * units
        if main_features < 1:
            raise UserError(
                f"cell {self.name!r}: 'features' is {features}, of which {cell.extra_features} are the extra input; "
                f"it needs at least {cell.extra_features + 1}"
            )
        width, recurrent_width = len(seeing) * units, len(cell.recurrent_blocks) * units
        shapes: dict[str, tuple[int, ...]] = {"kernel": (main_features, width - extra)}
        if extra:
            shapes["extra_kernel"] = (cell.extra_features, extra)
        if "full" in recurrent:
            shapes[RECURRENT["full"]] = (units, recurrent.count("full") * units)
        if "diagonal" in recurrent:
            shapes[RECURRENT["diagonal"]] = (recurrent.count("diagonal") * units,)
        if not use_bias:
            return shapes
        if cell.recurrent_bias and seeing == cell.recurrent_blocks:
            return shapes | {"bias": (2, width)}
        shapes["bias"] = (width,)
        return shapes | ({"recurrent_bias": (recurrent_width,)} if cell.recurrent_bias and recurrent_width else {})

    def parameters(self, features: int, units: int, *, use_bias: bool = True, reset_after: bool = True) -> int:
        """Trainable parameters of one layer: the sizes of its weights.

        That is blocks x units x (features + units + biases) where all blocks have full weights and no input is extra.
        """
        return sum(map(math.prod, self.shapes(features, units, use_bias=use_bias, reset_after=reset_after).values()))

    def products(self, features: int, units: int) -> int:
        """Multiplications by weights, for a time step of one sequence: one for each weight that is not a bias."""
        return self.parameters(features, units, use_bias=False)

    def input_products(self, features: int, units: int) -> int:
        """Those of `products` that multiply with the input."""
        shapes = self.shapes(features, units, use_bias=False)
        return sum(math.prod(shape) for name, shape in shapes.items() if not name.startswith("recurrent"))


def check_size(cell: str, argument: str, value: Any) -> None:
    """Raise UserError for a number of features or units that is not an integer of at least 1."""
    if not is_number(Integral, value) or value < 1:
        raise UserError(f"cell {cell!r}: {argument!r} is {value!r}, expected an integer of at least 1")


def check_rate(cell: str, argument: str, value: Any) -> None:
    """Raise UserError for a rate of dropout that is not a number from 0 to below 1."""
    if not is_number(Real, value) or not 0 <= value < 1:
        raise UserError(f"cell {cell!r}: {argument!r} is {value!r}, expected a rate from 0 to below 1")


def check_switch(cell: str, argument: str, value: Any) -> None:
    """Raise UserError for what is neither true nor false."""
    if not isinstance(value, bool):
        raise UserError(f"cell {cell!r}: {argument!r} is {value!r}, expected True or False")


def check_seed(cell: str, value: Any) -> None:
    """Raise UserError for a seed that is neither None nor an integer from 0 to below 2**32."""
    if value is not None and not (is_number(Integral, value) and 0 <= value < 2**32):
        raise UserError(f"cell {cell!r}: 'seed' is {value!r}, expected None or an integer from 0 to below 2**32")


def is_number(kind: Any, value: Any) -> bool:
    """Whether it is a number of this kind, of Python or NumPy; True and False are none."""
    return isinstance(value, kind) and not isinstance(value, bool)


def no_step(cell: Cell) -> UserError:
    """The error for a cell that was asked to run its equations and has none."""
    return UserError(
        f"cell {cell.name!r} has no 'step', so it has no backend 'fused'; it has: {', '.join(cell.backends)}"
    )


def equations(cell: Cell) -> Step:
    """The cell's forward step. Raises UserError where it has none."""
    if cell.step is None:
        raise no_step(cell)
    return cell.step
