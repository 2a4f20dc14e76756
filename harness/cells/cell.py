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

Gates: TypeAlias = tuple[Array, ...]
"""One array for each gate, each (batch, units), in the order of `Cell.gates`."""

WeightShape: TypeAlias = Literal["full", "diagonal", "none"]
"""The weights of one gate: a matrix; a vector, by which each unit sees itself alone; or no weights."""

WeightField: TypeAlias = Literal["input_weights", "recurrent_weights"]
"""The field of `Cell` that declares the shapes of one kind of weights."""

States: TypeAlias = tuple[Array, ...]
"""The states of one time step, each (batch, units); the hidden state, which is the output, first."""

Saved: TypeAlias = tuple[Array, ...]
"""What the forward step keeps for the backward pass, each (batch, units)."""


RECURRENT: dict[WeightShape, str] = {"full": "recurrent_kernel", "diagonal": "recurrent_diagonal"}
"""The name of a layer's weight that holds the recurrent weights of a shape."""


class Recurrence(Protocol):
    """A product with the recurrent weights, given to the equations by the layer that owns these weights.

    Forward, `recur(h)` is h U + b, gate by gate: (batch, units) to one such array for each gate, dropout's masks and
    the recurrent bias, where there are such, included. Backward, `recur(du)` is the gradient that du, one array for
    each gate, gives h: (batch, units). `first` and `last` choose a run of gates, first to last - 1; without them, it is
    all. They count the gates that have recurrent weights, `Cell.gates_with("recurrent_weights")`.
    """

    def __call__(self, operand: Any, first: int = 0, last: int | None = None, /) -> Any:
        """The product with these gates."""


Step: TypeAlias = Callable[[Gates, States, Recurrence], tuple[States, Saved]]
"""`step(x, states, recur) -> (states, saved)`: one time step.

x is the input's part of the pre-activations, its bias included, one array for each of
`Cell.gates_with("input_weights")`: the layer computes it for all time steps in one product, since it does not depend on
the states. `saved` is what the backward pass
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
              from the last to the first. backward_factors are those of one time step; dx is x's gradient, gate by
              gate.
    products: `products(dx, saved, before)` -> list of (operand, gradient, first gate): what each recurrent product of
              the step multiplied with its weights, (time, batch, units), and the gradient of what came out, gate by
              gate, for all time steps. Left out, there is one product, of the hidden state, and its gradient is dx;
              or none, where no gate has recurrent weights.
    """

    factors: Callable[[Saved, States, States], tuple[Array, ...]]
    step: Callable[[States, tuple[Array, ...], Recurrence], tuple[Gates, States]]
    products: Callable[[Gates, Saved, States], list[tuple[Array, Gates, int]]] | None = None


class Run(NamedTuple):
    """Consecutive gates with recurrent weights, first to last - 1, whose weights have one shape.

    `place` is the number of earlier gates of that shape: where the run's weights begin, in gates.
    """

    shape: WeightShape
    first: int
    last: int
    place: int


@dataclass(frozen=True)
class Cell:
    """An architecture: the facts that reports and claims quote, and the equations that the fused backend runs.

    gates:           the names of its gates and candidates, each with weights, in the order of the Keras layer it
                     equals; also of weights that it has besides, such as peepholes
    multiplicative_gates: the names of those whose activation, between 0 and 1, multiplies something
    states:          what it hands from one time step to the next, the output first
    step, backward:  the equations; without `step` the cell has no fused backend, without `backward` that is by autodiff
    keras_layer:     the name in `keras.layers` of the layer it equals, None where there is none
    recurrent_weights: the shape of each gate's recurrent weights: full, diagonal or none; one for all gates, or a
                     mapping from names of gates, where a gate that is left out has full ones. A gate that the step
                     multiplies with nothing has to say so: counts and matching by parameters go by these shapes
    input_weights:   the same for the input's weights, full or none; a gate without input weights has no bias of the
                     input's product
    recurrent_bias:  whether the recurrent product has a bias of its own
    ones:            the gates whose bias starts at one (`unit_forget_bias`)
    reset_before:    the variant that `reset_after=False` chooses, where there is one
    """

    name: str
    title: str
    summary: str
    gates: tuple[str, ...]
    multiplicative_gates: tuple[str, ...]
    states: tuple[str, ...] = ("hidden state",)
    step: Step | None = None
    backward: Backward | None = None
    keras_layer: str | None = None
    recurrent_weights: WeightShape | Mapping[str, WeightShape] = "full"
    input_weights: WeightShape | Mapping[str, WeightShape] = "full"
    recurrent_bias: bool = False
    ones: tuple[str, ...] = ()
    reset_before: Cell | None = None

    def __post_init__(self) -> None:
        for field in ("gates", "states"):
            if not getattr(self, field):
                raise UserError(f"cell {self.name!r}: {field!r} is empty; it needs at least one name")
            if len({*getattr(self, field)}) < len(getattr(self, field)):
                raise UserError(f"cell {self.name!r}: {field!r} names something twice: {getattr(self, field)}")
        if self.step is None and self.keras_layer is None:
            raise UserError(f"cell {self.name!r} has neither a 'step' nor a 'keras_layer': nothing could run it")
        self._check_weights()
        if unknown := set(self.ones) - set(self.gates_with("input_weights")):
            raise UserError(
                f"cell {self.name!r}: 'ones' names {sorted(unknown)}, which are not among its gates with a bias"
            )

    def _check_weights(self) -> None:
        """Raise UserError for weights that cannot be: a wrong shape or gate, or a gate that nothing reaches."""
        fields: dict[WeightField, tuple[str, ...]] = {
            "recurrent_weights": get_args(WeightShape),
            "input_weights": ("full", "none"),
        }
        for field, valid in fields.items():
            given = getattr(self, field)
            shapes = dict(given) if isinstance(given, Mapping) else dict.fromkeys(self.gates, given)
            if unknown := shapes.keys() - {*self.gates}:
                raise UserError(f"cell {self.name!r}: {field!r} names {sorted(unknown)}, which are not among its gates")
            if wrong := [shape for shape in shapes.values() if shape not in valid]:
                raise UserError(
                    f"cell {self.name!r}: {field!r} holds {wrong[0]!r}, expected one of: {', '.join(valid)}"
                )
        seeing, recurrent = self.gates_with("input_weights"), self.gates_with("recurrent_weights")
        if not seeing:
            raise UserError(f"cell {self.name!r}: 'input_weights' is 'none' for every gate, so no input reaches it")
        if unreached := [gate for gate in self.gates if gate not in {*seeing, *recurrent}]:
            raise UserError(f"cell {self.name!r}: gate {unreached[0]!r} has neither input weights nor recurrent ones")
        full = all(self.weight_shapes(field) == ("full",) * len(self.gates) for field in fields)
        if self.keras_layer is not None and not full:
            raise UserError(
                f"cell {self.name!r}: 'recurrent_weights' and 'input_weights' are 'full' in the Keras layer "
                f"{self.keras_layer!r}, which the cell names as the layer it equals"
            )
        by_default = self.backward is not None and self.backward.products is None
        if by_default and recurrent not in ((), seeing):
            raise UserError(
                f"cell {self.name!r}: 'backward' needs 'products', since the gates with recurrent weights are not "
                "those with input weights: without it, the gradients of the recurrent products would be those of x"
            )

    def weight_shapes(self, field: WeightField) -> tuple[WeightShape, ...]:
        """The shape of each gate's weights."""
        given = getattr(self, field)
        return tuple(given.get(gate, "full") if isinstance(given, Mapping) else given for gate in self.gates)

    def gates_with(self, field: WeightField) -> tuple[str, ...]:
        """The gates that have weights of this kind, in order.

        Of those with input weights, which see the input, the step is given an x; of those with recurrent weights,
        `recur` gives a product.
        """
        shapes = self.weight_shapes(field)
        return tuple(gate for gate, shape in zip(self.gates, shapes, strict=True) if shape != "none")

    def runs(self, first: int = 0, last: int | None = None) -> list[Run]:
        """The gates with recurrent weights, first to last - 1, cut where the shape of their weights changes."""
        shapes = [shape for shape in self.weight_shapes("recurrent_weights") if shape != "none"]
        last = len(shapes) if last is None else last
        if not 0 <= first < last <= len(shapes):
            raise UserError(
                f"cell {self.name!r}: 'recur' is asked for gates {first} to {last - 1} of the {len(shapes)} that have "
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

        Each of them is trained. Raises UserError where `features` or `units` is not positive.
        """
        for argument, value in (("features", features), ("units", units)):
            check_size(self.name, argument, value)
        cell = self.variant(reset_after=reset_after)
        seeing, recurrent = cell.gates_with("input_weights"), cell.gates_with("recurrent_weights")
        recurrent_shapes = cell.weight_shapes("recurrent_weights")
        width, recurrent_width = len(seeing) * units, len(recurrent) * units
        shapes: dict[str, tuple[int, ...]] = {"kernel": (features, width)}
        if "full" in recurrent_shapes:
            shapes[RECURRENT["full"]] = (units, recurrent_shapes.count("full") * units)
        if "diagonal" in recurrent_shapes:
            shapes[RECURRENT["diagonal"]] = (recurrent_shapes.count("diagonal") * units,)
        if not use_bias:
            return shapes
        if cell.recurrent_bias and seeing == recurrent:
            return shapes | {"bias": (2, width)}
        shapes["bias"] = (width,)
        return shapes | ({"recurrent_bias": (recurrent_width,)} if cell.recurrent_bias and recurrent_width else {})

    def parameters(self, features: int, units: int, *, use_bias: bool = True, reset_after: bool = True) -> int:
        """Trainable parameters of one layer: the sizes of its weights.

        That is gates x units x (features + units + biases) where all gates have full weights.
        """
        return sum(map(math.prod, self.shapes(features, units, use_bias=use_bias, reset_after=reset_after).values()))

    def multiplications(self, features: int, units: int) -> int:
        """Multiplications by weights, for a time step of one sequence: one for each weight that is not a bias."""
        return self.parameters(features, units, use_bias=False)

    def input_multiplications(self, features: int, units: int) -> int:
        """Those of `multiplications` that are with the input."""
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
